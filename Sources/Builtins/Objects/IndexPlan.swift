import Base
import Devices
import Interpreter
import Tensors

/// What `x[…]` reads or writes, by NumPy's rules for whole numbers, slices, `...`, `none`, masks and lists of indices.
///
/// The plan is made once, and everything about it is checked against the shape; then it reads from a tensor of that shape,
/// or writes to one. It has two stages. A slice with a start, a stop and a step for each axis comes first; whole numbers
/// are slices of one element, whose axes are dropped. Lists of indices come second: they are broadcast together and merged
/// into one list on one axis, so that the device takes or puts one row of blocks. A mask alone skips both stages.
///
/// Whole numbers beside lists count as lists. The axes of the lists stand where the indexed axes stood when these are side
/// by side, and come first when something else is between them.
struct IndexPlan {
  private var starts: [Int] = []
  private var stops: [Int] = []
  private var steps: [Int] = []
  /// The shape after slicing, with new axes added and the axes of whole numbers dropped, unless there are lists.
  private var sliced: [Int] = []
  private var chosen: Chosen?
  /// A mask that covers the leading axes.
  private var mask: Tensor?
  private let shape: [Int]

  /// The lists of an index as one list on one axis, which stands for all axes that are indexed with lists.
  private struct Chosen {
    /// Axes of `sliced`, in the order of the index.
    var axes: [Int]
    var indices: [Int]
    var shape: [Int]
    /// Whether something other than an index was met after the first of them, and whether one more came after that.
    var isInterrupted = false
    var isScattered = false
  }

  init(_ items: [IndexItem], shape: [Int]) throws {
    self.shape = shape
    if items.count == 1, case .value(let value) = items[0], let mask = try Tensor.operand(value), mask.dtype == .bool {
      guard mask.shape.count <= shape.count, Array(shape.prefix(mask.shape.count)) == mask.shape, !mask.shape.isEmpty
      else {
        throw LTDError(
          .shape, "a mask of shape \(mask.shape) does not fit a tensor of shape \(shape)",
          hint: "use a mask with the shape of the tensor, or of its first axes")
      }
      self.mask = mask
      return
    }
    var items = items
    var lists: [Int: Tensor] = [:]
    var used = 0
    for (number, item) in items.enumerated() {
      switch item {
      case .index, .slice: used += 1
      case .ellipsis, .newAxis: break
      case .value(let value):
        let list = try Self.list(value)
        used += list.dtype == .bool ? max(list.shape.count, 1) : 1
        if list.shape.isEmpty, list.dtype == .int64 {
          items[number] = .index(list.ints()[0])
        } else {
          lists[number] = list
        }
      }
    }
    guard used <= shape.count else {
      throw LTDError(
        .shape, "\(used) indices for a tensor with \(shape.count.of("axis", "axes"))",
        hint: "its shape is \(shape)")
    }
    var axis = 0
    var hasEllipsis = false
    for (number, item) in items.enumerated() {
      switch item {
      case .index(let index):
        let place = try Self.place(index, axis: axis, shape: shape)
        slice(place, place + 1, 1)
        axis += 1
        if !lists.isEmpty { try choose([0], [], size: 1) }
        continue
      case .value:
        if let list = lists[number] { try choose(list, &axis) }
        continue
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
      }
      chosen?.isInterrupted = true
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

  /// The indices or the mask that a value within the brackets means.
  private static func list(_ value: Value) throws -> Tensor {
    guard let list = try Tensor.operand(value) else {
      throw LTDError(
        .type, "a tensor cannot be indexed with \(value.typeName.withArticle)",
        hint: "use whole numbers, slices a:b, ..., none, a mask or a list of indices")
    }
    if list.dtype == .bool || list.dtype == .int64 { return list }
    guard list.count == 0 else {
      throw LTDError(
        .type,
        "indices must be whole numbers, not \(value.isNumber ? value.typeName.withArticle : list.dtype.shortName)",
        hint: "// divides to an int; int(x) makes one")
    }
    let shape = list.shape
    return try Tensor(ints: [], shape: shape)
  }

  /// A list of indices for one axis, or a mask for as many axes as it has, whose true elements are such lists.
  private mutating func choose(_ list: Tensor, _ axis: inout Int) throws {
    guard list.dtype == .bool else {
      var places: [Int] = []
      for index in list.ints() {
        try StopSignal.poll(at: places.count)
        places.append(try Self.place(index, axis: axis, shape: shape))
      }
      whole(&axis)
      return try choose(places, list.shape, size: sliced.removeLast())
    }
    let covered = shape[axis..<min(axis + list.shape.count, shape.count)]
    guard !list.shape.isEmpty, list.shape == Array(covered) else {
      throw LTDError(
        .shape,
        list.shape.count == 1
          ? "a mask of shape \(list.shape) does not fit axis \(axis), which has \(shape[axis]) elements"
          : "a mask of shape \(list.shape) does not fit a tensor of shape \(shape) from axis \(axis) on",
        hint: list.shape.count == 1
          ? "use a mask with one bool for each of the \(shape[axis]) elements"
          : "use a mask with the shape of the axes that it stands for")
    }
    let flat = try list.truePlaces()
    var step = list.count
    for size in list.shape {
      step = size > 0 ? step / size : 0
      whole(&axis)
      try choose(flat.map { $0 / step % size }, [flat.count], size: sliced.removeLast())
    }
  }

  /// Merges a list for the next axis of `sliced` with those before it into one list on all their axes together.
  private mutating func choose(_ places: [Int], _ shape: [Int], size: Int) throws {
    sliced.append(size)
    guard var chosen else {
      self.chosen = Chosen(axes: [sliced.count - 1], indices: places, shape: shape)
      return
    }
    _ = try Shape.broadcast(chosen.shape, shape, "the lists of an index")
    let rows = try mul(Tensor(ints: chosen.indices, shape: chosen.shape), Tensor(ints: [size], shape: []))
    let both = try add(rows, Tensor(ints: places, shape: shape))
    (chosen.indices, chosen.shape) = (both.ints(), both.shape)
    chosen.axes.append(sliced.count - 1)
    if chosen.isInterrupted { chosen.isScattered = true }
    self.chosen = chosen
  }

  private static func place(_ index: Int, axis: Int, shape: [Int]) throws -> Int {
    let size = shape[axis]
    guard index >= -size, index < size else {
      throw LTDError(
        .value, "index \(index) is outside of axis \(axis), which has \(size) elements",
        hint: size == 0 ? "the axis is empty" : "indices go from 0 to \(size - 1), or from -\(size) to -1")
    }
    return index < 0 ? index + size : index
  }

  /// Python's rules for slices. A negative step reads backwards: `stop` may then be -1.
  private static func bounds(_ start: Int?, _ stop: Int?, _ step: Int, size: Int) throws -> (Int, Int, Int) {
    guard step != 0, step != .min else { throw LTDError(.value, "the step of a slice must not be \(step)") }
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

  /// How the chosen axes of a sliced part become one axis, and how that is undone.
  private struct Arrangement {
    /// The order of axes that brings the chosen ones together; nil where they are side by side.
    var order: [Int]?
    /// The axis that stands for all chosen ones.
    var axis: Int
    /// The shapes before and after the chosen axes become one, and that of what an index reads.
    var apart: [Int]
    var merged: [Int]
    var result: [Int]

    init(_ chosen: Chosen, _ sliced: [Int]) {
      axis = chosen.isScattered ? 0 : chosen.axes[0]
      apart = sliced
      if chosen.isScattered {
        let order = chosen.axes + sliced.indices.filter { !chosen.axes.contains($0) }
        apart = order.map { sliced[$0] }
        self.order = order
      }
      let (before, after) = (apart[..<axis], apart[(axis + chosen.axes.count)...])
      merged = before + [chosen.axes.reduce(1) { $0 * sliced[$1] }] + after
      result = before + chosen.shape + after
    }

    func arrange(_ part: Tensor) throws -> Tensor {
      guard let order else { return try part.reshape(merged) }
      return try part.permute(order).reshape(merged)
    }

    func restore(_ part: Tensor) throws -> Tensor {
      let part = try part.reshape(apart)
      guard let order else { return part }
      return try part.permute(order.indices.map { place in order.firstIndex(of: place) ?? place })
    }
  }

  func read(_ tensor: Tensor) throws -> Tensor {
    if let mask { return try tensor.maskedSelect(mask) }
    let part = try tensor.slice(starts: starts, stops: stops, steps: steps).reshape(sliced)
    guard let chosen else { return part }
    let arrangement = Arrangement(chosen, sliced)
    return try arrangement.arrange(part).indexSelect(axis: arrangement.axis, chosen.indices)
      .reshape(arrangement.result)
  }

  func write(_ value: Tensor, into tensor: inout Tensor) throws {
    if let mask { return try tensor.assign(mask: mask, value) }
    let sizes = try tensor.slice(starts: starts, stops: stops, steps: steps).shape
    if let chosen {
      let arrangement = Arrangement(chosen, sliced)
      var value = value
      if chosen.shape.count != 1, value.shape.count > 0 {
        try tensor.requireFitting(value, arrangement.result)
        var flat = arrangement.merged
        flat[arrangement.axis] = chosen.indices.count
        value = try value.broadcast(to: arrangement.result).reshape(flat)
      }
      var part = try arrangement.arrange(
        try tensor.slice(starts: starts, stops: stops, steps: steps).reshape(sliced))
      try part.assign(axis: arrangement.axis, indices: chosen.indices, value)
      try tensor.assign(starts: starts, stops: stops, steps: steps, arrangement.restore(part).reshape(sizes))
    } else {
      guard value.shape.count > 0, sizes != sliced else {
        return try tensor.assign(starts: starts, stops: stops, steps: steps, value)
      }
      try tensor.requireFitting(value, sliced)
      try tensor.assign(starts: starts, stops: stops, steps: steps, value.broadcast(to: sliced).reshape(sizes))
    }
  }
}
