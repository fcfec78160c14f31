/// Elements of a storage seen through an offset and strides, all counted in elements: element (i, j, …) is at
/// offset + i · strides[0] + j · strides[1] + ….
///
/// A stride of 0 repeats, which is how operands are broadcast, and a negative one walks backwards. So slices, turned axes,
/// other orders of axes and broadcasting cost nothing before an operation reads them: a view is how an operation says
/// which elements it means, and no tensor keeps one.
package struct View: Sendable {
  /// The memory.
  package var storage: Storage
  /// The type of the elements.
  package var dtype: DType
  /// The position of element (0, 0, …) in the storage.
  package var offset: Int
  /// The size of each axis.
  package var shape: [Int]
  /// By axis: how far apart neighbours are in the storage.
  package var strides: [Int]

  /// A view; the caller has checked that all of it lies within the storage.
  package init(storage: Storage, dtype: DType, offset: Int = 0, shape: [Int], strides: [Int]) {
    self.storage = storage
    self.dtype = dtype
    self.offset = offset
    self.shape = shape
    self.strides = strides
  }

  /// The strides of elements in row-major order.
  package static func strides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] &* max(1, shape[axis + 1]) }
    return strides
  }

  /// The strides of the logical axes n, c, h, w when the memory order is n, h, w, c.
  package static func channelsLastStrides(_ shape: [Int]) -> [Int] {
    let (c, h, w) = (max(1, shape[1]), max(1, shape[2]), max(1, shape[3]))
    return [h &* w &* c, 1, w &* c, c]
  }

  /// Stretched to a shape to which this one broadcasts.
  package func broadcast(to target: [Int]) -> View {
    if shape == target { return self }
    var result = self
    let missing = target.count - shape.count
    result.shape = target
    result.strides = target.indices.map { axis in
      axis < missing || shape[axis - missing] == 1 ? 0 : strides[axis - missing]
    }
    return result
  }

  /// The axes in another order: axis i of the result is axis order[i] of this.
  package func permuted(_ order: [Int]) -> View {
    var result = self
    result.shape = order.map { shape[$0] }
    result.strides = order.map { strides[$0] }
    return result
  }

  /// Elements starts[axis], starts[axis] + steps[axis], … sizes[axis] of them.
  package func slice(starts: [Int], sizes: [Int], steps: [Int]) -> View {
    var result = self
    for axis in shape.indices {
      if sizes[axis] > 0 { result.offset &+= starts[axis] &* strides[axis] }
      result.strides[axis] = strides[axis] &* steps[axis]
    }
    result.shape = sizes
    return result
  }
}
