import Base
import Interpreter
import Platform
import Tensors

/// What the language's own functions do with a tensor.
extension TensorObject {
  static func generic(_ name: String, _ tensor: Tensor, _ call: Call) throws(LTDError) -> Value? {
    if name == "log", let base = try call.optionalFloat("base") {
      return Value(try attempt { () throws(CoreError) in try tensor.log() / Float(log(base)) })
    }
    if name == "round", let digits = try call.optionalInt("digits") {
      return Value(try attempt { () throws(CoreError) in try rounded(tensor, digits) })
    }
    if let operation = elementwise[name] {
      return Value(try attempt { () throws(CoreError) in try operation(tensor) })
    }
    if let operation = reductions[name] {
      let names = call.signature.parameterNames
      return Value(
        try attempt { () throws(CoreError) in
          try operation(
            tensor, names.contains("axis") ? call.core.axes("axis") : nil,
            names.contains("keepdim") ? call.core.bool("keepdim") : false)
        })
    }
    return nil
  }

  /// The nearest with so many decimals, in double precision.
  private static func rounded(_ x: Tensor, _ digits: Int) throws(CoreError) -> Tensor {
    // Float32 has nothing beyond 10³⁸ and below 10⁻⁴⁵.
    let unit = pow(10, Double(min(max(digits, -40), 46)))
    var values = x.floats()
    for place in values.indices {
      try StopSignal.poll(at: place)
      values[place] = Float((Double(values[place]) * unit).rounded(.toNearestOrEven) / unit)
    }
    return try Tensor(values, shape: x.shape)
  }

  private static let elementwise: [String: @Sendable (Tensor) throws(CoreError) -> Tensor] = [
    "abs": { (x) throws(CoreError) in try x.abs() }, "exp": { (x) throws(CoreError) in try x.exp() },
    "log": { (x) throws(CoreError) in try x.log() }, "sqrt": { (x) throws(CoreError) in try x.sqrt() },
    "sin": { (x) throws(CoreError) in try x.sin() }, "cos": { (x) throws(CoreError) in try x.cos() },
    "tan": { (x) throws(CoreError) in try x.tan() }, "asin": { (x) throws(CoreError) in try x.asin() },
    "acos": { (x) throws(CoreError) in try x.acos() }, "atan": { (x) throws(CoreError) in try x.atan() },
    "erf": { (x) throws(CoreError) in try x.erf() }, "isnan": { (x) throws(CoreError) in try notEqual(x, x) },
    "isfinite": { (x) throws(CoreError) in try less(x.abs(), .scalar(.infinity)) },
    "tanh": { (x) throws(CoreError) in try x.tanh() }, "atanh": { (x) throws(CoreError) in try x.atanh() },
    "floor": { (x) throws(CoreError) in try x.floor() }, "ceil": { (x) throws(CoreError) in try x.ceil() },
    "round": { (x) throws(CoreError) in try x.round() },
  ]

  private static let reductions: [String: @Sendable (Tensor, [Int]?, Bool) throws(CoreError) -> Tensor] = [
    "sum": { (x, axes, keepdim) throws(CoreError) in try x.sum(axes: axes, keepdim: keepdim) },
    "min": { (x, axes, keepdim) throws(CoreError) in try x.min(axes: axes, keepdim: keepdim) },
    "max": { (x, axes, keepdim) throws(CoreError) in try x.max(axes: axes, keepdim: keepdim) },
    "any": { (x, axes, keepdim) throws(CoreError) in try x.any(axes: axes, keepdim: keepdim) },
    "all": { (x, axes, keepdim) throws(CoreError) in try x.all(axes: axes, keepdim: keepdim) },
  ]
}
