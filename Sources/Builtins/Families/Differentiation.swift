import Base
import Devices
import Interpreter
import Networks
import Tensors

extension BuiltinTable {
  static let differentiation: [Builtin] = [
    Builtin(
      "grad(f: function, x: number | tensor | model) -> tensor | record",
      "The gradient of f at x, where f(x) is a single number.",
      details: """
        f may use any tensor code: its own loops and functions, models, losses. The gradient has the shape of x. A number \
        that does not depend on x has the gradient 0. Code computes within f the values that it computes \
        elsewhere; where no gradient would pass though a value depends on x, as through eps of an attack, there is an \
        error. What perturb returns is a constant, as labels and positions are.

        Within another f, the gradient that grad returns is followed in turn: penalties on input gradients can be trained \
        with. `detach(grad(…))` takes it as a constant instead, which costs less.

        Of a model it is a record with the gradient of each weight by name, for sgd; f is handed the model and calls it. The \
        weights of any other model count as constants, and so do frozen ones.

        - f: takes x and returns one number.
        - x: a number, a tensor, numbers in lists, or a model, whose weights are meant.
        """,
      examples: [
        Example("grad(x => sum(x**2), [1.0, 2, 3])", "tensor f32 [3]  2 4 6"), Example("grad(x => x**3, 2)", "12.0"),
        Example(
          "x, y = rand([4, 1, 28, 28]), [0, 1, 2, 3]; keys(grad(m => cross_entropy(m(x), y), mlp(hidden=[8])))",
          "[\"1.weight\", \"1.bias\", \"3.weight\", \"3.bias\"]"),
      ],
      seeAlso: ["value_and_grad", "detach", "sgd"],
      search: [
        "gradient", "backward", "autograd", "derivative", "jacobian", "backpropagation", "requires_grad", "hessian",
        "second derivative", "double backward", "gradient penalty",
      ],
      family: "tensors"
    ) { call in try call.differentiate().gradient },
    Builtin(
      "value_and_grad(f: function, x: number | tensor | model) -> list",
      "The value of f at x and its gradient there: [value, gradient].",
      details: """
        Where f returns a list, its first element is the number that is differentiated, and the others come after the \
        gradient: [value, gradient, more…].

        The gradient of a model is a record, and arithmetic of records works field by field: g * 0.5, g1 + g2, norm(g) \
        over all weights, map(g, f). So `g * min(1, 1 / norm(g))` is clipped to norm 1; sgd takes the result.

        - f: takes x and returns one number, or a list that begins with it.
        - x: a number, a tensor, numbers in lists, or a model, whose weights are meant.
        """,
      examples: [
        Example("value_and_grad(x => sum(x**2), [1.0, 2])", "[5.0, tensor f32 [2]  2 4]"),
        Example("loss, g, size = value_and_grad(x => [sum(x**2), len(x)], [1.0, 2]); size", "2"),
      ],
      seeAlso: ["grad", "detach", "sgd"],
      search: ["gradient", "backward", "loss", "training loop", "has_aux", "clip_grad_norm"],
      family: "tensors"
    ) { call in
      let found = try call.differentiate(hasMore: true)
      return Value([found.value, found.gradient] + found.more)
    },
    Builtin(
      "detach(x: number | list | record | tensor | model) -> any", "The value without a gradient: a constant to grad.",
      details:
        "- x: a number, a tensor, a model, or a list or record of these; other values stay as they are.",
      examples: [
        Example("grad(x => sum(detach(x) * x), [1.0, 2])", "tensor f32 [2]  1 2"), Example("detach(2.5)", "2.5"),
      ],
      seeAlso: ["grad", "value_and_grad"],
      search: ["stop_gradient", "no_grad", "constant", "item", "requires_grad_"], family: "tensors", checksFirst: false
    ) { call in try call["x"].detached(unlessRecording: false) },
    Builtin(
      "check_gradients(f: function, x: tensor, tolerance: float > 0 = 0.01, step: float > 0 = 0.01, samples: int > 0 = 256, seed: int = 0) -> record",
      "Compares grad(f, x) with finite differences; where they disagree, that is an error.",
      details: """
        Values are f32, their differences and quotients are formed in double precision. Where the two disagree, larger and \
        smaller steps are tried before anything is said.

        - f: takes x and returns a single number.
        - tolerance: the greatest |gradient - difference| allowed, as a share of the greatest slope found.
        - step: x is moved by it both ways, relative to elements greater than 1.
        - samples: how many elements of x are compared; chosen at random when x has more.

        The record has the greatest `deviation`, its `place`, the `gradient` and the `difference` there, and how many elements \
        were `compared`.
        """,
      examples: [
        Example("check_gradients(x => sum(x**3), [1.0, -2, 3]).compared", "3"),
        Example("check_gradients(x => sum(exp(x)), randn([100, 100], seed=1)).deviation < 0.001", "true"),
      ],
      seeAlso: ["grad", "value_and_grad", "check_finite"],
      search: ["gradcheck", "numerical gradient", "finite differences", "debug"], family: "tensors"
    ) { call in
      let x = try call.object("x", as: TensorObject.self).tensor
      let (samples, tolerance, step) = (try call.int("samples"), try call.float("tolerance"), try call.float("step"))
      var elements: [Int]?
      if x.count > samples {
        let seed = try call.seed("seed")
        elements = RandomStream(seed: seed, purpose: "check_gradients").permutation(x.count).prefix(samples).sorted()
      }
      let result = try checkGradients(at: x, elements: elements, step: Float(step)) { x in
        try call.single(call.invoke(call["f"], [x.shape.isEmpty ? Value(x) : .object(TensorObject(x))]))
      }
      let place = Shape.indices(of: result.element, in: x.shape)
      guard result.deviation.isFinite else {
        throw call.error(
          .numeric, "f or its gradient is not a finite number at x\(place) or near it",
          hint: "check_finite(true) makes the operation at fault an error",
          at: "f")
      }
      guard result.deviation <= tolerance else {
        throw call.error(
          .numeric,
          "the gradient of f at x\(place) is \(result.analytic.general(4)), but finite differences give \(result.numeric.general(4)): a deviation of \(result.deviation.general(4)), where \(tolerance.general(4)) is allowed",
          hint:
            "f jumps or has a kink near there, or a part of it has no gradient (round, sign, argmax, numbers taken out of tensors)",
          at: "f")
      }
      return Value(fields: [
        ("deviation", Value(result.deviation)), ("place", Value(place)), ("gradient", Value(result.analytic)),
        ("difference", Value(result.numeric)), ("compared", Value(result.compared)),
      ])
    },
  ]
}

extension Call {
  /// What f returned at x, and the gradient there.
  ///
  /// - Parameter hasMore: f may return a list that begins with the number; the others are `more`.
  fileprivate func differentiate(
    hasMore: Bool = false
  ) throws -> (value: Value, gradient: Value, more: [Value]) {
    let x = try self["x"]
    // Points to differentiate at: of their own, or on the record of an outer gradient that follows them.
    var points: [Tensor] = []
    let argument: Value
    var model: Model?
    var names: [String] = []
    switch x {
    case .object(let object as ModelObject):
      model = object.model
      try object.model.requireTrainable()
      // Frozen weights are constants.
      let frozen = Set(object.model.frozenParameters)
      var weights = object.tracked ?? object.model.parameters
      for i in weights.indices where !frozen.contains(i) {
        weights[i] = try point(weights[i])
        points.append(weights[i])
        names.append(object.model.parameterNames[i])
      }
      argument = .object(ModelObject(object.model, tracked: weights))
    case .int, .float:
      let number = x.asDouble ?? 0
      points = [try point(Tensor.scalar(Float(number)))]
      argument = .object(FollowedNumber(points[0], number))
    default:
      let tensor = try object("x", as: TensorObject.self).tensor
      points = [try point(tensor.asType(.float32))]
      argument =
        if case .float(let number) = x.plain { .object(FollowedNumber(points[0], number)) } else {
          .object(TensorObject(points[0]))
        }
    }
    defer { for point in points { point.close() } }
    var result = try invoke(try self["f"], [argument])
    var more: [Value] = []
    if hasMore, case .list(let list) = result, list.items.count > 1 {
      (result, more) = (list.items[0], Array(list.items.dropFirst()))
    }
    let value = try single(result)
    if model != nil, !value.isTracked {
      throw error(
        .value, "what f returns does not depend on the weights of the model",
        hint: "call the model that f is handed: grad(m => cross_entropy(m(x), y), model)", at: "f")
    }
    let found = try followedGradients(of: value, withRespectTo: points)
    for point in points { point.close() }
    // What an outer gradient follows keeps its record; nothing else does.
    let gradients = found.areFollowed ? found.gradients.map { $0.isRecording ? $0 : $0.detached() } : found.gradients
    let gradient =
      model.map { _ in
        Value(fields: zip(names, gradients).map { ($0, Value(TensorObject($1))) })
      } ?? Value(gradients[0])
    for place in more.indices { more[place] = try more[place].detached(unlessRecording: true) }
    let number = result.isFollowed ? result : Value(value)
    return (try number.detached(unlessRecording: found.areFollowed), gradient, more)
  }

  private func point(_ tensor: Tensor) throws -> Tensor {
    tensor.isTracked ? try tensor.branched() : tensor.tracked()
  }

  /// What f returned, as a tensor of one element.
  fileprivate func single(_ result: Value) throws -> Tensor {
    guard let value = try Tensor.operand(result) else {
      throw error(
        .type, "f must return a number, not \(result.described)", hint: "take sum(losses) or mean(losses)", at: "f")
    }
    guard value.count == 1 else {
      throw error(
        .shape, "f must return a single number, not a tensor of shape \(value.shape)",
        hint: "take sum(losses) or mean(losses)", at: "f")
    }
    return value
  }
}

extension Value {
  /// The value without records, also within lists and records.
  ///
  /// - Parameter unlessRecording: a record stays through which an outer gradient may still be asked for.
  func detached(unlessRecording: Bool, depth: Int = 0) throws -> Value {
    switch self {
    case .object(let object as TensorObject):
      guard object.tensor.isTracked, !(unlessRecording && object.isRecording) else { return self }
      return isFollowed ? plain : .object(TensorObject(object.tensor.detached()))
    case .object(let object as ModelObject):
      guard let weights = object.tracked, !(unlessRecording && weights.contains(where: \.isRecording)) else {
        return self
      }
      return .object(ModelObject(object.model))
    case .list(let list):
      try Self.checkDepth(depth)
      var items = list.items
      for place in items.indices {
        items[place] = try items[place].detached(unlessRecording: unlessRecording, depth: depth + 1)
      }
      return Value(items)
    case .record(let record):
      try Self.checkDepth(depth)
      var fields: [(String, Value)] = []
      for (name, value) in record.fields {
        fields.append((name, try value.detached(unlessRecording: unlessRecording, depth: depth + 1)))
      }
      return Value(fields: fields)
    default: return self
    }
  }

  private static func checkDepth(_ depth: Int) throws {
    guard depth < 500 else { throw LTDError(.value, "lists or records nested more than 500 deep cannot be detached") }
  }
}
