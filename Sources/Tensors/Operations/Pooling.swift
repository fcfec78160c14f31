import Base
import Devices

/// The greatest value of each window; padding counts as −infinity, the gradient goes to the first of equals.
///
/// - Parameters:
///   - x: [n, channels, h, w].
///   - stride: the kernel's size if not given.
///   - ceilMode: also a last window that is only partly inside.
public func maxPool2d(
  _ x: Tensor, kernel: (Int, Int), stride: (Int, Int)? = nil, padding: Padding = .none, ceilMode: Bool = false
) throws(CoreError) -> Tensor {
  let (images, s) = try pooling(x, kernel, stride, padding, ceilMode, "maxPool2d")
  let y = try Tensor(.float32, shape: [s.batch, s.channels, s.outputHeight, s.outputWidth], layout: .channelsLast)
  // Places are int32: half the elements of an int64 tensor hold them.
  let places = x.isTracked ? try Storage(.int64, count: y.count / 2 + 1) : nil
  try device.maxPool(s, images.storage, y.storage, places: places)
  return try y.recording([x], isTwice: true) { (g, needs) throws(CoreError) in
    guard let places else { return [nil] }
    let adjoints = MaxPoolAdjoints(shape: s, places: places)
    return [needs.areFollowed ? try adjoints.put(g) : try adjoints.putValues(g)]
  }
}

/// Maximum pooling of which nothing is recorded.
///
/// - Parameter keepsPlaces: whether its gradient will be asked for.
package func fixedMaxPool(
  _ x: Tensor, kernel: (Int, Int), stride: (Int, Int), padding: Padding, keepsPlaces: Bool
) throws(CoreError) -> (result: Tensor, places: MaximumPlaces?) {
  let (images, s) = try pooling(x, kernel, stride, padding, false, "maxPool2d")
  let y = try Tensor(.float32, shape: [s.batch, s.channels, s.outputHeight, s.outputWidth], layout: .channelsLast)
  let places = keepsPlaces ? try Storage(.int64, count: y.count / 2 + 1) : nil
  try device.maxPool(s, images.storage, y.storage, places: places)
  return (y, places.map { MaximumPlaces(adjoints: MaxPoolAdjoints(shape: s, places: $0)) })
}

/// Where the greatest values of windows lie.
package struct MaximumPlaces {
  fileprivate let adjoints: MaxPoolAdjoints

  /// The gradient with respect to the input from that of the result.
  package func gradient(_ g: Tensor) throws(CoreError) -> Tensor { try adjoints.putValues(g) }
}

/// The mean of each window.
///
/// - Parameters:
///   - countsPadding: whether padding counts as zeros (as PyTorch's default), or not at all.
public func avgPool2d(
  _ x: Tensor, kernel: (Int, Int), stride: (Int, Int)? = nil, padding: Padding = .none, countsPadding: Bool = true
) throws(CoreError) -> Tensor {
  let (images, s) = try pooling(x, kernel, stride, padding, false, "avgPool2d")
  let y = try Tensor(.float32, shape: [s.batch, s.channels, s.outputHeight, s.outputWidth], layout: .channelsLast)
  try device.averagePool(s, countsPadding: countsPadding, images.storage, y.storage)
  func gradient(_ g: Tensor) throws(CoreError) -> Tensor {
    let dx = try Tensor(.float32, shape: [s.batch, s.channels, s.height, s.width], layout: .channelsLast)
    try device.averagePoolGradient(s, countsPadding: countsPadding, try g.channelsLast().storage, dx.storage)
    return try dx.recording([g], operation: "avgPool2d", isTwice: true) { (h, _) throws(CoreError) in
      [try avgPool2d(h, kernel: kernel, stride: stride, padding: padding, countsPadding: countsPadding)]
    }
  }
  return try y.recording([x], isTwice: true) { (g, _) throws(CoreError) in [try gradient(g)] }
}

/// Maximum pooling with its positions given is linear: its gradient puts values at the positions, and the gradient of that
/// takes them from there.
private struct MaxPoolAdjoints {
  let shape: PoolShape
  let places: Storage

  func putValues(_ g: Tensor) throws(CoreError) -> Tensor {
    let dx = try Tensor(
      .float32, shape: [shape.batch, shape.channels, shape.height, shape.width], layout: .channelsLast)
    try device.maxPoolGradient(shape, try g.channelsLast().storage, places: places, dx.storage)
    return dx
  }

  func put(_ g: Tensor) throws(CoreError) -> Tensor {
    try putValues(g).recording([g], operation: "maxPool2d", isTwice: true) { (h, _) throws(CoreError) in [try take(h)] }
  }

  private func take(_ x: Tensor) throws(CoreError) -> Tensor {
    let y = try Tensor(
      .float32, shape: [shape.batch, shape.channels, shape.outputHeight, shape.outputWidth], layout: .channelsLast)
    try device.maxPoolTake(shape, try x.channelsLast().storage, places: places, y.storage)
    return try y.recording([x], operation: "maxPool2d", isTwice: true) { (g, _) throws(CoreError) in [try put(g)] }
  }
}

/// The mean of each channel of each image: [n, channels, h, w] to [n, channels].
public func globalAveragePool(_ x: Tensor) throws(CoreError) -> Tensor {
  guard x.rank == 4 else {
    throw CoreError(.shape, "global average pooling needs [n, channels, h, w], not shape \(x.shape)")
  }
  return try avgPool2d(x, kernel: (x.shape[2], x.shape[3])).reshape(Array(x.shape[..<2]))
}

private func pooling(
  _ x: Tensor, _ kernel: (Int, Int), _ stride: (Int, Int)?, _ padding: Padding, _ ceilMode: Bool, _ name: String
) throws(CoreError) -> (Tensor, PoolShape) {
  guard x.rank == 4 else { throw CoreError(.shape, "\(name) needs [n, channels, h, w], not shape \(x.shape)") }
  let stride = stride ?? kernel
  var reaching = padding
  if ceilMode {
    reaching.bottom = reach(x.shape[2], padding.top, padding.bottom, kernel.0, stride.0)
    reaching.right = reach(x.shape[3], padding.left, padding.right, kernel.1, stride.1)
  }
  _ = try Window.output(x.shape, kernel: kernel, stride: stride, padding: reaching, name)
  guard Swift.max(padding.top, padding.bottom) < kernel.0, Swift.max(padding.left, padding.right) < kernel.1 else {
    throw CoreError(.value, "the padding of \(name) must be less than its kernel [\(kernel.0), \(kernel.1)]")
  }
  let s = PoolShape(
    batch: x.shape[0], height: x.shape[2], width: x.shape[3], channels: x.shape[1], kernel: kernel, stride: stride,
    padding: (reaching.top, reaching.bottom, reaching.left, reaching.right))
  return (try x.asType(.float32).channelsLast(), s)
}

/// The padding after an axis that a last window needs, which begins inside the image or the padding before it. Sizes that
/// `Window` refuses are left to it.
private func reach(_ size: Int, _ before: Int, _ after: Int, _ kernel: Int, _ stride: Int) -> Int {
  let sizes = 0..<1 << 31
  guard stride > 0, [size, before, after, kernel, stride].allSatisfy({ sizes.contains($0) }) else { return after }
  let inside = size + before
  var start = inside + after - kernel + stride - 1
  guard start >= 0 else { return after }
  start -= start % stride
  if start >= inside { start -= stride }
  return max(after, start + kernel - inside)
}
