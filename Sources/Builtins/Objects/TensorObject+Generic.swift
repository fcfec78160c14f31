import Base
import Interpreter
import Platform
import Tensors

/// What the language's own functions do with a tensor.
extension TensorObject {
  static func generic(_ name: String, _ tensor: Tensor, _ call: Call) throws -> Value? {
    if name == "log", let base = try call.optionalFloat("base") {
      return Value(try tensor.log() / Float(log(base)))
    }
    if name == "round", let digits = try call.optionalInt("digits") {
      return Value(try tensor.rounded(toDigits: digits))
    }
    if let operation = elementwise[name] {
      return Value(try operation(tensor))
    }
    if let operation = reductions[name] {
      let names = call.signature.parameterNames
      return Value(
        try operation(
          tensor, names.contains("axis") ? call.axes("axis") : nil,
          names.contains("keepdim") ? call.bool("keepdim") : false))
    }
    return nil
  }

  private static let elementwise: [String: @Sendable (Tensor) throws -> Tensor] = [
    "abs": { x in try x.abs() }, "exp": { x in try x.exp() },
    "log": { x in try x.log() }, "sqrt": { x in try x.sqrt() },
    "sin": { x in try x.sin() }, "cos": { x in try x.cos() },
    "tan": { x in try x.tan() }, "asin": { x in try x.asin() },
    "acos": { x in try x.acos() }, "atan": { x in try x.atan() },
    "erf": { x in try x.erf() }, "isnan": { x in try notEqual(x, x) },
    "isfinite": { x in try less(x.abs(), .scalar(.infinity)) },
    "tanh": { x in try x.tanh() }, "atanh": { x in try x.atanh() },
    "floor": { x in try x.floor() }, "ceil": { x in try x.ceil() },
    "round": { x in try x.round() },
  ]

  private static let reductions: [String: @Sendable (Tensor, [Int]?, Bool) throws -> Tensor] = [
    "sum": { x, axes, keepdim in try x.sum(axes: axes, keepdim: keepdim) },
    "min": { x, axes, keepdim in try x.min(axes: axes, keepdim: keepdim) },
    "max": { x, axes, keepdim in try x.max(axes: axes, keepdim: keepdim) },
    "any": { x, axes, keepdim in try x.any(axes: axes, keepdim: keepdim) },
    "all": { x, axes, keepdim in try x.all(axes: axes, keepdim: keepdim) },
  ]
}
