import Base
import Devices

// Arithmetic of two tensors with broadcasting as in NumPy. Bools count as int64; an int64 with a float32 makes float32;
// division and powers return float32. All throw `shape` when the shapes do not broadcast.
//
// Operands are taken over, here and in Elementwise.swift: a temporary such as `a * b` in `a * b + c` lends its memory to
// the result.

/// a + b.
public func add(_ a: consuming Tensor, _ b: consuming Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .add, "add", a, b, Pullback { (g, _) throws(CoreError) in g }, Pullback { (g, _) throws(CoreError) in g })
}

/// a − b.
public func sub(_ a: consuming Tensor, _ b: consuming Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .subtract, "subtract", a, b, Pullback { (g, _) throws(CoreError) in g },
    Pullback { (g, _) throws(CoreError) in try g.neg() })
}

/// a · b, element by element.
public func mul(_ a: consuming Tensor, _ b: consuming Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .multiply, "multiply", a, b, Pullback(reads: .b) { (g, s) throws(CoreError) in try mul(g, s.b) },
    Pullback(reads: .a) { (g, s) throws(CoreError) in try mul(g, s.a) })
}

/// a / b in float32; ±infinity or NaN where b is 0.
public func div(_ a: consuming Tensor, _ b: consuming Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .divide, "divide", a.asType(.float32), b.asType(.float32),
    Pullback(reads: .b) { (g, s) throws(CoreError) in try div(g, s.b) },
    Pullback(reads: [.b, .result]) { (g, s) throws(CoreError) in try div(mul(g, s.result), s.b).neg() })
}

/// The quotient rounded down so that it fits `remainder`, as in Python. Gradient 0.
public func floorDivide(_ a: consuming Tensor, _ b: consuming Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .floorDivide, "floor division", a.asType(.float32), b.asType(.float32),
    Pullback { (g, _) throws(CoreError) in try g.affine(scale: 0, offset: 0) },
    Pullback { (g, _) throws(CoreError) in try g.affine(scale: 0, offset: 0) })
}

/// What is left of a, with the sign of b.
public func remainder(_ a: consuming Tensor, _ b: consuming Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .remainder, "remainder", a.asType(.float32), b.asType(.float32), Pullback { (g, _) throws(CoreError) in g },
    Pullback(reads: [.a, .b]) { (g, s) throws(CoreError) in try mul(g, floorDivide(s.a, s.b)).neg() })
}

/// a to the power of b. The gradient in b counts only where a > 0.
public func pow(_ a: consuming Tensor, _ b: consuming Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .power, "power", a.asType(.float32), b.asType(.float32),
    Pullback(reads: [.a, .b]) { (g, s) throws(CoreError) in
      // b · a^(b−1), and 0 where b is 0.
      let slope = try mul(s.b, pow(s.a, s.b.adding(-1)))
      return try mul(g, whereSelect(equal(s.b, .scalar(0)), .scalar(0), slope))
    },
    Pullback(reads: [.a, .result]) { (g, s) throws(CoreError) in
      let positive = try greater(s.a, .scalar(0))
      let slope = try mul(s.result, whereSelect(positive, s.a, .scalar(1)).log())
      return try mul(g, whereSelect(positive, slope, .scalar(0)))
    })
}

/// The greater of each pair; NaN if one is. Where both are equal the gradient is shared by halves.
public func maximum(_ a: consuming Tensor, _ b: consuming Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .maximum, "maximum", a, b,
    Pullback(reads: [.a, .b]) { (g, s) throws(CoreError) in try share(g, less(s.b, s.a), s) },
    Pullback(reads: [.a, .b]) { (g, s) throws(CoreError) in try share(g, less(s.a, s.b), s) })
}

/// The smaller of each pair; NaN if one is. Where both are equal the gradient is shared by halves.
public func minimum(_ a: consuming Tensor, _ b: consuming Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .minimum, "minimum", a, b,
    Pullback(reads: [.a, .b]) { (g, s) throws(CoreError) in try share(g, less(s.a, s.b), s) },
    Pullback(reads: [.a, .b]) { (g, s) throws(CoreError) in try share(g, less(s.b, s.a), s) })
}

/// The gradient of the operand that was taken where `wins`, and half of it where both are equal.
private func share(_ g: Tensor, _ wins: Tensor, _ s: SavedOperands) throws(CoreError) -> Tensor {
  try mul(g, add(wins.asType(.float32), equal(s.a, s.b).asType(.float32) * 0.5))
}

extension Tensor {
  /// `add(a, b)`.
  public static func + (a: consuming Tensor, b: consuming Tensor) throws(CoreError) -> Tensor { try add(a, b) }
  /// `sub(a, b)`.
  public static func - (a: consuming Tensor, b: consuming Tensor) throws(CoreError) -> Tensor { try sub(a, b) }
  /// `mul(a, b)`.
  public static func * (a: consuming Tensor, b: consuming Tensor) throws(CoreError) -> Tensor { try mul(a, b) }
  /// `div(a, b)`.
  public static func / (a: consuming Tensor, b: consuming Tensor) throws(CoreError) -> Tensor { try div(a, b) }
  /// Each element plus b, in float32.
  public static func + (a: consuming Tensor, b: Float) throws(CoreError) -> Tensor { try a.affine(scale: 1, offset: b) }
  /// Each element less b, in float32.
  public static func - (a: consuming Tensor, b: Float) throws(CoreError) -> Tensor {
    try a.affine(scale: 1, offset: -b)
  }
  /// Each element times b, in float32.
  public static func * (a: consuming Tensor, b: Float) throws(CoreError) -> Tensor { try a.affine(scale: b, offset: 0) }
  /// Each element divided by b, in float32.
  public static func / (a: consuming Tensor, b: Float) throws(CoreError) -> Tensor { try div(a, .scalar(b)) }
  /// a times each element, in float32.
  public static func * (a: Float, b: consuming Tensor) throws(CoreError) -> Tensor { try b.affine(scale: a, offset: 0) }
  /// a plus each element, in float32.
  public static func + (a: Float, b: consuming Tensor) throws(CoreError) -> Tensor { try b.affine(scale: 1, offset: a) }
  /// a less each element, in float32.
  public static func - (a: Float, b: consuming Tensor) throws(CoreError) -> Tensor {
    try b.affine(scale: -1, offset: a)
  }
  /// `neg()`.
  public static prefix func - (a: consuming Tensor) throws(CoreError) -> Tensor { try a.neg() }

  consuming func adding(_ value: Float) throws(CoreError) -> Tensor { try affine(scale: 1, offset: value) }
  consuming func multiplied(by value: Float) throws(CoreError) -> Tensor { try affine(scale: value, offset: 0) }

  /// The sum of two gradients of one shape, in place where nobody else holds this one.
  package consuming func accumulating(_ part: Tensor) throws(CoreError) -> Tensor {
    let part = try part.inLayout(layout)
    if isKnownUniquelyReferenced(&storage) {
      try device.scaleAdd(1, part.storage, 1, storage, count: count)
      storage.forgetDerived()
      return self
    }
    return try add(self, part)
  }
}

/// The gradient of one operand, before broadcasting is undone, and what it is formed from.
private struct Pullback {
  struct Reads: OptionSet {
    let rawValue: Int
    static let a = Reads(rawValue: 1)
    static let b = Reads(rawValue: 2)
    static let result = Reads(rawValue: 4)
  }

  let reads: Reads
  let apply: (_ gradient: Tensor, SavedOperands) throws(CoreError) -> Tensor

  init(reads: Reads = [], _ apply: @escaping (_ gradient: Tensor, SavedOperands) throws(CoreError) -> Tensor) {
    self.reads = reads
    self.apply = apply
  }
}

/// Only what is read is kept; the others stand in for it.
private struct SavedOperands {
  let a: Tensor
  let b: Tensor
  let result: Tensor
}

private func arithmetic(
  _ operation: BinaryOperation, _ name: String, _ a: consuming Tensor, _ b: consuming Tensor, _ first: Pullback,
  _ second: Pullback
) throws(CoreError) -> Tensor {
  if try a.overwrite(with: operation, b) { return a }
  if try b.overwrite(with: operation, a, reversed: true) { return b }
  let (a, b) = (a, b)
  let y = try arithmeticValues(operation, name, a, b)
  if Compute.checksFinite { try y.requireFinite(operation: name, of: [a, b]) }
  guard a.isTracked || b.isTracked else { return y }
  var reads: Pullback.Reads = []
  if a.isTracked { reads.formUnion(first.reads) }
  if b.isTracked { reads.formUnion(second.reads) }
  let (savedA, savedB) = (reads.contains(.a) ? a.detached() : nil, reads.contains(.b) ? b.detached() : nil)
  let savedY = reads.contains(.result) ? y : nil
  let (shapeA, shapeB) = (a.shape, b.shape)
  return try y.recording([a, b], operation: name, isTwice: true) { (g, needs) throws(CoreError) in
    let saved = SavedOperands(
      a: savedA.map { needs.operand($0, 0) } ?? g, b: savedB.map { needs.operand($0, 1) } ?? g,
      result: savedY.map { needs.result($0) } ?? g)
    return [
      needs[0] ? try first.apply(g, saved).summed(to: shapeA) : nil,
      needs[1] ? try second.apply(g, saved).summed(to: shapeB) : nil,
    ]
  }
}

private func arithmeticValues(_ operation: BinaryOperation, _ name: String, _ a: Tensor, _ b: Tensor)
  throws(CoreError) -> Tensor
{
  let dtype: DType = a.dtype == .float32 || b.dtype == .float32 ? .float32 : .int64
  let (a, b) = (try a.asType(dtype), try b.asType(dtype))
  let shape = try Shape.broadcast(a.shape, b.shape, name)
  let y = try Tensor(dtype, shape: shape, layout: commonLayout(shape, [a, b]))
  try device.binary(operation, a.view.broadcast(to: shape), b.view.broadcast(to: shape), y.view)
  return y
}

extension Tensor {
  /// Writes `self operation other` (or, reversed, `other operation self`) over these values where nobody else needs them
  /// and the result fits in their place.
  /// - Returns: whether it did; else nothing has changed.
  package mutating func overwrite(
    with operation: BinaryOperation, _ other: Tensor, reversed: Bool = false
  ) throws(CoreError) -> Bool {
    guard dtype == .float32, !other.isTracked, other.layout == layout || other.shape != shape, ownsItsValues(),
      let common = try? Shape.broadcast(shape, other.shape, ""), common == shape
    else { return false }
    let other = try other.asType(.float32).view.broadcast(to: shape)
    let own = view
    try device.binary(operation, reversed ? other : own, reversed ? own : other, own)
    storage.forgetDerived()
    return true
  }

  /// Whether an operation may write over the values: nobody else holds them, and no gradient and no message reads them.
  mutating func ownsItsValues() -> Bool {
    !isTracked && !Compute.checksFinite && isKnownUniquelyReferenced(&storage)
  }
}

/// Channels last if one of the operands that has the full shape is.
func commonLayout(_ shape: [Int], _ operands: [Tensor]) -> Tensor.Layout {
  operands.contains { $0.layout == .channelsLast && $0.shape == shape } ? .channelsLast : .rowMajor
}

extension Tensor {
  /// Undoes broadcasting: sums over the axes that were stretched.
  package func summed(to target: [Int]) throws(CoreError) -> Tensor {
    if shape == target { return self }
    let missing = shape.count - target.count
    let axes = shape.indices.filter { $0 < missing || (target[$0 - missing] == 1 && shape[$0] != 1) }
    return try sum(axes: axes, keepdim: true).reshape(target)
  }
}
