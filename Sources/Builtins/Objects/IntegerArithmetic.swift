import Base
import Devices
import Interpreter
import Tensors

/// Operations whose result for whole numbers is whole: they stay int64, as `+`, `-` and `*` do in the core.
enum IntegerArithmetic {
  /// `a op b` for `//`, `%` and powers of int64 tensors; `nil` for anything else, and when an exponent is negative.
  static func binary(_ op: BinaryOperator, _ a: Tensor, _ b: Tensor) throws -> Tensor? {
    guard a.dtype == .int64, b.dtype == .int64 else { return nil }
    let operation: (Int, Int) -> Int
    switch op {
    case .floorDivide: operation = quotient
    case .remainder: operation = remainder
    case .power: operation = power
    default: return nil
    }
    let right = b.ints()
    if op == .power {
      if right.contains(where: { $0 < 0 }) { return nil }
    } else if right.contains(0) {
      throw LTDError(.numeric, "division by zero", hint: "test the divisor before dividing")
    }
    let shape = try Shape.broadcast(a.shape, b.shape, "\(op.rawValue)")
    var result = try a.broadcast(to: shape).ints()
    let rights = right.count == 1 ? right : try b.broadcast(to: shape).ints()
    for place in result.indices {
      try StopSignal.poll(at: place)
      result[place] = operation(result[place], rights[rights.count == 1 ? 0 : place])
    }
    return try Tensor(ints: result, shape: shape)
  }

  /// Rounded down, as for ints; the smallest number by -1 wraps around.
  private static func quotient(_ a: Int, _ b: Int) -> Int {
    if b == -1 { return 0 &- a }
    let (quotient, rest) = a.quotientAndRemainder(dividingBy: b)
    return rest != 0 && (rest < 0) != (b < 0) ? quotient - 1 : quotient
  }

  /// With the sign of the divisor.
  private static func remainder(_ a: Int, _ b: Int) -> Int {
    if b == -1 { return 0 }
    let rest = a % b
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
  }

  private static func power(_ base: Int, _ exponent: Int) -> Int {
    var result = 1
    var square = base
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result &*= square }
      square &*= square
      rest >>= 1
    }
    return result
  }
}
