/// Elements of a storage seen through strides (in elements; 0 repeats).
package struct View: Sendable {
  package var storage: Storage
  package var dtype: DType
  package var offset: Int
  package var shape: [Int]
  package var strides: [Int]

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
