import Base
import Devices
import Interpreter
import Tensors

extension BuiltinTable {
  /// Operations that move elements to other positions, and sums of products by the names of axes.
  static let tensorArranging: [Builtin] = [
    Builtin(
      "flip(x: tensor, axis: int | list | none = none) -> tensor", "x with the order along some axes reversed.",
      details: "- axis: an axis, a list of axes, or none for all of them.",
      examples: [Example("flip([1, 2, 3])", "tensor i64 [3]  3 2 1")], seeAlso: ["roll", "reverse"],
      search: ["mirror", "fliplr", "flipud", "reverse"], family: "tensors"
    ) { call in
      Value(try call.tensor("x").flip(axes: call.axes("axis")))
    },
    Builtin(
      "roll(x: tensor, shift: int | list, axis: int | list | none = none) -> tensor",
      "x shifted along axes: what leaves at the end comes in at the beginning.",
      details: """
        - shift: how far, negative towards the beginning; one number for each axis.
        - axis: an axis or a list of axes; none shifts in row-major order.
        """,
      examples: [Example("roll([1, 2, 3, 4], 1)", "tensor i64 [4]  4 1 2 3")], seeAlso: ["flip", "pad"],
      search: ["shift", "rotate", "circular"], family: "tensors"
    ) { call in
      Value(try call.tensor("x").roll(call.axes("shift") ?? [], axes: call.axes("axis")))
    },
    Builtin(
      "pad(x: tensor, widths: int | list, value: float = 0) -> tensor", "x with elements of one value around it.",
      details: """
        - widths: a number for all sides of all axes, or a pair [before, after] for each axis: \
        pad(images, [[0, 0], [0, 0], [2, 2], [2, 2]]) puts two pixels around images.
        - value: the value of the new elements.
        """,
      examples: [
        Example("pad([1, 2], 1)", "tensor i64 [4]  0 1 2 0"),
        Example("pad(zeros([2, 3]), [[0, 1], [2, 2]]).shape", "[3, 7]"),
      ],
      seeAlso: ["concat", "roll"], search: ["border", "margin", "constant_pad"], family: "tensors"
    ) { call in
      let given = try call["widths"]
      let pairs = given.asInt == nil ? try call.at("widths", { try Tensor.operand(given) }) : nil
      let x = try call.tensor("x")
      if let width = given.asInt {
        return Value(try x.pad(x.shape.map { _ in (width, width) }, value: call.float("value")))
      }
      guard let pairs, pairs.dtype == .int64, pairs.shape.count == 2, pairs.shape[1] == 2 else {
        throw call.error(
          .type, "widths of pad must be a number, or a pair [before, after] of whole numbers for each axis",
          hint: "pad(x, [[0, 0], [1, 1]])", at: "widths")
      }
      let numbers = pairs.ints()
      return Value(
        try x.pad(
          (0..<pairs.shape[0]).map { (numbers[2 * $0], numbers[2 * $0 + 1]) }, value: call.float("value")))
    },
    Builtin(
      "tile(x: tensor, repeats: int | list) -> tensor", "x repeated along its axes.",
      details:
        "- repeats: how often along each axis; where it has more numbers than x has axes, new axes come in front.",
      examples: [
        Example("tile([1, 2], 2)", "tensor i64 [4]  1 2 1 2"),
        Example("tile([1, 2], [2, 1])", "tensor i64 [2, 2]\n  1 2\n  1 2"),
      ],
      seeAlso: ["broadcast", "concat"], search: ["repeat", "copies"], family: "tensors"
    ) { call in
      Value(try call.tensor("x").tile(call.axes("repeats") ?? []))
    },
    Builtin(
      "diag(x: tensor, offset: int = 0) -> tensor",
      "The diagonal of a matrix, or the matrix with a vector on its diagonal.",
      details: "- offset: which diagonal: 0 is the main one, above 0 further right, below 0 further down.",
      examples: [
        Example("diag([[1, 2], [3, 4]])", "tensor i64 [2]  1 4"),
        Example("diag([1, 2])", "tensor i64 [2, 2]\n  1 0\n  0 2"),
      ],
      seeAlso: ["eye", "einsum"], search: ["diagonal", "trace"], family: "tensors"
    ) { call in
      Value(try call.tensor("x").diag(call.int("offset")))
    },
    Builtin(
      "einsum(formula: string, *operands: tensor) -> tensor",
      "Sums of products by the names of axes, as NumPy's: einsum(\"ij,jk->ik\", a, b) is the matrix product.",
      details: """
        The result is f32, as that of matmul.

        - formula: a letter for each axis of each operand, commas between operands, and after -> the axes of the result; \
        letters that are not in the result are summed over, repeated ones take a diagonal, `...` stands for axes without a \
        letter. Without ->, the result has the letters that occur once, in alphabetical order.
        - operands: the tensors.
        """,
      examples: [
        Example("einsum(\"ij,jk->ik\", [[1, 2]], [[3], [4]])", "tensor f32 [1, 1]\n  11"),
        Example("einsum(\"ii\", [[1, 2], [3, 4]])", "5.0"),
      ],
      seeAlso: ["matmul", "diag", "sum"], search: ["einstein", "contraction", "tensordot", "outer", "trace"],
      family: "tensors"
    ) { call in
      var operands: [Tensor] = []
      for item in try call.list("operands") {
        guard let operand = try Tensor.operand(item) else {
          throw call.error(.type, "einsum takes tensors; one operand is \(item.described)", at: "operands")
        }
        operands.append(operand)
      }
      guard !operands.isEmpty else {
        throw call.error(
          .type, "einsum needs at least one tensor after its formula", hint: "einsum(\"ij,jk->ik\", a, b)")
      }
      return Value(try einsum(call.string("formula"), operands))
    },
  ]
}
