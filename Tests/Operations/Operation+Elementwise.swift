import Foundation
import Tensors

extension Operation {
  private static func unary(
    _ name: String, _ content: Input.Content = .normal, settings: [Attributes] = [[:]], tolerance: Double = 1e-6,
    apply: @escaping @Sendable (Tensor, Attributes) throws -> Tensor,
    exact: @escaping @Sendable (Double, Attributes) -> Double
  ) -> Operation {
    let shapes = [[], [1], [7], [2, 3], [0, 3], [33], [2, 3, 4, 5], [3, 17, 9, 5]]
    return Operation(
      name, shapes.flatMap { shape in settings.map { Case([Input("x", shape, content)], $0) } }, tolerance: tolerance,
      apply: { try apply($0["x"], $0.attributes) },
      exact: { arguments in try arguments["x"].map { exact($0, arguments.attributes) } }
    ).measured([Case([Input("x", [512, 512], content)]), Case([Input("x", [4096, 4096], content)])])
  }

  static let elementwise: [Operation] = [
    unary("relu", .distinct) { x, _ in
      try x.relu()
    } exact: { x, _ in
      max(x, 0)
    },
    unary("leaky_relu", .distinct, settings: [[:], ["slope": 0.2]]) { x, attributes in
      try x.leakyRelu(slope: attributes.float("slope", 0.01))
    } exact: { x, attributes in
      x > 0 ? x : x * Double(attributes.float("slope", 0.01))
    },
    unary("silu") { x, _ in
      try x.silu()
    } exact: { x, _ in
      x * sigmoid(x)
    },
    unary("relu6", .distinct, settings: [[:], ["scale": 5]]) { x, attributes in
      try (x * attributes.float("scale", 1)).relu6()
    } exact: { x, attributes in
      min(max(x * Double(attributes.float("scale", 1)), 0), 6)
    },
    unary("gelu") { x, _ in
      try x.gelu()
    } exact: { x, _ in
      x * erfc(-x / 2.0.squareRoot()) / 2
    },
    unary("sigmoid") { x, _ in
      try x.sigmoid()
    } exact: { x, _ in
      sigmoid(x)
    },
    unary("tanh") { x, _ in
      try x.tanh()
    } exact: { x, _ in
      tanh(x)
    },
    unary("exp") { x, _ in
      try x.exp()
    } exact: { x, _ in
      exp(x)
    },
    unary("softplus") { x, _ in
      try x.softplus()
    } exact: { x, _ in
      max(x, 0) + log1p(exp(-abs(x)))
    },
    unary("log", .positive) { x, _ in
      try x.log()
    } exact: { x, _ in
      log(x)
    },
    unary("log1p", .positive) { x, _ in
      try x.log1p()
    } exact: { x, _ in
      log1p(x)
    },
    unary("sqrt", .positive) { x, _ in
      try x.sqrt()
    } exact: { x, _ in
      x.squareRoot()
    },
    unary("reciprocal", .positive) { x, _ in
      try x.reciprocal()
    } exact: { x, _ in
      1 / x
    },
    unary("sin") { x, _ in
      try x.sin()
    } exact: { x, _ in
      sin(x)
    },
    unary("cos") { x, _ in
      try x.cos()
    } exact: { x, _ in
      cos(x)
    },
    unary("tan", .unit) { x, _ in
      try x.tan()
    } exact: { x, _ in
      tan(x)
    },
    unary("asin", .unit) { x, _ in
      try x.asin()
    } exact: { x, _ in
      asin(x)
    },
    unary("acos", .unit) { x, _ in
      try x.acos()
    } exact: { x, _ in
      acos(x)
    },
    unary("atan") { x, _ in
      try x.atan()
    } exact: { x, _ in
      atan(x)
    },
    unary("erf") { x, _ in
      try x.erf()
    } exact: { x, _ in
      erf(x)
    },
    unary("atanh", .unit) { x, _ in
      try x.atanh()
    } exact: { x, _ in
      atanh(x)
    },
    unary("abs", .distinct) { x, _ in
      try x.abs()
    } exact: { x, _ in
      abs(x)
    },
    unary("square") { x, _ in
      try x.square()
    } exact: { x, _ in
      x * x
    },
    unary("sign", .distinct) { x, _ in
      try x.sign()
    } exact: { x, _ in
      x > 0 ? 1 : x < 0 ? -1 : 0
    },
    unary("neg") { x, _ in
      try x.neg()
    } exact: { x, _ in
      -x
    },
    unary("floor", .distinct) { x, _ in
      try x.floor()
    } exact: { x, _ in
      x.rounded(.down)
    },
    unary("ceil", .distinct) { x, _ in
      try x.ceil()
    } exact: { x, _ in
      x.rounded(.up)
    },
    unary("round", .distinct) { x, _ in
      try x.round()
    } exact: { x, _ in
      x.rounded(.toNearestOrEven)
    },
    unary("clip", .distinct, settings: [["min": -0.6, "max": 0.9], ["min": 0], ["max": 0.25]]) { x, attributes in
      try x.clip(min: attributes.float("min", -.infinity), max: attributes.float("max", .infinity))
    } exact: { x, attributes in
      min(max(x, Double(attributes.float("min", -.infinity))), Double(attributes.float("max", .infinity)))
    },
    unary("affine", settings: [["scale": -3, "offset": 2]]) { x, attributes in
      try x.affine(scale: attributes.float("scale", 1), offset: attributes.float("offset", 0))
    } exact: { x, attributes in
      x * attributes.double("scale", 1) + attributes.double("offset", 0)
    },
    Operation(
      "dropout", [Case([Input("x", [2, 3, 4, 5])], ["p": 0.4]), Case([Input("x", [1000])], ["p": 0])],
      apply: { try dropout($0["x"], $0.attributes.float("p", 0.5), stream: dropoutStream) },
      exact: { arguments in
        // What is dropped is random; what becomes of ones tells the factors.
        let x = try arguments["x"]
        let factors = try dropout(.ones(x.shape), arguments.attributes.float("p", 0.5), stream: dropoutStream)
        return Exact.combine(x, Exact(factors), *)
      }),
    Operation(
      "dropout2d", [Case([Input("x", [2, 7, 4, 5])], ["p": 0.4]), Case([Input("x", [9, 5])], ["p": 0.3])],
      apply: { try dropout2d($0["x"], $0.attributes.float("p", 0.5), stream: dropoutStream) },
      exact: { arguments in
        // Whole channels: the first pixel of each tells its factor.
        let x = try arguments["x"]
        let ones = try Tensor.ones(Array(x.shape.prefix(2)) + x.shape.dropFirst(2).map { _ in 1 })
        let factors = try dropout2d(ones, arguments.attributes.float("p", 0.5), stream: dropoutStream)
        return Exact.combine(x, Exact(factors), *)
      }),
  ]

  private static let dropoutStream = RandomStream(seed: 1, purpose: "dropout")

  private static let broadcasts: [([Int], [Int])] = [
    ([], []), ([3], []), ([], [3]), ([2, 3], [3]), ([2, 3], [2, 1]), ([2, 1], [1, 3]), ([2, 3, 2, 2], [3, 1, 1]),
    ([2, 3, 2, 2], [2, 3, 2, 2]), ([1, 3, 1, 2], [2, 1, 2, 1]), ([0, 3], [3]), ([5, 33], [5, 33]), ([4, 33], [4, 1]),
    ([2, 17, 5, 3], [1, 17, 1, 1]),
  ]

  private static func binary(
    _ name: String, _ first: Input.Content = .normal, _ second: Input.Content = .normal,
    apply: @escaping @Sendable (Tensor, Tensor) throws -> Tensor,
    exact: @escaping @Sendable (Double, Double) -> Double
  ) -> Operation {
    Operation(
      name, broadcasts.map { Case([Input("a", $0.0, first), Input("b", $0.1, second)]) },
      apply: { try apply($0["a"], $0["b"]) }, exact: { Exact.combine(try $0["a"], try $0["b"], exact) }
    ).measured([512, 4096].map { Case([Input("a", [$0, $0], first), Input("b", [$0, $0], second)]) })
  }

  static let arithmetic: [Operation] = [
    binary("add") {
      try add($0, $1)
    } exact: {
      $0 + $1
    },
    binary("sub") {
      try sub($0, $1)
    } exact: {
      $0 - $1
    },
    binary("mul") {
      try mul($0, $1)
    } exact: {
      $0 * $1
    },
    binary("div", .normal, .positive) {
      try div($0, $1)
    } exact: {
      $0 / $1
    },
    binary("floor_divide", .normal, .positive) {
      try floorDivide($0, $1)
    } exact: {
      ($0 / $1).rounded(.down)
    },
    binary("remainder", .normal, .positive) {
      try remainder($0, $1)
    } exact: {
      $0 - ($0 / $1).rounded(.down) * $1
    },
    binary("pow", .positive) {
      try Tensors.pow($0, $1)
    } exact: {
      Foundation.pow($0, $1)
    },
    binary("maximum", .distinct, .normal) {
      try maximum($0, $1)
    } exact: {
      Exact.greatest([$0, $1])
    },
    binary("minimum", .distinct, .normal) {
      try minimum($0, $1)
    } exact: {
      -Exact.greatest([-$0, -$1])
    },
    Operation(
      "where",
      broadcasts.map { Case([Input("c", $0.0, .mask), Input("a", $0.0), Input("b", $0.1)]) },
      apply: { try whereSelect($0["c"], $0["a"], $0["b"]) },
      exact: { arguments in
        let (a, b) = (try arguments["a"], try arguments["b"])
        let shape = Exact.combine(Exact.combine(try arguments["c"], a, +), b, +).shape
        let places = Exact.combine(try arguments["c"], Exact(shape) { _ in 0 }) { c, _ in c }
        let (first, second) = (a.broadcast(to: shape), b.broadcast(to: shape))
        return Exact(shape, places.values.indices.map { (places.values[$0] != 0 ? first : second).values[$0] })
      }),
  ]
}

func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
