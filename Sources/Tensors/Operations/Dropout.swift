import Base

/// Sets each element to 0 with probability p and scales the others by 1 / (1 − p); for training.
/// - Throws: `value` unless 0 ≤ p < 1.
public func dropout(_ x: Tensor, _ p: Float, stream: RandomStream) throws(CoreError) -> Tensor {
  guard p >= 0, p < 1 else { throw CoreError(.value, "p of dropout is at least 0 and below 1, not \(p)") }
  if p == 0 { return x }
  let keep = try lessEqual(.scalar(p), Tensor.uniform(x.shape, stream: stream))
  return try mul(x, keep.asType(.float32).multiplied(by: 1 / (1 - p)))
}
