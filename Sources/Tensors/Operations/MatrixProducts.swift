import Base
import Devices

/// The matrix product over the last two axes; leading axes broadcast, and a one-dimensional operand is a row (first)
/// or a column (second), as in NumPy.
/// - Throws: `shape` when the inner sizes differ.
public func matmul(_ a: Tensor, _ b: Tensor) throws(CoreError) -> Tensor {
  guard a.rank > 0, b.rank > 0 else {
    throw CoreError(
      .shape, "matmul needs tensors with axes, not shapes \(a.shape) and \(b.shape)",
      hint: "write a * b to multiply by a single number")
  }
  let (columns, rows) = (a.shape[a.rank - 1], b.shape[Swift.max(b.rank - 2, 0)])
  guard columns == rows else {
    throw CoreError(
      .shape,
      "matmul of shapes \(a.shape) and \(b.shape): axis -1 of the first has \(columns) elements, axis"
        + " \(b.rank == 1 ? -1 : -2) of the second \(rows)",
      hint: b.shape[b.rank - 1] == columns
        ? "they must be equal: transpose the second"
        : a.rank > 1 && a.shape[a.rank - 2] == rows
          ? "they must be equal: transpose the first" : "they must be equal")
  }
  let (x1, x2) = (try a.asType(.float32), try b.asType(.float32))
  if a.rank == 1 {
    let y = try matmul(x1.unsqueeze(0), x2)
    return try y.reshape(y.shape.dropping([y.rank - (b.rank == 1 ? 1 : 2)]))
  }
  if b.rank == 1 {
    let y = try matmul(x1, x2.unsqueeze(1))
    return try y.reshape(y.shape.dropLast())
  }
  let y = try product(x1.detached(), x2.detached())
  // Each operand is kept for the gradient of the other.
  let first = x2.isTracked ? x1.detached() : nil
  let second = x1.isTracked ? x2.detached() : nil
  let (shapeA, shapeB) = (x1.shape, x2.shape)
  return try y.recording([x1, x2], isTwice: true) { (g, needs) throws(CoreError) in
    var gradients: [Tensor?] = [nil, nil]
    if needs.areFollowed {
      if needs[0], let second { gradients[0] = try matmul(g, needs.operand(second, 1).transpose()).summed(to: shapeA) }
      if needs[1], let first { gradients[1] = try matmul(needs.operand(first, 0).transpose(), g).summed(to: shapeB) }
      return gradients
    }
    if needs[0], let second { gradients[0] = try product(g, second, transposeB: true).summed(to: shapeA) }
    if needs[1], let first {
      gradients[1] =
        shapeB.count == 2
        ? try product(first.flattenedRows(), g.flattenedRows(), transposeA: true)
        : try product(first, g, transposeA: true).summed(to: shapeB)
    }
    return gradients
  }
}

/// x · weightᵀ + bias over the last axis. Each row of the result, and of the gradient, has the same bits whatever other rows
/// there are: the layer runs as a convolution of images of one pixel, whose sums know nothing of their neighbours.
///
/// - Parameters:
///   - x: [..., inputs].
///   - weight: [outputs, inputs], as PyTorch's.
///   - bias: [outputs], or none.
/// - Returns: [..., outputs].
public func linear(_ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil) throws(CoreError) -> Tensor {
  guard weight.rank == 2, let inputs = x.shape.last, inputs == weight.shape[1] else {
    throw CoreError(
      .shape,
      "a linear layer with weights \(weight.shape) [outputs, inputs] does not take an input of shape \(x.shape)",
      hint: weight.rank == 2 ? "the last axis must have \(weight.shape[1]) elements" : "weights have two axes")
  }
  if let bias, bias.shape != [weight.shape[0]] {
    throw CoreError(
      .shape, "a bias of shape \(bias.shape) does not fit weights \(weight.shape), expected [\(weight.shape[0])]")
  }
  let (x1, w) = (try x.asType(.float32), try weight.asType(.float32))
  let rows = try x1.detached().flattenedRows()
  let weights = try w.detached().rowMajor()
  let y = try rowByRow(rows, weights, bias?.asType(.float32).detached())
  let origin = x.shape
  // As in conv2d: what was derived from weights that are trained is used once in each direction.
  let trained = w.isTracked ? weights.storage : nil
  trained?.forgetDerived()
  let savedRows = w.isTracked ? rows : nil
  let savedWeights = x1.isTracked ? weights : nil
  return try y.reshape(x.shape.dropLast() + [weight.shape[0]]).recording(
    [x1, w] + (bias.map { [$0] } ?? []), isTwice: true
  ) { (g, needs) throws(CoreError) in
    let g = try g.flattenedRows()
    defer { if needs[1] { trained?.forgetDerived() } }
    var gradients: [Tensor?] = [nil, nil]
    if needs.areFollowed {
      if needs[0], let savedWeights {
        gradients[0] = try inputGradient(g, needs.operand(savedWeights, 1)).reshape(origin)
      }
      if needs[1], let savedRows {
        gradients[1] = try matmul(g.transpose(), needs.operand(savedRows.reshape(origin), 0).flattenedRows())
      }
      if needs.count > 2 { gradients.append(needs[2] ? try g.sum(axes: [0]) : nil) }
      return gradients
    }
    if needs[0], let savedWeights { gradients[0] = try rowByRowGradient(g, savedWeights).reshape(origin) }
    if needs[1], let savedRows { gradients[1] = try product(g, savedRows, transposeA: true) }
    if needs.count > 2 { gradients.append(needs[2] ? try g.sum(axes: [0]) : nil) }
    return gradients
  }
}

/// The gradient of the rows of a linear layer, g · weight, as an operation of its own.
private func inputGradient(_ g: Tensor, _ weight: Tensor) throws(CoreError) -> Tensor {
  let (rows, weights) = (g.detached(), weight.detached())
  return try rowByRowGradient(rows, weights).recording([g, weight], operation: "linear", isTwice: true) {
    (h, needs) throws(CoreError) in
    [
      needs[0] ? try linear(h, needs.operand(weights, 1)) : nil,
      needs[1] ? try matmul(needs.operand(rows, 0).transpose(), h) : nil,
    ]
  }
}

/// A linear layer as a convolution: each row is an image of one pixel.
private func pixelShape(_ rows: Int, _ weight: Tensor) -> ConvolutionShape {
  ConvolutionShape(
    batch: rows, height: 1, width: 1, channels: weight.shape[1], filters: weight.shape[0], kernel: (1, 1),
    stride: (1, 1), padding: (0, 0, 0, 0), dilation: (1, 1), groups: 1)
}

/// [rows, inputs] · [outputs, inputs]ᵀ + bias, untracked.
private func rowByRow(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) throws(CoreError) -> Tensor {
  try StopSignal.poll()
  let (x, weight) = (try x.rowMajor(), try weight.rowMajor())
  let y = try Tensor(.float32, shape: [x.shape[0], weight.shape[0]])
  if y.count > 0 {
    try device.convolve(
      pixelShape(x.shape[0], weight), x.storage, weight.storage,
      ConvolutionEpilogue(bias: bias?.rowMajor().storage), y.storage)
  }
  return y
}

/// [rows, outputs] · [outputs, inputs], untracked.
private func rowByRowGradient(_ g: Tensor, _ weight: Tensor) throws(CoreError) -> Tensor {
  try StopSignal.poll()
  let (g, weight) = (try g.rowMajor(), try weight.rowMajor())
  let dx = try Tensor(.float32, shape: [g.shape[0], weight.shape[1]])
  if dx.count > 0 {
    try device.convolveInputGradient(
      pixelShape(g.shape[0], weight), g.storage, weight.storage, ConvolutionEpilogue(), dx.storage)
  }
  return dx
}

/// Batched product of untracked matrices, either stored transposed.
private func product(_ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false)
  throws(CoreError) -> Tensor
{
  try StopSignal.poll()
  let (a, b) = (try a.rowMajor(), try b.rowMajor())
  let (rows, inner) =
    transposeA ? (a.shape[a.rank - 1], a.shape[a.rank - 2]) : (a.shape[a.rank - 2], a.shape[a.rank - 1])
  let columns = transposeB ? b.shape[b.rank - 2] : b.shape[b.rank - 1]
  if b.rank == 2 && !transposeA && a.rank > 2 {
    // One product of all rows.
    return try product(a.flattenedRows(), b, transposeB: transposeB).reshape(a.shape.dropLast() + [columns])
  }
  let batch: [Int]
  do {
    batch = try Shape.broadcast(Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
  } catch {
    throw CoreError(
      .shape, "shapes \(a.shape) and \(b.shape) do not match in matmul",
      hint: "sizes before the last two axes must be equal or 1")
  }
  let count = try Shape.count(batch)
  func stretched(_ x: Tensor) throws(CoreError) -> (Tensor, step: Int) {
    let own = Array(x.shape.dropLast(2))
    let size = x.shape.suffix(2).reduce(1, &*)
    if own == batch { return (x, size) }
    if own.allSatisfy({ $0 == 1 }) { return (x, 0) }
    return (try x.broadcast(to: batch + x.shape.suffix(2)), size)
  }
  let (first, stepA) = try stretched(a)
  let (second, stepB) = try stretched(b)
  let y = try Tensor(.float32, shape: batch + [rows, columns])
  try device.multiply(
    MatrixShape(
      rows: rows, columns: columns, inner: inner, transposeA: transposeA, transposeB: transposeB, batch: count,
      stepA: stepA, stepB: stepB), first.storage, second.storage, y.storage)
  return y
}

extension Tensor {
  fileprivate func flattenedRows() throws(CoreError) -> Tensor {
    let columns = shape.last ?? 1
    return try reshape([try Shape.count(shape.dropLast()), columns])
  }
}
