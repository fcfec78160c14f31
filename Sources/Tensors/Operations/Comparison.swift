import Base
import Devices

// Comparisons with broadcasting; results are bool, and no gradient passes. Operands of two types are compared in the wider
// one. All throw `shape` when the shapes do not broadcast.

/// a == b; false where one is NaN.
public func equal(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor { try compare(.equal, a, b) }
/// a ≠ b; true where one is NaN.
public func notEqual(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor { try compare(.notEqual, a, b) }
/// a < b; false where one is NaN, as of the other three.
public func less(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor { try compare(.less, a, b) }
/// a ≤ b.
public func lessEqual(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor { try compare(.lessEqual, a, b) }
/// a > b.
public func greater(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  try compare(.less, b, a, shape: comparable(a, b))
}
/// a ≥ b.
public func greaterEqual(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  try compare(.lessEqual, b, a, shape: comparable(a, b))
}

/// True where both are; numbers are true where not 0.
public func logicalAnd(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  let (a, b) = (try a.asType(.bool), try b.asType(.bool))
  let shape = try Shape.broadcast(a.shape, b.shape, "logical_and")
  return try whereSelect(a, b, Tensor(bools: [false], shape: [])).broadcast(to: shape)
}

/// True where one is; numbers are true where not 0.
public func logicalOr(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  let (a, b) = (try a.asType(.bool), try b.asType(.bool))
  let shape = try Shape.broadcast(a.shape, b.shape, "logical_or")
  return try whereSelect(a, Tensor(bools: [true], shape: []), b).broadcast(to: shape)
}

/// True where a is not; numbers are true where not 0.
public func logicalNot(_ a: Tensor) throws(CoreError) -> Tensor {
  let a = try a.asType(.bool)
  let y = try a.similar()
  try device.map(.not, a.storage, y.storage, count: a.count)
  return y
}

/// a where the mask is true, b elsewhere; all three broadcast.
public func whereSelect(_ mask: Tensor, _ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  let mask = try mask.asType(.bool).detached()
  let dtype = promoted(a.dtype, b.dtype)
  let (first, second) = (try a.asType(dtype), try b.asType(dtype))
  guard let both = try? Shape.broadcast(a.shape, b.shape), let shape = try? Shape.broadcast(both, mask.shape) else {
    throw CoreError(
      .shape, "a mask of shape \(mask.shape) and values of shapes \(a.shape) and \(b.shape) do not match in where",
      hint: "axes are matched from the last one; sizes must be equal or 1")
  }
  let y = try Tensor(dtype, shape: shape, layout: commonLayout(shape, [a, b]))
  try device.select(
    mask.view.broadcast(to: shape), first.view.broadcast(to: shape), second.view.broadcast(to: shape), y.view)
  let (shapeA, shapeB) = (a.shape, b.shape)
  return try y.recording([first, second], isTwice: true) { (g, needs) throws(CoreError) in
    let zero = try Tensor.scalar(0)
    return [
      needs[0] ? try whereSelect(mask, g, zero).summed(to: shapeA) : nil,
      needs[1] ? try whereSelect(mask, zero, g).summed(to: shapeB) : nil,
    ]
  }
}

private func comparable(_ a: Tensor, _ b: Tensor) throws(CoreError) -> [Int] {
  try Shape.broadcast(a.shape, b.shape, "a comparison")
}

private func compare(
  _ comparison: Comparison, _ a: Tensor, _ b: Tensor, shape: [Int]? = nil
) throws(CoreError) -> Tensor {
  let dtype = promoted(a.dtype, b.dtype)
  let (a, b) = (try a.asType(dtype), try b.asType(dtype))
  let shape = if let shape { shape } else { try comparable(a, b) }
  let y = try Tensor(.bool, shape: shape, layout: commonLayout(shape, [a, b]))
  try device.compare(comparison, a.view.broadcast(to: shape), b.view.broadcast(to: shape), y.view)
  return y
}

func promoted(_ a: DType, _ b: DType) -> DType {
  a == .float32 || b == .float32 ? .float32 : a == .int64 || b == .int64 ? .int64 : .bool
}
