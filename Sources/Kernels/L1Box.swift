/// The nearest change of an image that lies in the L1 ball and leads into [0, 1] (Croce and Hein 2021).
package enum L1Box {
  /// y = center + the projection of each row of `change`.
  package static func project(
    _ change: UnsafePointer<Float>, center: UnsafePointer<Float>, rows: Int, columns: Int, eps: Float,
    _ y: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let slots = Threads.count
    let buffer = try scratch(Float.self, slots * 2 * columns)
    defer { extendLifetime(buffer) }
    Threads.parallelFor(rows, grain: max(1, Elementwise.grain / 8 / max(columns, 1)), slots: slots) { range, slot in
      for r in range {
        let start = r * columns
        project(
          change + start, center: center + start, eps: eps, y + start, count: columns,
          scratch: buffer.floats + slot * 2 * columns)
      }
    }
  }

  /// One row. Each size |δ| is brought nearer to 0 by the same amount, or by as much as it reaches out of [0, 1] where
  /// that is more; the amount is the root of a falling function made of straight pieces, found by Newton's steps within an
  /// interval.
  ///
  /// - Parameter scratch: room for two rows.
  static func project(
    _ change: UnsafePointer<Float>, center: UnsafePointer<Float>, eps: Float, _ y: UnsafeMutablePointer<Float>,
    count: Int, scratch: UnsafeMutablePointer<Float>
  ) {
    let (sizes, excesses) = (scratch, scratch + count)
    var used = 0
    var total = 0.0
    var greatest: Float = 0
    for i in 0..<count where change[i] != 0 {
      let size = abs(change[i])
      let excess = min(excess(center[i] + change[i]), size)
      sizes[used] = size
      excesses[used] = excess
      used &+= 1
      total += Double(size - excess)
      greatest = max(greatest, size)
    }
    var amount = 0.0
    if total > Double(eps) {
      var (low, high) = (0.0, Double(greatest))
      for _ in 0..<100 {
        var (rest, steepness) = (0.0, 0.0)
        for i in 0..<used where Double(sizes[i]) > amount {
          if Double(excesses[i]) > amount {
            rest += Double(sizes[i] - excesses[i])
          } else {
            rest += Double(sizes[i]) - amount
            steepness += 1
          }
        }
        let error = rest - Double(eps)
        if abs(error) <= 1e-9 * Double(eps) { break }
        if error > 0 { low = amount } else { high = amount }
        let next = amount + error / steepness
        amount = next > low && next < high ? next : low + (high - low) / 2
        if amount <= low || amount >= high { break }
      }
    }
    let taken = Float(amount)
    for i in 0..<count {
      let size = abs(change[i])
      let kept = max(size - max(taken, excess(center[i] + change[i])), 0)
      y[i] = min(max(center[i] + (change[i] < 0 ? -kept : kept), 0), 1)
    }
  }

  /// How far a value reaches out of [0, 1].
  @inline(__always) private static func excess(_ value: Float) -> Float { max(value - 1, -value, 0) }
}
