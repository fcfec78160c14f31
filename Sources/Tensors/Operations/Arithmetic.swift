import KernelTypes

// Arithmetic of two tensors with broadcasting as in NumPy. Bools count as int64; an int64 with a float32 gives float32;
// division and powers give float32. All throw `shape` when the shapes do not broadcast.

public func add(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .add, "add", a, b, first: { (g, _, _, _) throws(CoreError) in g }, second: { (g, _, _, _) throws(CoreError) in g })
}

public func sub(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .subtract, "subtract", a, b, first: { (g, _, _, _) throws(CoreError) in g },
    second: { (g, _, _, _) throws(CoreError) in try g.neg() })
}

public func mul(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .multiply, "multiply", a, b, first: { (g, _, b, _) throws(CoreError) in try mul(g, b) },
    second: { (g, a, _, _) throws(CoreError) in try mul(g, a) })
}

public func div(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .divide, "divide", a.asType(.float32), b.asType(.float32),
    first: { (g, _, b, _) throws(CoreError) in try div(g, b) },
    second: { (g, _, b, y) throws(CoreError) in try div(mul(g, y), b).neg() })
}

/// a to the power of b. The gradient in b counts only where a > 0.
public func pow(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .power, "power", a.asType(.float32), b.asType(.float32),
    first: { (g, a, b, _) throws(CoreError) in
      // b · a^(b−1), and 0 where b is 0.
      let slope = try mul(b, arithmeticValues(.power, "power", a, try b.adding(-1)))
      return try mul(g, whereSelect(equal(b, .scalar(0)), .scalar(0), slope))
    },
    second: { (g, a, _, y) throws(CoreError) in
      let positive = try greater(a, .scalar(0))
      return try mul(g, whereSelect(positive, mul(y, whereSelect(positive, a, .scalar(1)).log()), .scalar(0)))
    })
}

/// The greater of each pair; NaN if one is. Where both are equal the gradient is shared by halves.
public func maximum(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .maximum, "maximum", a, b, first: chosen(greater: true, a: true), second: chosen(greater: true, a: false))
}

/// The smaller of each pair; NaN if one is. Where both are equal the gradient is shared by halves.
public func minimum(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  try arithmetic(
    .minimum, "minimum", a, b, first: chosen(greater: false, a: true), second: chosen(greater: false, a: false))
}

/// The share of the gradient that goes to the operand that was taken.
private func chosen(greater: Bool, a wantsFirst: Bool) -> Pullback {
  { (g, a, b, _) throws(CoreError) in
    let (mine, other) = wantsFirst ? (a, b) : (b, a)
    let wins = greater ? try less(other, mine) : try less(mine, other)
    let ties = try equal(a, b)
    let share = try add(wins.asType(.float32), ties.asType(.float32).multiplied(by: 0.5))
    return try mul(g, share)
  }
}

extension Tensor {
  public static func + (a: Tensor, b: Tensor) throws(CoreError) -> Tensor { try add(a, b) }
  public static func - (a: Tensor, b: Tensor) throws(CoreError) -> Tensor { try sub(a, b) }
  public static func * (a: Tensor, b: Tensor) throws(CoreError) -> Tensor { try mul(a, b) }
  public static func / (a: Tensor, b: Tensor) throws(CoreError) -> Tensor { try div(a, b) }
  public static func + (a: Tensor, b: Float) throws(CoreError) -> Tensor { try a.affine(scale: 1, offset: b) }
  public static func - (a: Tensor, b: Float) throws(CoreError) -> Tensor { try a.affine(scale: 1, offset: -b) }
  public static func * (a: Tensor, b: Float) throws(CoreError) -> Tensor { try a.affine(scale: b, offset: 0) }
  public static func / (a: Tensor, b: Float) throws(CoreError) -> Tensor { try div(a, .scalar(b)) }
  public static func * (a: Float, b: Tensor) throws(CoreError) -> Tensor { try b.affine(scale: a, offset: 0) }
  public static func + (a: Float, b: Tensor) throws(CoreError) -> Tensor { try b.affine(scale: 1, offset: a) }
  public static func - (a: Float, b: Tensor) throws(CoreError) -> Tensor { try b.affine(scale: -1, offset: a) }
  public static prefix func - (a: Tensor) throws(CoreError) -> Tensor { try a.neg() }

  func adding(_ value: Float) throws(CoreError) -> Tensor { try affine(scale: 1, offset: value) }
  func multiplied(by value: Float) throws(CoreError) -> Tensor { try affine(scale: value, offset: 0) }

  /// The sum of two gradients of one shape, in place where nobody else holds this one.
  consuming func accumulating(_ part: Tensor) throws(CoreError) -> Tensor {
    let part = try part.inLayout(layout)
    if isKnownUniquelyReferenced(&storage) {
      device.scaleAdd(1, part.storage, 1, storage, count: count)
      storage.forgetDerived()
      return self
    }
    return try add(self, part)
  }
}

/// (gradient, a, b, result) -> gradient of one operand, before broadcasting is undone.
typealias Pullback = (Tensor, Tensor, Tensor, Tensor) throws(CoreError) -> Tensor

private func arithmetic(
  _ operation: BinaryOperation, _ name: String, _ a: Tensor, _ b: Tensor, first: @escaping Pullback,
  second: @escaping Pullback
) throws(CoreError) -> Tensor {
  let y = try arithmeticValues(operation, name, a, b)
  guard a.isTracked || b.isTracked else { return y }
  let (a0, b0) = (a.detached(), b.detached())
  // What a pullback does not read must not be kept alive.
  let savesOperands = operation != .add && operation != .subtract
  let saved = savesOperands ? (a0, b0, y) : nil
  let (shapeA, shapeB) = (a.shape, b.shape)
  return y.recording([a, b]) { (g, needs) throws(CoreError) in
    let (a, b, y) = saved ?? (g, g, g)
    return [
      needs[0] ? try first(g, a, b, y).summed(to: shapeA) : nil,
      needs[1] ? try second(g, a, b, y).summed(to: shapeB) : nil,
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
