import Interpreter
import Networks
import Tensors

extension BuiltinTable {
  static let differentiation: [Builtin] = [
    Builtin(
      "grad(f: function, x: tensor | model) -> tensor | record",
      "The gradient of f at x, where f(x) is a single number.",
      details: """
        f may use any tensor code: its own loops and functions, models, losses. The gradient has the shape of x. A number \
        that does not depend on x has the gradient 0. Within another f, what grad gives is a constant: there are no \
        gradients of gradients.

        Of a model it is a record with the gradient of each weight by name, for sgd; f is handed the model and calls it. The \
        weights of any other model count as constants.

        - f: takes x and gives one number.
        - x: a number, a tensor, numbers in lists, or a model, whose weights are meant.
        """,
      examples: [
        Example("grad(x => sum(x**2), [1.0, 2, 3])", "tensor f32 [3]  2 4 6"), Example("grad(x => x**3, 2)", "12.0"),
        Example(
          "x, y = rand([4, 1, 28, 28]), [0, 1, 2, 3]; keys(grad(m => cross_entropy(m(x), y), mlp(hidden=[8])))",
          "[\"1.weight\", \"1.bias\", \"3.weight\", \"3.bias\"]"),
      ],
      seeAlso: ["value_and_grad", "sgd"],
      search: ["gradient", "backward", "autograd", "derivative", "jacobian", "backpropagation", "requires_grad"],
      family: "tensors"
    ) { call throws(LTDError) in try call.differentiate().gradient },
    Builtin(
      "value_and_grad(f: function, x: tensor | model) -> list",
      "The value of f at x and its gradient there: [value, gradient].",
      details:
        "- f: takes x and gives one number.\n- x: a tensor, numbers in lists, or a model, whose weights are meant.",
      examples: [Example("value_and_grad(x => sum(x**2), [1.0, 2])", "[5.0, tensor f32 [2]  2 4]")],
      seeAlso: ["grad", "sgd"], search: ["gradient", "backward", "loss", "training loop"], family: "tensors"
    ) { call throws(LTDError) in
      let (value, gradient) = try call.differentiate()
      return Value([Value(value.detached()), gradient])
    },
    Builtin(
      "check_gradients(f: function, x: tensor, tolerance: float > 0 = 0.01, step: float > 0 = 0.01, samples: int > 0 = 256, seed: int = 0) -> record",
      "Compares grad(f, x) with finite differences; an error when they disagree.",
      details: """
        Values are f32, their differences and quotients are formed in double precision. Where the two disagree, larger and \
        smaller steps are tried before anything is said.

        - f: gives a single number.
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
    ) { call throws(LTDError) in
      let x = try call.object("x", as: TensorObject.self).tensor
      let (samples, tolerance, step) = (try call.int("samples"), try call.float("tolerance"), try call.float("step"))
      var elements: [Int]?
      if x.count > samples {
        let seed = try attempt { () throws(CoreError) in try call.core.seed("seed") }
        elements = RandomStream(seed: seed, purpose: "check_gradients").permutation(x.count).prefix(samples).sorted()
      }
      // An error of the language within f passes through the core as it is.
      var failure: LTDError?
      let result: GradientCheck
      do throws(CoreError) {
        result = try checkGradients(at: x, elements: elements, step: Float(step)) { (x) throws(CoreError) in
          do throws(LTDError) {
            return try call.single(call.invoke(call["f"], [.object(TensorObject(x))]))
          } catch {
            failure = error
            throw CoreError(.value, "f failed")
          }
        }
      } catch {
        throw failure ?? LTDError(error)
      }
      let place = Self.place(result.element, in: x.shape)
      guard result.deviation.isFinite else {
        throw call.error(
          .numeric, "f or its gradient is not a finite number at x\(place) or near it",
          hint: "check_finite(true) says why",
          at: "f")
      }
      guard result.deviation <= tolerance else {
        throw call.error(
          .numeric,
          "the gradient of f at x\(place) is \(formatGeneral(result.analytic, digits: 4)), but finite differences give \(formatGeneral(result.numeric, digits: 4)): a deviation of \(formatGeneral(result.deviation, digits: 4)), where \(formatGeneral(tolerance, digits: 4)) is allowed",
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

extension BuiltinTable {
  /// Indices of an element in row-major order.
  private static func place(_ element: Int, in shape: [Int]) -> [Int] {
    var rest = element
    var place: [Int] = []
    for size in shape.reversed() where size > 0 {
      place.append(rest % size)
      rest /= size
    }
    return place.reversed()
  }
}

extension Call {
  fileprivate func differentiate() throws(LTDError) -> (value: Tensor, gradient: Value) {
    if case .object(let object) = try self["x"], let model = (object as? ModelObject)?.model {
      let weights = model.trackedParameters()
      let value = try single(try invoke(try self["f"], [.object(ModelObject(model, tracked: weights))]))
      guard value.isTracked else {
        throw error(
          .value, "what f gives does not depend on the weights of the model",
          hint: "f should call the model that it is handed: grad(m => cross_entropy(m(x), y), model)", at: "f")
      }
      let gradient = try attempt { () throws(CoreError) in try gradients(of: value, withRespectTo: weights) }
      return (value, Value(fields: zip(model.parameterNames, gradient).map { ($0, Value(TensorObject($1))) }))
    }
    let x = try object("x", as: TensorObject.self).tensor
    if x.isTracked {
      throw error(
        .value, "x depends on what an outer \(name) differentiates by, and gradients of gradients are not computed",
        hint: "take the inner gradient before, outside of the function that is differentiated", at: "x")
    }
    let tracked = try attempt { () throws(CoreError) in try x.asType(.float32).detached().tracked() }
    let value = try single(try invoke(try self["f"], [.object(TensorObject(tracked))]))
    let gradient = try attempt { () throws(CoreError) in try gradients(of: value, withRespectTo: [tracked])[0] }
    return (value, Value(gradient))
  }

  /// What f gave, as a tensor of one element.
  fileprivate func single(_ result: Value) throws(LTDError) -> Tensor {
    guard let value = try Tensor.operand(result) else {
      throw error(
        .type, "f should give a number, not \(result.described)", hint: "take the sum or mean of the losses", at: "f")
    }
    guard value.count == 1 else {
      throw error(
        .shape, "f should give a single number, not a tensor of shape \(value.shape)",
        hint: "take the sum or mean of the losses", at: "f")
    }
    return value
  }
}
