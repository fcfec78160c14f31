/// The type of a tensor's elements.
public enum DType: String, Sendable, CaseIterable {
  /// IEEE 754 single precision: the type of images, weights, logits and gradients.
  case float32
  /// Signed 64-bit integers, which wrap around: class numbers, indices and counts.
  case int64
  /// Masks, one byte each.
  case bool

  /// As tensors print it: `f32`.
  public var shortName: String {
    switch self {
    case .float32: "f32"
    case .int64: "i64"
    case .bool: "bool"
    }
  }

  /// Bytes of one element.
  package var stride: Int {
    switch self {
    case .float32: 4
    case .int64: 8
    case .bool: 1
    }
  }
}
