import Base
import Platform

/// The functions of numbers, which take tensors and lists of numbers element by element.
enum CoreMathematics {
  static let constants: [Constant] = [
    Constant("pi", .float(.pi), "The circumference of a circle of diameter 1.", family: "mathematics"),
    Constant("e", .float(2.718281828459045), "The base of natural logarithms.", family: "mathematics"),
    Constant("inf", .float(.infinity), "Infinity: greater than every number.", family: "mathematics"),
    Constant(
      "nan", .float(.nan), "Not a number: the result of a computation without one; equal to nothing.",
      family: "mathematics"),
  ]

  static let builtins: [Builtin] = [
    Builtin(
      "abs(x: number | list | tensor) -> any", "The absolute value.", examples: [Example("abs(-3)", "3")],
      seeAlso: ["sign"],
      search: ["magnitude", "absolute"], family: "mathematics", isGeneric: true, checksFirst: false
    ) { call in
      switch call[0] {
      case .int(let number):
        guard number != .min else { throw call.error(.numeric, "abs(\(number)) does not fit in an int of 64 bits") }
        return .int(abs(number))
      case .float(let number): return .float(abs(number))
      default: return try elementwise(call)
      }
    },
    real("sqrt", "The square root.", "sqrt(2)", "1.4142135623730951", seeAlso: ["square", "norm"], search: ["root"]) {
      $0 < 0 ? nil : $0.squareRoot()
    },
    real("exp", "e to the power of x.", "exp(0)", "1.0", seeAlso: ["log", "softmax"], search: ["exponential"]) {
      exp($0)
    },
    Builtin(
      "log(x: number | list | tensor, base: float | none = none) -> any", "The logarithm: natural, or to a base.",
      details: "- base: e when left out.",
      examples: [Example("log(e)", "1.0"), Example("log(8, base=2)", "3.0")], seeAlso: ["exp"],
      search: ["ln", "logarithm", "log2", "log10"], family: "mathematics", isGeneric: true, checksFirst: false
    ) { call in
      let base = try call.optionalFloat("base")
      if let base, !(base > 0) || base == 1 {
        throw call.error(.value, "the base of a logarithm must be above 0 and not 1", at: "base")
      }
      guard let x = call[0].asDouble else { return try elementwise(call) }
      guard x > 0 || x.isNaN else {
        throw call.error(
          .numeric, "log(\(call[0].shortText(PrintOptions()))) is undefined", hint: "log takes numbers above 0", at: "x"
        )
      }
      guard let base else { return .float(log(x)) }
      if base == 2 { return .float(log2(x)) }
      if base == 10 { return .float(log10(x)) }
      return .float(log(x) / log(base))
    },
    real(
      "sin", "The sine of an angle in radians.", "sin(0)", "0.0", seeAlso: ["cos", "asin"], search: ["trigonometry"]
    ) { sin($0) },
    real(
      "cos", "The cosine of an angle in radians.", "cos(0)", "1.0", seeAlso: ["sin", "acos"], search: ["trigonometry"]
    ) { cos($0) },
    real(
      "tan", "The tangent of an angle in radians.", "tan(0)", "0.0", seeAlso: ["atan", "sin"], search: ["trigonometry"]
    ) { tan($0) },
    real("asin", "The angle with a given sine, in radians.", "asin(0)", "0.0", seeAlso: ["sin"], search: ["arcsin"]) {
      abs($0) > 1 ? nil : asin($0)
    },
    real("acos", "The angle with a given cosine, in radians.", "acos(1)", "0.0", seeAlso: ["cos"], search: ["arccos"]) {
      abs($0) > 1 ? nil : acos($0)
    },
    real("atan", "The angle with a given tangent, in radians.", "atan(0)", "0.0", seeAlso: ["tan"], search: ["arctan"])
    { atan($0) },
    real(
      "tanh", "The hyperbolic tangent.", "tanh(0)", "0.0", seeAlso: ["atanh", "sigmoid"],
      search: ["hyperbolic", "squash"]
    ) { tanh($0) },
    real(
      "atanh", "The inverse of tanh, for numbers between -1 and 1.", "atanh(0)", "0.0", seeAlso: ["tanh"],
      search: ["arctanh"]
    ) {
      abs($0) >= 1 ? nil : atanh($0)
    },
    real(
      "erf", "The error function: twice the share of a normal distribution of variance 1/2 between 0 and x.", "erf(0)",
      "0.0", seeAlso: ["exp"], search: ["gauss", "normal distribution", "probability"]
    ) { erf($0) },
    rounding("floor", "The greatest whole number that is not above x.", "floor(2.7)", "2", search: ["round down"]) {
      $0.rounded(.down)
    },
    rounding("ceil", "The least whole number that is not below x.", "ceil(2.1)", "3", search: ["round up", "ceiling"]) {
      $0.rounded(.up)
    },
    Builtin(
      "round(x: number | list | tensor, digits: int | none = none) -> any",
      "The nearest whole number, or the nearest with this many decimals.",
      details: "Halves go to the even neighbour.\n\n- digits: decimals; negative ones round before the point.",
      examples: [Example("round(2.7)", "3"), Example("round(pi, 2)", "3.14")], seeAlso: ["floor", "ceil", "int"],
      search: ["nearest", "decimals"], family: "mathematics", isGeneric: true, checksFirst: false
    ) { call in
      guard let x = call[0].asDouble else { return try elementwise(call) }
      guard let digits = try call.optionalInt("digits") else {
        if case .int = call[0] { return call[0] }
        return try whole(x.rounded(.toNearestOrEven), of: "round(\(x))", call)
      }
      if case .int = call[0], digits >= 0 { return call[0] }
      guard x.isFinite, digits < 300 else { return .float(x) }
      // Beyond the greatest power of ten there is nothing to round to but 0.
      if digits < -308 { return call[0].asInt == nil ? .float(0) : .int(0) }
      if digits >= 0 {
        let text = x.fixed(min(digits, 400))
        return .float(Double(text) ?? x)
      }
      let unit = pow(10, Double(-digits))
      let rounded = (x / unit).rounded(.toNearestOrEven) * unit
      if case .int = call[0] { return try whole(rounded, of: "round", call) }
      return .float(rounded)
    },
    Builtin(
      "isnan(x: number | list | tensor) -> any", "Whether a number is nan; of a tensor, the mask of those that are.",
      examples: [Example("isnan(nan)", "true")],
      seeAlso: ["isfinite"],
      search: ["not a number", "missing"], family: "mathematics", isGeneric: true, checksFirst: false
    ) { call in
      guard let x = call[0].asDouble else { return try elementwise(call) }
      return .bool(x.isNaN)
    },
    Builtin(
      "isfinite(x: number | list | tensor) -> any",
      "Whether a number is neither infinite nor nan; of a tensor, the mask of those that are not.",
      examples: [Example("isfinite(inf)", "false")],
      seeAlso: ["isnan"], search: ["infinite", "isinf"], family: "mathematics", isGeneric: true, checksFirst: false
    ) { call in
      guard let x = call[0].asDouble else { return try elementwise(call) }
      return .bool(x.isFinite)
    },
  ]

  private static func real(
    _ name: String, _ summary: String, _ example: String, _ result: String, seeAlso: [String], search: [String],
    _ compute: @escaping @Sendable (Double) -> Double?
  ) -> Builtin {
    Builtin(
      "\(name)(x: number | list | tensor) -> any", summary, examples: [Example(example, result)], seeAlso: seeAlso,
      search: search,
      family: "mathematics",
      isGeneric: true, checksFirst: false
    ) { call in
      guard let x = call[0].asDouble else { return try elementwise(call) }
      guard let value = compute(x) else {
        throw call.error(
          .numeric, "\(name)(\(call[0].shortText(PrintOptions()))) is not a real number", at: "x")
      }
      return .float(value)
    }
  }

  private static func rounding(
    _ name: String, _ summary: String, _ example: String, _ result: String, search: [String],
    _ compute: @escaping @Sendable (Double) -> Double
  ) -> Builtin {
    Builtin(
      "\(name)(x: number | list | tensor) -> any", summary, examples: [Example(example, result)],
      seeAlso: ["round", "int"],
      search: search,
      family: "mathematics", isGeneric: true, checksFirst: false
    ) { call in
      switch call[0] {
      case .int: return call[0]
      case .float(let number): return try whole(compute(number), of: "\(name)(\(number))", call)
      default: return try elementwise(call)
      }
    }
  }

  /// An int of a float that is whole.
  static func whole(_ number: Double, of what: String, _ call: Call) throws(LTDError) -> Value {
    guard let result = Int(exactly: number) else {
      throw call.error(.numeric, "\(what) does not fit in an int of 64 bits", at: "x")
    }
    return .int(result)
  }

  /// The result for a list of numbers, computed by the host's arrays; an error for what is no list of numbers.
  private static func elementwise(_ call: Call) throws -> Value {
    if case .list(let list) = call[0], let object = try call.session.table.listLift?(list),
      let value = try object.apply(call.name, call)
    {
      return value
    }
    let hint: String? =
      switch call[0] {
      case .list, .range: "[\(call.name)(x) for x in xs]"
      case .string: "float(x) makes a number of a string"
      default: nil
      }
    throw call.error(.type, "\(call.name) takes a number, not \(call[0].described)", hint: hint, at: "x")
  }
}
