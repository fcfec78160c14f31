import Base
import Devices

/// Rows and columns of zeros around images.
public struct Padding: Sendable, Hashable {
  /// Rows above.
  public var top: Int
  /// Rows below.
  public var bottom: Int
  /// Columns to the left.
  public var left: Int
  /// Columns to the right.
  public var right: Int

  /// The caller gives each side; none may be negative where it is used.
  public init(top: Int, bottom: Int, left: Int, right: Int) {
    self.top = top
    self.bottom = bottom
    self.left = left
    self.right = right
  }

  /// The same on all sides.
  public init(_ all: Int) { self.init(top: all, bottom: all, left: all, right: all) }

  /// No padding.
  public static let none = Padding(0)
}

/// Two-dimensional convolution (cross-correlation, as in PyTorch).
///
/// - Parameters:
///   - x: [n, channels, h, w].
///   - weight: [filters, channels / groups, kh, kw].
///   - bias: [filters], or none.
/// - Returns: [n, filters, h', w'].
/// - Throws: `shape` when sizes do not fit.
public func conv2d(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, stride: (Int, Int) = (1, 1), padding: Padding = .none,
  dilation: (Int, Int) = (1, 1), groups: Int = 1
) throws(CoreError) -> Tensor {
  guard x.rank == 4, weight.rank == 4 else {
    throw CoreError(
      .shape,
      "conv2d needs images [n, channels, h, w] and weights [filters, channels, kh, kw], not shapes \(x.shape)"
        + " and \(weight.shape)", hint: x.rank == 3 ? "a single image needs a first axis: x[none]" : nil)
  }
  guard groups >= 1, weight.shape[0] % groups == 0 else {
    throw CoreError(.value, "conv2d cannot cut \(weight.shape[0]) filters into \(groups) groups")
  }
  let (channels, overflow) = weight.shape[1].multipliedReportingOverflow(by: groups)
  guard !overflow, x.shape[1] == channels else {
    throw CoreError(
      .shape,
      "conv2d with weights \(weight.shape)\(groups == 1 ? "" : " in \(groups) groups") takes"
        + " \(overflow ? "too many" : String(channels)) channels, but images of shape \(x.shape) have \(x.shape[1])",
      hint: "axis 1 of the images is the channels")
  }
  if let bias, bias.shape != [weight.shape[0]] {
    throw CoreError(
      .shape, "a bias of shape \(bias.shape) does not fit weights \(weight.shape), expected [\(weight.shape[0])]")
  }
  let (height, width) = try Window.output(
    x.shape, kernel: (weight.shape[2], weight.shape[3]), stride: stride, padding: padding, dilation: dilation, "conv2d")
  let (x1, w) = (try x.asType(.float32), try weight.asType(.float32))
  let bias = try bias?.asType(.float32)
  let y = try Tensor(.float32, shape: [x.shape[0], weight.shape[0], height, width], layout: .channelsLast)
  let s = ConvolutionShape(
    batch: x.shape[0], height: x.shape[2], width: x.shape[3], channels: x.shape[1], filters: weight.shape[0],
    kernel: (weight.shape[2], weight.shape[3]), stride: stride,
    padding: (padding.top, padding.bottom, padding.left, padding.right), dilation: dilation, groups: groups)
  try StopSignal.poll()
  let images = try x1.channelsLast()
  let weights = try w.rowMajor()
  if y.count > 0 {
    try device.convolve(
      s, images.storage, weights.storage, ConvolutionEpilogue(bias: bias?.rowMajor().storage), y.storage)
  }
  // What was derived from weights that are trained is used once in each direction: keeping it would cost four times their
  // memory, over all layers at once.
  let trained = w.isTracked ? weights.storage : nil
  trained?.forgetDerived()
  let savedImages = w.isTracked || bias?.isTracked == true ? images : nil
  let savedWeights = x1.isTracked ? weights : nil
  let weightShape = weight.shape
  let hasBias = bias != nil
  let adjoints = ConvolutionAdjoints(
    shape: s, weightShape: weightShape, stride: stride, padding: padding, dilation: dilation, groups: groups)
  return try y.recording([x1, w] + (bias.map { [$0] } ?? []), isTwice: true) { (g, needs) throws(CoreError) in
    if needs.areFollowed {
      return [
        needs[0] ? try savedWeights.map { w throws(CoreError) in try adjoints.input(g, needs.operand(w, 1)) } : nil,
        needs[1] ? try savedImages.map { x throws(CoreError) in try adjoints.weight(needs.operand(x, 0), g) } : nil,
      ] + (hasBias ? [needs[2] ? try g.sum(axes: [0, 2, 3]) : nil] : [])
    }
    let g = try g.channelsLast()
    defer { if needs[1] { trained?.forgetDerived() } }
    var gradients = [Tensor?](repeating: nil, count: needs.count)
    if needs[0], let weights = savedWeights {
      let dx = try Tensor(.float32, shape: [s.batch, s.channels, s.height, s.width], layout: .channelsLast)
      if dx.count > 0 {
        try device.convolveInputGradient(s, g.storage, weights.storage, ConvolutionEpilogue(), dx.storage)
      }
      gradients[0] = dx
    }
    let needsBias = hasBias && needs[2]
    if needs[1], let images = savedImages {
      let dw = try Tensor(.float32, shape: weightShape)
      let db = needsBias ? try Tensor(.float32, shape: [s.filters]) : nil
      try device.convolveWeightGradient(s, images.storage, g.storage, dw.storage, db?.storage)
      gradients[1] = dw
      if needsBias { gradients[2] = db }
    } else if needsBias {
      gradients[2] = try g.sum(axes: [0, 2, 3])
    }
    return gradients
  }
}

/// The adjoints of one convolution as operations of their own. Convolution is linear in images and in weights, so that the
/// gradients of each of the three are formed by the other two.
private struct ConvolutionAdjoints {
  let shape: ConvolutionShape
  let weightShape: [Int]
  let stride: (Int, Int)
  let padding: Padding
  let dilation: (Int, Int)
  let groups: Int

  private func forward(_ x: Tensor, _ w: Tensor) throws(CoreError) -> Tensor {
    try conv2d(x, w, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }

  /// The gradient of the images from that of the result.
  func input(_ g: Tensor, _ w: Tensor) throws(CoreError) -> Tensor {
    let s = shape
    let (result, weights) = (try g.channelsLast(), try w.rowMajor())
    let dx = try Tensor(.float32, shape: [s.batch, s.channels, s.height, s.width], layout: .channelsLast)
    if dx.count > 0 {
      try device.convolveInputGradient(s, result.storage, weights.storage, ConvolutionEpilogue(), dx.storage)
    }
    return try dx.recording([g, w], operation: "conv2d", isTwice: true) { (h, needs) throws(CoreError) in
      [
        needs[0] ? try forward(h, needs.operand(weights, 1)) : nil,
        needs[1] ? try weight(h, needs.operand(result, 0)) : nil,
      ]
    }
  }

  /// The gradient of the weights from that of the result.
  func weight(_ x: Tensor, _ g: Tensor) throws(CoreError) -> Tensor {
    let (images, result) = (try x.channelsLast(), try g.channelsLast())
    let dw = try Tensor(.float32, shape: weightShape)
    try device.convolveWeightGradient(shape, images.storage, result.storage, dw.storage, nil)
    return try dw.recording([x, g], operation: "conv2d", isTwice: true) { (h, needs) throws(CoreError) in
      [
        needs[0] ? try input(needs.operand(result, 1), h) : nil,
        needs[1] ? try forward(needs.operand(images, 0), h) : nil,
      ]
    }
  }
}

/// Sizes of sliding windows.
enum Window {
  static func output(
    _ shape: [Int], kernel: (Int, Int), stride: (Int, Int), padding: Padding, dilation: (Int, Int) = (1, 1),
    _ name: String
  ) throws(CoreError) -> (Int, Int) {
    guard Swift.min(padding.top, padding.bottom, padding.left, padding.right) >= 0 else {
      throw CoreError(.value, "the padding of \(name) cannot be negative")
    }
    return (
      try length(shape, 2, kernel.0, stride.0, padding.top, padding.bottom, dilation.0, name),
      try length(shape, 3, kernel.1, stride.1, padding.left, padding.right, dilation.1, name)
    )
  }

  private static func length(
    _ shape: [Int], _ axis: Int, _ kernel: Int, _ stride: Int, _ before: Int, _ after: Int, _ dilation: Int,
    _ name: String
  ) throws(CoreError) -> Int {
    guard kernel >= 1, stride >= 1, dilation >= 1 else {
      throw CoreError(
        .value, "\(name) needs kernel, stride and dilation of at least 1, not \(kernel), \(stride) and \(dilation)")
    }
    let limit = 1 << 31
    guard kernel < limit, stride < limit, dilation < limit, before < limit, after < limit, shape[axis] < limit else {
      throw CoreError(.value, "the sizes of \(name) are too large")
    }
    let reach = dilation * (kernel - 1) + 1
    let size = shape[axis] + before + after
    guard size >= reach else {
      throw CoreError(
        .shape,
        "\(name): a window of \(reach) does not fit axis \(axis) of shape \(shape) with padding \(before) + \(after)",
        hint: "use larger images, more padding or a smaller kernel")
    }
    return (size - reach) / stride + 1
  }
}
