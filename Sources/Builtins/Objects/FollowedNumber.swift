import Interpreter
import Tensors

/// A number through which a gradient is followed, such as the T of `grad(T => loss(T), 2.0)`.
///
/// To the language it is a float. Its value is computed in double precision by the same code as elsewhere, with the same
/// errors, and whatever takes no gradient sees the plain number (`Value.plain`). Beside the value stands a tensor of the
/// same value in float32, which carries the record of operations. Operators and functions of numbers are applied to both,
/// so that a program computes the same inside `grad` as outside. A parameter of type `tensor` gets the tensor. A function
/// that has no gradient refuses such a number (`Call.noGradient`), since a constant would be a silently wrong gradient.
final class FollowedNumber: TensorObject {
  private let value: Double

  init(_ tensor: Tensor, _ value: Double) {
    self.value = value
    super.init(tensor.valued(Float(value)))
  }

  override var plainNumber: Double? { value }
  override class var typeName: String { "float" }
  override var summary: String { "float" }
  override var shape: [Int]? { nil }
  override class var members: [Member] { [] }
  override func advice(on name: String) -> String? { nil }
  override func isKind(of name: String) -> Bool { false }
  override func number() throws -> Value? { .float(value) }
  override func scalar() throws -> Value? { .object(self) }

  override func overwrite(with op: BinaryOperator, _ other: Value, reversed: Bool) throws -> Bool { false }

  override func shortText(_ options: PrintOptions) -> String { Value.float(value).shortText(options) }
  override func text(_ options: PrintOptions) -> String { shortText(options) }
}
