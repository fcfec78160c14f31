import Devices
import Tensors

/// What the header of a tensor says of its values: the least, the mean and the greatest finite one, how many are NaN or
/// infinite, and of a mask how many are true.
///
/// Beyond `limit` elements they are those of rows at equal distances, and the text says so.
struct TensorStatistics {
  let text: String
  private static let limit = 1 << 23
  private static let sampled = 1 << 20

  /// `nil` where the tensor cannot be read.
  init?(_ tensor: Tensor) {
    guard let (values, step) = Self.sample(tensor) else { return nil }
    guard let found = Self.found(values) else { return nil }
    text = found + (step > 1 ? "  (of one row in \(step))" : "")
  }

  /// The tensor, or rows of its longest axis at equal distances.
  private static func sample(_ tensor: Tensor) -> (Tensor, step: Int)? {
    guard tensor.count > limit, let longest = tensor.shape.max(), let axis = tensor.shape.firstIndex(of: longest)
    else { return (tensor, 1) }
    let step = min(longest, (tensor.count + sampled - 1) / sampled)
    var steps = tensor.shape.map { _ in 1 }
    steps[axis] = step
    guard let rows = try? tensor.slice(starts: tensor.shape.map { _ in 0 }, stops: tensor.shape, steps: steps)
    else { return nil }
    return (rows, step)
  }

  private static func found(_ values: Tensor) -> String? {
    switch values.dtype {
    case .bool: return "  true \(values.bools().reduce(0) { $0 + ($1 ? 1 : 0) }) of \(values.count)"
    case .int64:
      guard let low = try? values.min().ints().first, let high = try? values.max().ints().first else { return nil }
      return "  min \(low)  max \(high)"
    case .float32:
      guard let mean = try? values.mean().item() else { return nil }
      guard mean.isFinite else { return finite(values.floats()) }
      guard let low = try? values.min().item(), let high = try? values.max().item() else { return nil }
      return text(low, mean, high)
    }
  }

  /// The same of the finite ones, and how many others there are.
  private static func finite(_ values: [Float]) -> String {
    var (low, high, sum, count, nans) = (Float.infinity, -Float.infinity, 0.0, 0, 0)
    for value in values {
      if value.isFinite {
        (low, high) = (Swift.min(low, value), Swift.max(high, value))
        sum += Double(value)
        count += 1
      } else if value.isNaN {
        nans += 1
      }
    }
    let infinities = values.count - count - nans
    return (count > 0 ? text(Double(low), sum / Double(count), Double(high)) : "")
      + (nans > 0 ? "  NaN \(nans)" : "") + (infinities > 0 ? "  infinite \(infinities)" : "")
  }

  private static func text(_ low: Double, _ mean: Double, _ high: Double) -> String {
    "  min \(TensorText.short(low))  mean \(TensorText.short(mean))  max \(TensorText.short(high))"
  }
}
