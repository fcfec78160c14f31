import Base
import Interpreter
import Networks
import Tensors

extension BuiltinTable {
  static let shapingTensors: [Builtin] = [
    Builtin(
      "reshape(x: tensor, shape: list) -> tensor", "The same elements under another shape; one size may be -1.",
      details: "- shape: sizes of the new axes; one may be -1, which is worked out.",
      examples: [Example("reshape(arange(6), [2, -1])", "tensor i64 [2, 3]\n  0 1 2\n  3 4 5")],
      seeAlso: ["flatten", "permute"], search: ["view", "resize"], family: "tensors"
    ) { call in
      Value(try call.tensor("x").reshape(call.ints("shape")))
    },
    Builtin(
      "flatten(x: tensor | none = none, start: int = 0) -> tensor | layer",
      "All axes from `start` on joined into one; without x, the layer that does it for each example.",
      details: "- start: the first axis to join.",
      examples: [Example("flatten(zeros([2, 3, 4]), start=1).shape", "[2, 12]"), Example("flatten()", "flatten()")],
      seeAlso: ["reshape", "linear"], search: ["ravel", "Flatten"], family: "tensors"
    ) { call in
      guard let x = try call.optionalObject("x", as: TensorObject.self)?.tensor else { return try call.layer(.flatten) }
      return Value(try x.flatten(from: call.int("start")))
    },
    Builtin(
      "permute(x: tensor, order: list) -> tensor", "Axes in another order: axis i of the result is axis order[i] of x.",
      details: "- order: the axes of x in the order of the result.",
      examples: [Example("permute(zeros([2, 3, 4]), [2, 0, 1]).shape", "[4, 2, 3]")], seeAlso: ["transpose"],
      search: ["axes", "moveaxis"], family: "tensors"
    ) { call in
      Value(try call.tensor("x").permute(call.ints("order")))
    },
    Builtin(
      "transpose(x: tensor, a: int = -2, b: int = -1) -> tensor", "Two axes exchanged; x.T reverses all of them.",
      details: "- a, b: the two axes.",
      examples: [Example("transpose(tensor([[1, 2, 3]])).shape", "[3, 1]")], seeAlso: ["permute"],
      search: ["swapaxes", "t"],
      family: "tensors"
    ) { call in
      Value(try call.tensor("x").transpose(call.int("a"), call.int("b")))
    },
    joining(
      "concat", "Tensors joined along an axis that they have.", example: "concat([zeros([2, 3]), ones([1, 3])]).shape",
      "[3, 3]"
    ) { parts, axis in try concat(parts, axis: axis)
    },
    joining(
      "stack", "Tensors of equal shape joined along a new axis.", example: "stack([zeros([3]), ones([3])]).shape",
      "[2, 3]"
    ) { parts, axis in try stack(parts, axis: axis)
    },
    Builtin(
      "broadcast(x: tensor, shape: list) -> tensor", "x stretched to a shape: sizes of 1 are repeated.",
      examples: [Example("broadcast([1, 2], [2, 2])", "tensor i64 [2, 2]\n  1 2\n  1 2")], seeAlso: ["reshape"],
      search: ["expand", "repeat", "tile"], family: "tensors"
    ) { call in
      Value(try call.tensor("x").broadcast(to: call.ints("shape")))
    },
    Builtin(
      "gather(x: tensor, index: tensor) -> tensor", "x[i, index[i]] for every row i of a matrix.",
      details: "- x: [n, c].\n- index: whole numbers [n], a column for each row.",
      examples: [Example("gather(tensor([[1, 2], [3, 4]]), [1, 0])", "tensor i64 [2]  2 3")], seeAlso: ["one_hot"],
      search: ["take_along_axis", "pick"], family: "tensors"
    ) { call in
      let x = try call.tensor("x")
      guard x.shape.count >= 2 else {
        throw call.error(
          .shape, "gather needs a matrix [n, c], not shape \(x.shape)", hint: "x[index] takes elements of a row",
          at: "x")
      }
      return Value(try x.gather(axis: 1, call.labels("index", anyShape: true)))
    },
  ]

  private static func joining(
    _ name: String, _ summary: String, example: String, _ result: String,
    _ join: @escaping @Sendable ([Tensor], Int) throws -> Tensor
  ) -> Builtin {
    Builtin(
      "\(name)(parts: list, axis: int = 0) -> tensor", summary, examples: [Example(example, result)],
      seeAlso: [name == "stack" ? "concat" : "stack"], search: ["cat", "concatenate", "join", "vstack"],
      family: "tensors"
    ) { call in
      var parts: [Tensor] = []
      for item in try call.list("parts") {
        guard let part = try Tensor.operand(item) else {
          throw call.error(.type, "\(name) joins tensors; one part is \(item.described)", at: "parts")
        }
        parts.append(part)
      }
      return Value(try join(parts, call.int("axis")))
    }
  }
}
