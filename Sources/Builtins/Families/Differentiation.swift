import Interpreter
import Tensors

extension BuiltinTable {
  static let differentiation: [Builtin] = [
    Builtin(
      "grad(f: function, x: tensor) -> tensor", "The gradient of f at x, where f(x) is a single number.",
      details: """
        f may use any tensor code: its own loops and functions, models, losses. The gradient has the shape of x. A number \
        that does not depend on x has the gradient 0.
        """,
      examples: [Example("grad(x => sum(x**2), [1.0, 2, 3])", "tensor f32 [3]  2 4 6")],
      seeAlso: ["value_and_grad"], search: ["gradient", "backward", "autograd", "derivative", "jacobian"],
      family: "tensors"
    ) { call throws(LTDError) in Value(TensorObject(try call.differentiate().gradient)) },
    Builtin(
      "value_and_grad(f: function, x: tensor) -> list",
      "The value of f at x and its gradient there: [value, gradient].",
      examples: [Example("value_and_grad(x => sum(x**2), [1.0, 2])", "[5.0, tensor f32 [2]  2 4]")],
      seeAlso: ["grad"], search: ["gradient", "backward", "loss"], family: "tensors"
    ) { call throws(LTDError) in
      let (value, gradient) = try call.differentiate()
      return Value([Value(value.detached()), Value(TensorObject(gradient))])
    },
  ]
}

extension Call {
  fileprivate func differentiate() throws(LTDError) -> (value: Tensor, gradient: Tensor) {
    let x = try object("x", as: TensorObject.self).tensor
    let tracked = try attempt { () throws(CoreError) in try x.asType(.float32).detached().tracked() }
    let result = try invoke(try self["f"], [.object(TensorObject(tracked))])
    guard let value = try Tensor.operand(result) else {
      throw error(
        .type, "f should give a number, not \(result.described)", hint: "take the sum or mean of the losses", at: "f")
    }
    guard value.count == 1 else {
      throw error(
        .shape, "f should give a single number, not a tensor of shape \(value.shape)",
        hint: "take the sum or mean of the losses", at: "f")
    }
    return try attempt { () throws(CoreError) in
      (value, try gradients(of: value, withRespectTo: [tracked])[0])
    }
  }
}
