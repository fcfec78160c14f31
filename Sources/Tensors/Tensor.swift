import Base
import Devices

/// A tensor: an immutable value of float32, int64 or bool elements.
///
/// It is a shape over a `Storage` of the device, which other tensors may share, and a node of the record if a gradient is
/// followed through it. Copies cost nothing; what changes a tensor copies the storage first, unless it is the only holder.
///
/// **Layout.** To its user a tensor is row-major, and images are [n, c, h, w]. In memory a tensor of four axes may have its
/// channels last, [n, h, w, c], because convolutions read all channels of a pixel together. Convolutions and pooling return
/// such tensors, elementwise operations keep the order they get, and everything else converts where it must, by one copy.
/// So the order in memory never shows, and a network changes it only at its first and after its last convolution.
public struct Tensor: Sendable {
  /// The order of the elements in memory.
  package enum Layout: Sendable {
    /// The last axis is the fastest.
    case rowMajor
    /// Of four axes [n, c, h, w], the second is the fastest.
    case channelsLast
  }

  /// The size of each axis; empty for a single number.
  public let shape: [Int]
  /// The type of the elements.
  public let dtype: DType
  /// The number of elements.
  public let count: Int
  /// The order of the elements in memory.
  package let layout: Layout
  /// The memory of the elements, which other tensors may share.
  package internal(set) var storage: Storage
  /// The record of where the tensor comes from, when a gradient is followed through it.
  package internal(set) var node: Node?

  /// A tensor over memory that an operation is about to fill.
  package init(_ dtype: DType = .float32, shape: [Int], layout: Layout = .rowMajor) throws(CoreError) {
    count = try Shape.count(shape)
    self.shape = shape
    self.dtype = dtype
    self.layout = layout
    storage = try Storage(dtype, count: count)
  }

  /// The same elements in memory, seen in another way; the caller has checked that this makes sense.
  package init(_ storage: Storage, _ dtype: DType, shape: [Int], count: Int, layout: Layout = .rowMajor) {
    self.storage = storage
    self.shape = shape
    self.dtype = dtype
    self.count = count
    self.layout = layout
  }

  /// The same values with another record, or with none.
  package func with(node: Node?) -> Tensor {
    var result = self
    result.node = node
    return result
  }

  /// The number of axes.
  public var rank: Int { shape.count }

  /// Strides of the logical axes in elements.
  package var strides: [Int] {
    layout == .channelsLast ? View.channelsLastStrides(shape) : View.strides(shape)
  }

  /// The whole tensor as the device sees it.
  package var view: View { View(storage: storage, dtype: dtype, shape: shape, strides: strides) }

  /// A new tensor like this one, not yet filled.
  func similar(_ dtype: DType? = nil) throws(CoreError) -> Tensor {
    try Tensor(dtype ?? self.dtype, shape: shape, layout: layout)
  }

  // MARK: Layout

  /// Whether both layouts put the elements in the same order.
  private var layoutsAgree: Bool {
    shape.count != 4 || shape[1] <= 1 || (shape[2] <= 1 && shape[3] <= 1)
  }

  func relabelled(_ layout: Layout) -> Tensor {
    Tensor(storage, dtype, shape: shape, count: count, layout: layout)
  }

  /// The values in row-major order in memory, without a record.
  package func rowMajor() throws(CoreError) -> Tensor {
    if layout == .rowMajor { return detached() }
    if layoutsAgree { return relabelled(.rowMajor) }
    let result = try Tensor(dtype, shape: shape)
    try device.copy(view, to: result.view)
    return result
  }

  /// The values of a tensor of four axes with channels last in memory, without a record.
  package func channelsLast() throws(CoreError) -> Tensor {
    if layout == .channelsLast || shape.count != 4 { return detached() }
    if layoutsAgree { return relabelled(.channelsLast) }
    let result = try Tensor(dtype, shape: shape, layout: .channelsLast)
    try device.copy(view, to: result.view)
    return result
  }

  /// The values in a layout, without a record.
  package func inLayout(_ layout: Layout) throws(CoreError) -> Tensor {
    layout == .channelsLast ? try channelsLast() : try rowMajor()
  }

  /// This tensor, kept with its record, in the memory order that convolutions work in: a hint that saves conversions
  /// in loops such as attacks. Does nothing unless there are four axes.
  public func forConvolutions() throws(CoreError) -> Tensor {
    try channelsLast().recording([self], isTwice: true) { (g, _) throws(CoreError) in [g] }
  }
}
