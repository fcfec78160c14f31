import Interpreter
import Tensors

/// What `x[…]` reads or writes, checked against the shape: NumPy's rules for whole numbers, slices, `...`, `none`, masks
/// and lists of indices that stand side by side.
struct IndexPlan {
  private var starts: [Int] = []
  private var stops: [Int] = []
  private var steps: [Int] = []
  /// The shape after slicing, with indexed axes taken out and new ones put in.
  private var sliced: [Int] = []
  /// A list of indices on one axis of `sliced`, which stands for all axes that are indexed with lists.
  private var gathered: (axis: Int, indices: [Int], shape: [Int])?
  /// A mask that covers the leading axes.
  private var mask: Tensor?
  private let shape: [Int]

  init(_ items: [IndexItem], shape: [Int]) throws(LTDError) {
    self.shape = shape
    if items.count == 1, case .value(let value) = items[0], let mask = try Tensor.operand(value), mask.dtype == .bool {
      guard mask.shape.count <= shape.count, Array(shape.prefix(mask.shape.count)) == mask.shape, !mask.shape.isEmpty
      else {
        throw LTDError(
          .shape, "a mask of shape \(mask.shape) does not fit a tensor of shape \(shape)",
          hint: "a mask has the shape of the tensor, or of its first axes")
      }
      self.mask = mask
      return
    }
    let used = items.reduce(0) { count, item in
      switch item {
      case .index, .slice, .value: count + 1
      case .ellipsis, .newAxis: count
      }
    }
    guard used <= shape.count else {
      throw LTDError(
        .shape, "\(used) indices for a tensor with \(shape.count) \(shape.count == 1 ? "axis" : "axes")",
        hint: "its shape is \(shape)")
    }
    var axis = 0
    var hasEllipsis = false
    for item in items {
      switch item {
      case .index(let index):
        let place = try Self.place(index, axis: axis, shape: shape)
        slice(place, place + 1, 1)
        axis += 1
      case .slice(let start, let stop, let step):
        let (from, to, count) = try Self.bounds(start, stop, step, size: shape[axis])
        slice(from, to, step)
        sliced.append(count)
        axis += 1
      case .ellipsis:
        guard !hasEllipsis else { throw LTDError(.value, "only one ... can stand in an index") }
        hasEllipsis = true
        for _ in 0..<(shape.count - used) { whole(&axis) }
      case .newAxis: sliced.append(1)
      case .value(let value): try gather(value, &axis)
      }
    }
    while axis < shape.count { whole(&axis) }
  }

  private mutating func slice(_ start: Int, _ stop: Int, _ step: Int) {
    starts.append(start)
    stops.append(stop)
    steps.append(step)
  }

  private mutating func whole(_ axis: inout Int) {
    slice(0, shape[axis], 1)
    sliced.append(shape[axis])
    axis += 1
  }

  private mutating func gather(_ value: Value, _ axis: inout Int) throws(LTDError) {
    guard var indices = try Tensor.operand(value) else {
      throw LTDError(
        .type, "a tensor cannot be indexed with \(value.typeName.withArticle)",
        hint: "use whole numbers, slices a:b, ..., none, a mask or a list of indices")
    }
    let size = shape[axis]
    if indices.dtype == .bool {
      guard indices.shape == [size] else {
        throw LTDError(
          .shape, "a mask of shape \(indices.shape) does not fit axis \(axis), which has \(size) elements",
          hint: "a mask of an axis is a list with a bool for each of its places")
      }
      let places = indices.bools().enumerated().filter(\.element).map(\.offset)
      indices = try attempt { () throws(CoreError) in try Tensor(ints: places, shape: [places.count]) }
    }
    guard indices.dtype == .int64 || indices.count == 0 else {
      throw LTDError(
        .type,
        "indices are whole numbers, not \(value.isNumber ? value.typeName.withArticle : indices.dtype.shortName)",
        hint: "// divides to an int; int(x) makes one")
    }
    var places: [Int] = []
    for index in indices.dtype == .int64 ? indices.ints() : [] {
      places.append(try Self.place(index, axis: axis, shape: shape))
    }
    slice(0, size, 1)
    axis += 1
    guard let before = gathered else {
      gathered = (axis: sliced.count, indices: places, shape: indices.shape)
      sliced.append(size)
      return
    }
    guard before.axis == sliced.count - 1 else {
      throw LTDError(
        .value, "lists of indices must stand side by side", hint: "index one axis after the other, or permute(x, axes)")
    }
    // As one list, on both axes in one.
    let shape = indices.shape
    gathered = try attempt { () throws(CoreError) in
      _ = try Shape.broadcast(before.shape, shape, "the lists of an index")
      let rows = try mul(Tensor(ints: before.indices, shape: before.shape), Tensor(ints: [size], shape: []))
      let both = try add(rows, Tensor(ints: places, shape: shape))
      return (axis: before.axis, indices: both.ints(), shape: both.shape)
    }
    sliced[before.axis] *= size
  }

  private static func place(_ index: Int, axis: Int, shape: [Int]) throws(LTDError) -> Int {
    let size = shape[axis]
    guard index >= -size, index < size else {
      throw LTDError(
        .value, "index \(index) is outside of axis \(axis), which has \(size) elements",
        hint: size == 0 ? "the axis is empty" : "indices go from 0 to \(size - 1), or from -\(size) to -1")
    }
    return index < 0 ? index + size : index
  }

  /// Python's rules for slices. A negative step reads backwards: `stop` may then be -1.
  private static func bounds(_ start: Int?, _ stop: Int?, _ step: Int, size: Int) throws(LTDError) -> (Int, Int, Int) {
    guard step != 0, step != .min else { throw LTDError(.value, "the step of a slice cannot be \(step)") }
    let low = step > 0 ? 0 : -1
    let high = step > 0 ? size : size - 1
    func clamped(_ place: Int?, _ fallback: Int) -> Int {
      guard let place else { return fallback }
      return min(max(place < 0 ? place &+ size : place, low), high)
    }
    let from = clamped(start, step > 0 ? low : high)
    let to = clamped(stop, step > 0 ? high : low)
    let distance = step > 0 ? to - from : from - to
    let count = distance <= 0 ? 0 : (distance - 1) / abs(step) + 1
    if count == 0 { return (0, 0, 0) }
    // Below the first element is written Int.min: -1 would count from the end.
    return (from, to < 0 ? .min : to, count)
  }

  func read(_ tensor: Tensor) throws(CoreError) -> Tensor {
    if let mask { return try tensor.maskedSelect(mask) }
    let part = try tensor.slice(starts: starts, stops: stops, steps: steps).reshape(sliced)
    guard let gathered else { return part }
    let chosen = try part.indexSelect(axis: gathered.axis, gathered.indices)
    return gathered.shape.count == 1 ? chosen : try chosen.reshape(shape(of: gathered.shape, at: gathered.axis))
  }

  /// The shape of the part when an axis of `sliced` has become these.
  private func shape(of chosen: [Int], at axis: Int) -> [Int] {
    sliced[..<axis] + chosen + sliced[(axis + 1)...]
  }

  func write(_ value: Tensor, into tensor: inout Tensor) throws(CoreError) {
    if let mask { return try tensor.assign(mask: mask, value) }
    let sizes = try tensor.slice(starts: starts, stops: stops, steps: steps).shape
    if let gathered {
      var value = value
      if gathered.shape.count != 1, value.shape.count > 0 {
        let target = shape(of: gathered.shape, at: gathered.axis)
        try tensor.requireFitting(value, target)
        value = try value.broadcast(to: target).reshape(shape(of: [gathered.indices.count], at: gathered.axis))
      }
      var part = try tensor.slice(starts: starts, stops: stops, steps: steps).reshape(sliced)
      try part.assign(axis: gathered.axis, indices: gathered.indices, value)
      try tensor.assign(starts: starts, stops: stops, steps: steps, part.reshape(sizes))
    } else {
      guard value.shape.count > 0, sizes != sliced else {
        return try tensor.assign(starts: starts, stops: stops, steps: steps, value)
      }
      try tensor.requireFitting(value, sliced)
      try tensor.assign(starts: starts, stops: stops, steps: steps, value.broadcast(to: sliced).reshape(sizes))
    }
  }
}
