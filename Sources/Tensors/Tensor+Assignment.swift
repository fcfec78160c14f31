import Base
import Devices

// Assignment to parts of a tensor, with value semantics: copies of the tensor do not change. A gradient passes to the
// value, and to what is left of the tensor before.
//
// What is written in place is written to its end: the tensor is somebody's variable.
extension Tensor {
  /// Sets a slice, as in `slice(starts:stops:steps:)`, to a value that broadcasts to it.
  public mutating func assign(starts: [Int], stops: [Int], steps: [Int]? = nil, _ value: Tensor) throws(CoreError) {
    let region = try region(starts: starts, stops: stops, steps: steps)
    let plain = try fitting(value, region.sizes)
    let before = isTracked ? self : nil
    try makeUnique()
    let (source, target) = (
      plain.view.broadcast(to: region.sizes),
      view.slice(starts: region.starts, sizes: region.sizes, steps: region.steps)
    )
    try StopSignal.ignoring { () throws(CoreError) in try device.copy(source, to: target) }
    try record(before, value) { (g) throws(CoreError) in
      try g.assign(starts: starts, stops: stops, steps: steps, .scalar(0))
    } ofValue: { (g) throws(CoreError) in
      try g.slice(starts: starts, stops: stops, steps: steps)
    }
  }

  /// Sets the entries of an axis at the given indices to a value that broadcasts to them; of indices that repeat the
  /// last one counts.
  public mutating func assign(axis: Int, indices: [Int], _ value: Tensor) throws(CoreError) {
    let axis = try Shape.axis(axis, rank: rank, "index")
    let (places, block) = try places(axis, indices)
    var target = shape
    target[axis] = indices.count
    try put(value, places, block, target)
  }

  /// Sets the elements where the mask is true (over the leading axes) to a value that broadcasts to them.
  public mutating func assign(mask: Tensor, _ value: Tensor) throws(CoreError) {
    let (places, block) = try places(mask)
    try put(value, places, block, [places.count] + shape[mask.rank...])
  }

  private mutating func put(_ value: Tensor, _ places: [Int], _ block: Int, _ target: [Int]) throws(CoreError) {
    let plain = try fitting(value, target).broadcast(to: target).rowMajor()
    let before = isTracked ? self : nil
    if layout == .channelsLast { self = try rowMajor() }
    try makeUnique()
    let (dtype, storage) = (dtype, storage)
    try StopSignal.ignoring { () throws(CoreError) in
      let indices = try Tensor(ints: places, shape: [places.count])
      try device.put(
        plain.storage, dtype, block: block, indices.storage, count: places.count, adding: false, storage)
    }
    try record(before, value) { (g) throws(CoreError) in
      try g.put(.scalar(0), places, block, target)
    } ofValue: { (g) throws(CoreError) in
      // Where a position repeats, only the last value was taken.
      var last: [Int: Int] = [:]
      for (i, place) in places.enumerated() { last[place] = i }
      let taken = try Tensor(places.enumerated().map { last[$1] == $0 ? 1 : 0 }, shape: [places.count, 1])
      return try mul(g.taking(block, places, as: [places.count, block]), taken).reshape(target)
    }
  }

  /// The record of an assignment.
  ///
  /// - Parameters:
  ///   - before: the tensor that was written to, if a gradient is followed through it.
  ///   - clear: sets to 0 what was written.
  ///   - part: takes out what was written, before `value` was broadcast.
  private mutating func record(
    _ before: Tensor?, _ value: Tensor, clear: @escaping (inout Tensor) throws(CoreError) -> Void,
    ofValue part: @escaping (Tensor) throws(CoreError) -> Tensor
  ) throws(CoreError) {
    guard before != nil || value.isTracked else { return }
    let shape = value.shape
    self = try recording([before ?? self, value], operation: "assignment", isTwice: true) {
      (g, needs) throws(CoreError) in
      let ofValue = needs[1] ? try part(g).summed(to: shape) : nil
      guard needs[0] else { return [nil, ofValue] }
      var rest = needs.areFollowed ? g : g.detached()
      try clear(&rest)
      return [rest, ofValue]
    }
  }

  /// - Throws: `shape` unless the value can be stretched to a part of this tensor.
  package func requireFitting(_ value: Tensor, _ target: [Int]) throws(CoreError) {
    guard (try? Shape.broadcast(value.shape, target)) == target else {
      throw CoreError(
        .shape,
        "a value of shape \(value.shape) does not fit the part of shape \(target) of a tensor of shape \(shape)",
        hint: "axes are matched from the last one; sizes must be equal or 1")
    }
  }

  /// The value in this tensor's type, broadcast to `target` being possible.
  private func fitting(_ value: Tensor, _ target: [Int]) throws(CoreError) -> Tensor {
    try requireFitting(value, target)
    guard promoted(value.dtype, dtype) == dtype else {
      throw CoreError(
        .type, "\(value.dtype.shortName) values cannot be put into a tensor of type \(dtype.shortName)",
        hint: "convert the tensor first: x = \(value.dtype)(x)")
    }
    return try value.detached().asType(dtype)
  }

  mutating func makeUnique() throws(CoreError) {
    node = nil
    if isKnownUniquelyReferenced(&storage) {
      storage.forgetDerived()
      return
    }
    let copy = try similar()
    try device.copy(view, to: copy.view)
    self = copy
  }
}
