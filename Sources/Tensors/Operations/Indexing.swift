import Base
import Devices

// Elements by their indices. An index of an axis, a mask and a gather are all turned into positions of blocks in row-major
// order, a block being the elements that lie side by side after the axis. The device then takes the blocks (`taking`), and
// the gradient puts them back (`putting`); each is the adjoint of the other.

extension Tensor {
  /// The entries of an axis at the given indices, in that order; indices may repeat, negative ones count from the end.
  /// - Throws: `value` for an index outside the axis.
  public func indexSelect(axis: Int, _ indices: [Int]) throws(CoreError) -> Tensor {
    let axis = try Shape.axis(axis, rank: rank, "index")
    let (places, block) = try places(axis, indices)
    var target = shape
    target[axis] = indices.count
    return try taking(block, places, as: target)
  }

  /// The elements where the mask is true, in row-major order; the mask covers the leading axes.
  public func maskedSelect(_ mask: Tensor) throws(CoreError) -> Tensor {
    let (places, block) = try places(mask)
    return try taking(block, places, as: [places.count] + shape[mask.rank...])
  }

  /// One element along an axis for every position of the other axes: `indices` has this shape without the axis, so
  /// that for [b, k], axis 1, y[i] = x[i, indices[i]].
  public func gather(axis: Int, _ indices: [Int]) throws(CoreError) -> Tensor {
    let axis = try Shape.axis(axis, rank: rank, "gather")
    let size = shape[axis]
    let inner = shape[(axis + 1)...].reduce(1, &*)
    let target = shape.dropping([axis])
    let expected = try Shape.count(target)
    guard indices.count == expected else {
      throw CoreError(
        .shape, "gather along axis \(axis) of shape \(shape) needs \(expected) indices, not \(indices.count)",
        hint: "pass one index for each position along the other axes", argument: "index")
    }
    var places: [Int] = []
    places.reserveCapacity(indices.count)
    for (i, index) in indices.enumerated() {
      try StopSignal.poll(at: i)
      let place = try Shape.place(index, size: size, axis: axis, shape: shape)
      places.append((i / inner * size + place) * inner + i % inner)
    }
    return try taking(1, places, as: target)
  }

  /// One element of each row of a matrix [n, k]: y[i] = x[i, columns[i]].
  ///
  /// - Parameter columns: int64 with n elements in 0..<k, which stay on the device.
  /// - Returns: [n].
  func takingFromRows(_ columns: Tensor) throws(CoreError) -> Tensor {
    let (rows, width) = (shape[0], shape[1])
    let starts = try Tensor(ints: (0..<rows).map { $0 * width }, shape: [rows])
    return try taking(1, add(starts, columns.reshape([rows])), as: [rows])
  }

  func taking(_ block: Int, _ places: [Int], as target: [Int]) throws(CoreError) -> Tensor {
    try taking(block, Tensor(ints: places, shape: [places.count]), as: target)
  }

  func putting(_ block: Int, _ places: [Int], into target: [Int]) throws(CoreError) -> Tensor {
    try putting(block, Tensor(ints: places, shape: [places.count]), into: target)
  }

  /// The blocks at the given positions, int64, in row-major order.
  private func taking(_ block: Int, _ places: Tensor, as target: [Int]) throws(CoreError) -> Tensor {
    let y = try Tensor(dtype, shape: target)
    try device.take(try rowMajor().storage, dtype, block: block, places.storage, count: places.count, y.storage)
    let shape = shape
    return try y.recording([self], operation: "index", isTwice: true) { (g, _) throws(CoreError) in
      [try g.putting(block, places, into: shape)]
    }
  }

  /// The adjoint of `taking`: zeros, with these blocks added at the given positions.
  private func putting(_ block: Int, _ places: Tensor, into target: [Int]) throws(CoreError) -> Tensor {
    let y = try Tensor.zeros(target)
    try device.put(
      try rowMajor().storage, .float32, block: block, places.storage, count: places.count, adding: true, y.storage)
    let shape = shape
    return try y.recording([self], operation: "index", isTwice: true) { (g, _) throws(CoreError) in
      [try g.taking(block, places, as: shape)]
    }
  }

  /// The positions of the blocks that an index list along an axis means.
  func places(_ axis: Int, _ indices: [Int]) throws(CoreError) -> (places: [Int], block: Int) {
    let size = shape[axis]
    let block = shape[(axis + 1)...].reduce(1, &*)
    let outer = shape[..<axis].reduce(1, &*)
    var chosen: [Int] = []
    for (i, index) in indices.enumerated() {
      try StopSignal.poll(at: i)
      chosen.append(try Shape.place(index, size: size, axis: axis, shape: shape))
    }
    if outer == 1 || chosen.isEmpty { return (chosen, block) }
    var places: [Int] = []
    places.reserveCapacity(try Shape.count([outer, chosen.count]))
    for o in 0..<outer {
      for place in chosen {
        try StopSignal.poll(at: places.count)
        places.append(o &* size &+ place)
      }
    }
    return (places, block)
  }

  /// The positions in row-major order where this mask is true.
  package func truePlaces() throws(CoreError) -> [Int] {
    var places: [Int] = []
    for (place, isTrue) in bools().enumerated() {
      try StopSignal.poll(at: place)
      if isTrue { places.append(place) }
    }
    return places
  }

  func places(_ mask: Tensor) throws(CoreError) -> (places: [Int], block: Int) {
    guard mask.dtype == .bool else { throw CoreError(.type, "a mask must be bool, not \(mask.dtype.shortName)") }
    guard mask.rank <= rank, Array(shape[..<mask.rank]) == mask.shape else {
      throw CoreError(
        .shape, "a mask of shape \(mask.shape) does not fit a tensor of shape \(shape)",
        hint: "use a mask with the sizes of the leading axes")
    }
    let block = shape[mask.rank...].reduce(1, &*)
    return (try mask.truePlaces(), block)
  }
}

extension Shape {
  static func place(_ index: Int, size: Int, axis: Int, shape: [Int]) throws(CoreError) -> Int {
    guard index >= -size, index < size else {
      throw CoreError(
        .value, "index \(index) is outside of axis \(axis) of shape \(shape), which has \(size) elements",
        hint: size == 0 ? "the axis is empty" : "indices go from 0 to \(size - 1), or from -\(size) to -1",
        argument: "index")
    }
    return index < 0 ? index + size : index
  }
}
