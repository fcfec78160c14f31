import Base
import KernelTypes
import Kernels

// The calls whose operands are views: filling, copying and reducing. `Loops` turns the strides of all operands
// into as few nested loops as they allow, and the innermost one is a kernel where the operands are dense, and a loop here
// where they are not.

extension CPUDevice {
  func fill(_ y: View, _ value: Double) throws(CoreError) {
    try kernel { () throws(KernelError) in
      switch y.dtype {
      case .float32: fill(y, y.storage.floats, Float(value))
      case .int64: fill(y, y.storage.ints, Int(exactly: value.rounded(.towardZero)) ?? 0)
      case .bool: fill(y, y.storage.bools, value != 0 ? 1 : 0)
      }
    }
  }

  private func fill<T>(_ y: View, _ out: UnsafeMutablePointer<T>, _ value: T) {
    let loops = Loops(y)
    guard let step = loops.steps.last?[0] else { return }
    loops.inPieces { at, columns in
      if step == 1 {
        (out + at[0]).update(repeating: value, count: columns)
      } else {
        for i in 0..<columns { out[at[0] &+ i &* step] = value }
      }
    }
  }

  func copy(_ x: View, to y: View) throws(CoreError) {
    try kernel { () throws(KernelError) in
      switch x.dtype {
      case .float32:
        if !transpose(x, y) { copy(x, y, x.storage.floats, y.storage.floats) }
      case .int64: copy(x, y, x.storage.ints, y.storage.ints)
      case .bool: copy(x, y, x.storage.bools, y.storage.bools)
      }
    }
  }

  private func copy<T: BitwiseCopyable>(
    _ x: View, _ y: View, _ source: UnsafeMutablePointer<T>, _ target: UnsafeMutablePointer<T>
  ) {
    let loops = Loops(y, x)
    guard let step = loops.steps.last else { return }
    loops.inPieces { at, columns in
      let (from, to) = (source + at[1], target + at[0])
      if step[0] == 1 && step[1] == 1 {
        to.update(from: from, count: columns)
      } else if step[0] == 1 && step[1] == 0 {
        to.update(repeating: from[0], count: columns)
      } else {
        for i in 0..<columns { to[i &* step[0]] = from[i &* step[1]] }
      }
    }
  }

  /// Copies whose two fastest axes are exchanged, as between the layouts of images.
  private func transpose(_ x: View, _ y: View) -> Bool {
    let loops = Loops(y, x)
    let depth = loops.sizes.count
    guard depth == 2 || depth == 3 else { return false }
    let (columns, rows) = (loops.sizes[depth - 2], loops.sizes[depth - 1])
    guard rows > 1, columns > 1, loops.steps[depth - 1] == SIMD4(1, columns, 0, 0),
      loops.steps[depth - 2] == SIMD4(rows, 1, 0, 0)
    else { return false }
    if depth == 3, loops.steps[0] != SIMD4(rows &* columns, rows &* columns, 0, 0) { return false }
    Rows.transpose(
      x.storage.floats + loops.start[1], batch: depth == 3 ? loops.sizes[0] : 1, rows: rows, columns: columns,
      y.storage.floats + loops.start[0])
    return true
  }

  func reduce(_ reduction: Reduction, _ x: View, reducing: [Bool], _ y: Storage) throws(CoreError) {
    var stay = View(storage: y, dtype: x.dtype, shape: x.shape, strides: x.strides)
    var next = 1
    for axis in x.shape.indices.reversed() {
      stay.strides[axis] = 0
      if !reducing[axis] {
        stay.strides[axis] = next
        next &*= x.shape[axis]
      }
    }
    let outputs = next
    if x.dtype == .int64 {
      return try kernel { () throws(KernelError) in reduceInts(reduction, x, stay, outputs) }
    }
    if x.shape.contains(0) {
      try fill(
        View(storage: y, dtype: .float32, shape: [outputs], strides: [1]),
        reduction == .sum ? 0 : reduction == .maximum ? -.infinity : .infinity)
      return
    }
    let loops = Loops(x, stay)
    var sizes = loops.sizes
    var steps = loops.steps.map { $0[1] }
    let values = x.storage.floats + x.offset
    if reduction == .sum, sizes.count == 1, loops.steps[0] == SIMD4(1, 0, 0, 0) {
      // In double precision throughout.
      var total = 0.0
      try kernel { () throws(KernelError) in total = try Rows.sum(values, count: sizes[0]) }
      y.floats[0] = Float(total)
      return
    }
    guard zip(loops.steps, View.strides(sizes)).allSatisfy({ $0[0] == $1 }) || sizes == [1] else {
      // Not dense: reduced axes last, then by rows.
      let order = x.shape.indices.filter { !reducing[$0] } + x.shape.indices.filter { reducing[$0] }
      let source = x.permuted(order)
      let count = source.shape.reduce(1, &*)
      let copied = View(
        storage: try Storage(.float32, count: count), dtype: .float32, shape: source.shape,
        strides: View.strides(source.shape))
      try copy(source, to: copied)
      let rows = View(
        storage: copied.storage, dtype: .float32, shape: [outputs, count / outputs],
        strides: [count / outputs, 1])
      return try reduce(reduction, rows, reducing: [false, true], y)
    }
    // One group of neighbouring axes after the other, the fastest first, without changing the order in memory.
    var source = x.storage
    var place = UnsafePointer(values)
    while let group = steps.lastIndex(of: 0) {
      let batch = sizes[..<group].reduce(1, &*)
      let columns = sizes[(group + 1)...].reduce(1, &*)
      let length = sizes.remove(at: group)
      steps.remove(at: group)
      let last = !steps.contains(0) && zip(steps, View.strides(sizes)).allSatisfy { $0 == $1 }
      let target = last ? y : try Storage(.float32, count: batch &* columns)
      try kernel { () throws(KernelError) in
        if columns == 1 {
          try Rows.reduceRows(reduction, place, rows: batch, columns: length, target.floats)
        } else {
          try Rows.reduceColumns(reduction, place, batch: batch, rows: length, columns: columns, target.floats)
        }
      }
      if last { return }
      source = target
      place = UnsafePointer(target.floats)
    }
    let offset = place - UnsafePointer(source.floats)
    try copy(
      View(storage: source, dtype: .float32, offset: offset, shape: sizes, strides: View.strides(sizes)),
      to: View(storage: y, dtype: .float32, shape: sizes, strides: steps))
  }

  private func reduceInts(_ reduction: Reduction, _ x: View, _ y: View, _ outputs: Int) {
    let (values, out) = (x.storage.ints, y.storage.ints)
    out.update(repeating: reduction == .sum ? 0 : reduction == .maximum ? Int.min : Int.max, count: outputs)
    let loops = Loops(x, y)
    loops.forEach(0..<(loops.sizes.contains(0) ? 0 : loops.rounds(inner: 0)), inner: 0) { at in
      switch reduction {
      case .sum: out[at[1]] &+= values[at[0]]
      case .maximum: out[at[1]] = Swift.max(out[at[1]], values[at[0]])
      case .minimum: out[at[1]] = Swift.min(out[at[1]], values[at[0]])
      }
    }
  }
}
