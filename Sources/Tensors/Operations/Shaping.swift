import Base
import Devices

extension Tensor {
  /// The same elements in row-major order under another shape; one size may be −1 and is worked out.
  /// - Throws: `shape` when the number of elements differs.
  public func reshape(_ shape: [Int]) throws(CoreError) -> Tensor {
    let target = try Shape.completed(shape, count: count, from: self.shape)
    if target == self.shape { return self }
    let plain = try rowMajor()
    let origin = self.shape
    return try Tensor(plain.storage, dtype, shape: target, count: count).recording([self], isTwice: true) {
      (g, _) throws(CoreError) in [try g.reshape(origin)]
    }
  }

  /// One axis from `start` on.
  public func flatten(from start: Int = 0) throws(CoreError) -> Tensor {
    let start = rank == 0 ? 0 : try Shape.axis(start, rank: rank, "flatten", argument: "start")
    return try reshape(shape[..<start] + [try Shape.count(Array(shape[start...]))])
  }

  /// The axes in another order: axis i of the result is axis order[i] of this.
  public func permute(_ order: [Int]) throws(CoreError) -> Tensor {
    var axes: [Int] = []
    for axis in order { axes.append(try Shape.axis(axis, rank: rank, "permute", argument: "order")) }
    guard axes.sorted() == Array(0..<rank) else {
      throw CoreError(
        .shape, "permute needs each of the \(rank) axes of shape \(shape) once, not \(order)",
        hint: "for example \(Array((0..<rank).reversed()))", argument: "order")
    }
    if axes == Array(0..<rank) { return self }
    let source = view.permuted(axes)
    let y = try Tensor(dtype, shape: source.shape)
    try device.copy(source, to: y.view)
    var inverse = axes
    for (place, axis) in axes.enumerated() { inverse[axis] = place }
    return try y.recording([self], isTwice: true) { (g, _) throws(CoreError) in [try g.permute(inverse)] }
  }

  /// Two axes exchanged; by default the last two.
  public func transpose(_ first: Int = -2, _ second: Int = -1) throws(CoreError) -> Tensor {
    if rank == 1 && first == -2 && second == -1 { return self }
    let a = try Shape.axis(first, rank: rank, "transpose", argument: "a")
    let b = try Shape.axis(second, rank: rank, "transpose", argument: "b")
    var order = Array(0..<rank)
    order.swapAt(a, b)
    return try permute(order)
  }

  /// Stretched to a shape as in NumPy's broadcasting.
  public func broadcast(to target: [Int]) throws(CoreError) -> Tensor {
    if target == shape { return self }
    _ = try Shape.count(target)
    guard (try? Shape.broadcast(shape, target)) == target else {
      throw CoreError(
        .shape, "a tensor of shape \(shape) cannot be stretched to \(target)",
        hint: "axes are matched from the last one; sizes of 1 are stretched, others stay", argument: "shape")
    }
    let y = try Tensor(dtype, shape: target)
    try device.copy(view.broadcast(to: target), to: y.view)
    let origin = shape
    return try y.recording([self], isTwice: true) { (g, _) throws(CoreError) in [try g.summed(to: origin)] }
  }

  /// The same elements with a new axis of size 1.
  public func unsqueeze(_ axis: Int) throws(CoreError) -> Tensor {
    let axis = try Shape.axis(axis, rank: rank + 1, "unsqueeze")
    var target = shape
    target.insert(1, at: axis)
    return try reshape(target)
  }

  /// Elements starts[i], starts[i] + steps[i], … before stops[i] along each axis i; axes beyond those given stay
  /// whole. Counts are as in Python: negative ones from the end, limited to the axis; steps may be negative.
  public func slice(starts: [Int], stops: [Int], steps: [Int]? = nil) throws(CoreError) -> Tensor {
    let region = try region(starts: starts, stops: stops, steps: steps)
    let y = try Tensor(dtype, shape: region.sizes, layout: layout)
    try device.copy(view.slice(starts: region.starts, sizes: region.sizes, steps: region.steps), to: y.view)
    let (origin, layout) = (shape, layout)
    return try y.recording([self], isTwice: true) { (g, needs) throws(CoreError) in
      if needs.areFollowed {
        var dx = try Tensor.zeros(origin)
        try dx.assign(starts: starts, stops: stops, steps: steps, g)
        return [dx]
      }
      let dx = try Tensor(.float32, shape: origin, layout: layout)
      try device.fill(dx.view, 0)
      try device.copy(g.view, to: dx.view.slice(starts: region.starts, sizes: region.sizes, steps: region.steps))
      return [dx]
    }
  }

  /// Elements start..<stop along one axis.
  public func slice(axis: Int, _ start: Int, _ stop: Int, step: Int = 1) throws(CoreError) -> Tensor {
    let axis = try Shape.axis(axis, rank: rank, "slice")
    var (starts, stops, steps) = (
      [Int](repeating: 0, count: axis + 1), Array(shape[...axis]), [Int](repeating: 1, count: axis + 1)
    )
    (starts[axis], stops[axis], steps[axis]) = (start, stop, step)
    return try slice(starts: starts, stops: stops, steps: steps)
  }

  struct Region {
    var starts: [Int]
    var sizes: [Int]
    var steps: [Int]
  }

  func region(starts: [Int], stops: [Int], steps: [Int]?) throws(CoreError) -> Region {
    let steps = steps ?? starts.map { _ in 1 }
    guard starts.count == stops.count, starts.count == steps.count, starts.count <= rank else {
      throw CoreError(.shape, "a slice of \(starts.count.of("axis", "axes")) does not fit shape \(shape)")
    }
    var region = Region(
      starts: shape.map { _ in 0 }, sizes: shape, steps: shape.map { _ in 1 })
    for (axis, step) in steps.enumerated() {
      let size = shape[axis]
      guard step != 0, step != Int.min else { throw CoreError(.value, "the step of a slice cannot be \(step)") }
      let (low, high) = step > 0 ? (0, size) : (-1, size - 1)
      func limited(_ place: Int) -> Int {
        Swift.min(Swift.max(place < 0 ? place &+ size : place, low), high)
      }
      let start = limited(starts[axis])
      // A stop before the first element, for a negative step, is written Int.min.
      let stop = stops[axis] == Int.min ? low : limited(stops[axis])
      let length = step > 0 ? stop - start : start - stop
      region.starts[axis] = start
      region.sizes[axis] = length <= 0 ? 0 : (length - 1) / Int(step.magnitude) + 1
      region.steps[axis] = step
    }
    return region
  }

  /// Rows and columns of `value` around the last two axes.
  public func pad(top: Int, bottom: Int, left: Int, right: Int, value: Float = 0) throws(CoreError) -> Tensor {
    guard rank >= 2 else { throw CoreError(.shape, "pad needs at least two axes, not shape \(shape)") }
    guard Swift.min(top, bottom, left, right) >= 0 else {
      throw CoreError(.value, "padding cannot be negative", hint: "use a slice to cut rows or columns off")
    }
    let (h, w) = (rank - 2, rank - 1)
    var target = shape
    for (axis, extra) in [(h, top), (h, bottom), (w, left), (w, right)] {
      let (size, overflow) = target[axis].addingReportingOverflow(extra)
      guard !overflow else { throw CoreError(.memory, "a padded tensor of this size does not fit into memory") }
      target[axis] = size
    }
    var starts = shape.map { _ in 0 }
    (starts[h], starts[w]) = (top, left)
    let ones = shape.map { _ in 1 }
    let y = try Tensor(dtype, shape: target, layout: layout)
    try device.fill(y.view, Double(value))
    try device.copy(view, to: y.view.slice(starts: starts, sizes: shape, steps: ones))
    let (begin, end) = (starts, zip(starts, shape).map { $0 + $1 })
    return try y.recording([self], isTwice: true) { (g, _) throws(CoreError) in [try g.slice(starts: begin, stops: end)]
    }
  }
}

/// Tensors joined along an axis; all other sizes must agree.
public func concat(_ parts: [Tensor], axis: Int = 0) throws(CoreError) -> Tensor {
  guard let first = parts.first else { throw CoreError(.value, "concat needs at least one tensor", argument: "parts") }
  let axis = try Shape.axis(axis, rank: first.rank, "concat")
  var shape = first.shape
  var dtype = first.dtype
  for part in parts.dropFirst() {
    guard part.rank == first.rank, part.shape.dropping([axis]) == first.shape.dropping([axis]) else {
      throw CoreError(
        .shape, "concat along axis \(axis) cannot join shapes \(first.shape) and \(part.shape)",
        hint: "all sizes but that of axis \(axis) must be equal", argument: "parts")
    }
    let (size, overflow) = shape[axis].addingReportingOverflow(part.shape[axis])
    guard !overflow else {
      throw CoreError(
        .memory, "concat along axis \(axis): the sizes overflow", argument: "parts")
    }
    shape[axis] = size
    dtype = promoted(dtype, part.dtype)
  }
  let sizes = parts.map { $0.shape[axis] }
  let y = try Tensor(
    dtype, shape: shape, layout: parts.allSatisfy { $0.layout == .channelsLast } ? .channelsLast : .rowMajor)
  var inputs: [Tensor] = []
  var starts = shape.map { _ in 0 }
  let steps = shape.map { _ in 1 }
  for part in parts {
    let part = try part.asType(dtype)
    try device.copy(part.view, to: y.view.slice(starts: starts, sizes: part.shape, steps: steps))
    starts[axis] += part.shape[axis]
    inputs.append(part)
  }
  return try y.recording(inputs, isTwice: true) { (g, needs) throws(CoreError) in
    var gradients: [Tensor?] = []
    var start = 0
    for (place, size) in sizes.enumerated() {
      gradients.append(needs[place] ? try g.slice(axis: axis, start, start + size) : nil)
      start += size
    }
    return gradients
  }
}

/// Tensors of one shape put side by side along a new axis.
public func stack(_ parts: [Tensor], axis: Int = 0) throws(CoreError) -> Tensor {
  guard let first = parts.first else {
    throw CoreError(.value, "stack needs at least one tensor", argument: "parts")
  }
  let axis = try Shape.axis(axis, rank: first.rank + 1, "stack")
  var lifted: [Tensor] = []
  for part in parts {
    guard part.shape == first.shape else {
      throw CoreError(
        .shape, "stack needs equal shapes, not \(first.shape) and \(part.shape)",
        hint: "concat joins along an axis whose sizes may differ", argument: "parts")
    }
    lifted.append(try part.unsqueeze(axis))
  }
  return try concat(lifted, axis: axis)
}

extension Shape {
  /// A shape with −1 worked out.
  static func completed(_ shape: [Int], count: Int, from origin: [Int]) throws(CoreError) -> [Int] {
    guard let open = shape.firstIndex(of: -1) else {
      let wanted = try Shape.count(shape)
      guard wanted == count else {
        throw CoreError(
          .shape,
          "a tensor of shape \(origin) has \(count.of("element")) and cannot become \(shape), which has \(wanted)",
          hint: "one size may be -1 and is worked out", argument: "shape")
      }
      return shape
    }
    var target = shape
    target[open] = 1
    guard !target.contains(-1) else {
      throw CoreError(.shape, "only one size may be -1, not several as in \(shape)", argument: "shape")
    }
    let others = try Shape.count(target)
    guard others > 0, count % others == 0 else {
      throw CoreError(
        .shape, "a tensor of shape \(origin) with \(count.of("element")) cannot become \(shape)",
        hint: others > 0 ? "\(count) is not a multiple of \(others)" : "the size -1 cannot be worked out beside a 0",
        argument: "shape")
    }
    target[open] = count / others
    return target
  }
}

extension Tensor {
  /// Some neighbours along the first axis, in the same order of memory; nothing is recorded.
  package func rows(_ range: Range<Int>) throws(CoreError) -> Tensor {
    var shape = shape
    shape[0] = range.count
    let y = try Tensor(dtype, shape: shape, layout: layout)
    try device.copy(rowView(range), to: y.view)
    return y
  }

  /// Tensors that differ in the size of their first axis alone, one after another, in the order of memory of the first
  /// of them; nothing is recorded.
  package static func joined(_ parts: [Tensor]) throws(CoreError) -> Tensor {
    guard var shape = parts.first?.shape, let first = parts.first else {
      throw CoreError(.shape, "no tensors to join")
    }
    shape[0] = parts.reduce(0) { $0 + $1.shape[0] }
    let y = try Tensor(first.dtype, shape: shape, layout: first.layout)
    var row = 0
    for part in parts {
      try device.copy(part.view, to: y.rowView(row..<row + part.shape[0]))
      row += part.shape[0]
    }
    return y
  }

  private func rowView(_ range: Range<Int>) -> View {
    view.slice(
      starts: shape.indices.map { $0 == 0 ? range.lowerBound : 0 },
      sizes: shape.enumerated().map { $0.offset == 0 ? range.count : $0.element }, steps: shape.map { _ in 1 })
  }
}
