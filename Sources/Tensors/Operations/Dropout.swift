import Base

/// Sets each element to 0 with probability p and scales the others by 1 / (1 − p); for training.
/// - Throws: `value` unless 0 ≤ p < 1.
public func dropout(_ x: Tensor, _ p: Float, stream: RandomStream) throws(CoreError) -> Tensor {
  try dropout(x, p, drawing: x.shape, stream: stream)
}

/// Sets each channel of images [n, c, h, w] to 0 with probability p and scales the others by 1 / (1 − p); for training.
/// - Throws: `value` unless 0 ≤ p < 1; `shape` unless there are at least the axes [n, channels].
public func dropout2d(_ x: Tensor, _ p: Float, stream: RandomStream) throws(CoreError) -> Tensor {
  guard x.rank >= 2 else {
    throw CoreError(.shape, "dropout of channels needs at least the axes [n, channels], not shape \(x.shape)")
  }
  return try dropout(
    x, p, drawing: Array(x.shape.prefix(2)) + Array(repeating: 1, count: x.rank - 2), stream: stream)
}

/// Draws one number for each element of a shape that broadcasts to that of x.
private func dropout(
  _ x: Tensor, _ p: Float, drawing shape: [Int], stream: RandomStream
) throws(CoreError) -> Tensor {
  guard p >= 0, p < 1 else { throw CoreError(.value, "p of dropout is at least 0 and below 1, not \(p)") }
  if p == 0 { return x }
  let keep = try lessEqual(.scalar(p), Tensor.uniform(shape, stream: stream))
  return try mul(x, keep.asType(.float32).multiplied(by: 1 / (1 - p)))
}
