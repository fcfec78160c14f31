import KernelTypes

/// Convolutions whose channels do not mix (as many groups as input and output channels), which the panels of
/// `DirectConvolution` would take one channel at a time.
///
/// They follow the same plans, the forward pass and each phase of the adjoint. Taps that reach outside the image are left
/// out instead of being copied: pixels in the middle of a row have all taps, those at its ends fewer. Each result is one
/// sum in the order of the taps, whatever rows are worked on beside it.
enum DepthwiseConvolution {
  static func suits(_ s: ConvolutionShape) -> Bool {
    s.groups > 1 && s.groups == s.channels && s.filters == s.channels
  }

  static func forward(
    _ s: ConvolutionShape, x: UnsafePointer<Float>, weight: UnsafePointer<Float>, packed: PackedWeights?,
    epilogue: KernelEpilogue, y: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let weights = try packedWeights(s, weight, packed)
    defer { extendLifetime(weights) }
    run(DirectPlan.forward(s), x, weights.floats, epilogue, y)
  }

  static func inputGradient(
    _ s: ConvolutionShape, dy: UnsafePointer<Float>, weight: UnsafePointer<Float>, packed: PackedWeights?,
    epilogue: KernelEpilogue, dx: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let weights = try packedWeights(s, weight, packed)
    defer { extendLifetime(weights) }
    for plan in DirectPlan.inputGradient(s) { run(plan, dy, weights.floats, epilogue, dx) }
  }

  /// [taps][channels, zeros to a multiple of 16].
  private static func packedWeights(
    _ s: ConvolutionShape, _ weight: UnsafePointer<Float>, _ packed: PackedWeights?
  ) throws(KernelError) -> Buffer {
    func pack() throws(KernelError) -> Buffer {
      let width = padded(s.channels)
      let buffer = try scratch(Float.self, s.taps * width)
      buffer.floats.update(repeating: 0, count: s.taps * width)
      for channel in 0..<s.channels {
        for tap in 0..<s.taps { buffer.floats[tap * width + channel] = weight[channel * s.taps + tap] }
      }
      return buffer
    }
    guard let packed else { return try pack() }
    return try packed.form(PackedWeights.Key(.depthwise, s)) { () throws(KernelError) in try pack() }
  }

  private static func padded(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }

  private static func run(
    _ plan: DirectPlan, _ source: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ epilogue: KernelEpilogue,
    _ target: UnsafeMutablePointer<Float>
  ) {
    let channels = plan.sourceChannels
    let kernels = kernels
    let work = plan.columns * channels * max(1, plan.rowTaps.count * plan.columnTaps.count)
    Threads.parallelFor(plan.batch * plan.rows, grain: max(1, 200_000 / max(work, 1))) { range in
      withTaps(plan) { taps in
        for index in range {
          let (image, i) = (index / plan.rows, index % plan.rows)
          let input = source + image * plan.sourceHeight * plan.sourceWidth * channels
          let output = target + plan.targetOrigin + image * plan.targetImageStep + i * plan.targetRowStep
          forEachPart(plan, i, taps) { columns, first, count in
            let row = DepthwiseRow(
              taps: first, tapCount: count, pixels: columns.count, inputStep: plan.columnStep * channels,
              outputStep: plan.targetColumnStep, channels: channels)
            kernels.depthwise(
              row, input + columns.lowerBound * row.inputStep, weights, epilogue,
              output + columns.lowerBound * row.outputStep)
          }
        }
      }
    }
  }

  static func weightGradient(
    _ s: ConvolutionShape, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let plan = DirectPlan.forward(s)
    let (channels, width) = (s.channels, padded(s.channels))
    let size = s.taps * width
    // Fixed by the problem alone: partial sums over parts of the rows.
    let count = plan.batch * plan.rows
    let parts = max(1, min(count, 16, (8 << 20) / max(size, 1)))
    let buffer = try scratch(Float.self, parts * size)
    defer { extendLifetime(buffer) }
    let sums = buffer.floats
    let kernels = kernels
    Threads.parallelFor(parts, grain: 1) { range in
      withTaps(plan) { taps in
        for part in range {
          let partSums = sums + part * size
          partSums.update(repeating: 0, count: size)
          for index in count * part / parts..<count * (part + 1) / parts where !Threads.isStopped {
            let (image, i) = (index / plan.rows, index % plan.rows)
            let input = x + image * plan.sourceHeight * plan.sourceWidth * channels
            let gradient = dy + index * plan.columns * channels
            forEachPart(plan, i, taps) { columns, first, count in
              let row = DepthwiseRow(
                taps: first, tapCount: count, pixels: columns.count, inputStep: plan.columnStep * channels,
                outputStep: channels, channels: channels)
              kernels.depthwiseWeightGradient(
                row, input + columns.lowerBound * row.inputStep, gradient + columns.lowerBound * channels, partSums)
            }
          }
        }
      }
    }
    for channel in 0..<channels {
      for tap in 0..<s.taps {
        var sum: Float = 0
        for part in 0..<parts { sum += sums[part * size + tap * width + channel] }
        dw[channel * s.taps + tap] = sum
      }
    }
  }

  /// Room for the taps of a pixel.
  private static func withTaps(_ plan: DirectPlan, _ body: (UnsafeMutablePointer<DepthwiseTap>) -> Void) {
    let most = max(1, plan.rowTaps.count * plan.columnTaps.count)
    withUnsafeTemporaryAllocation(of: DepthwiseTap.self, capacity: most) { buffer in
      if let base = buffer.baseAddress { body(base) }
    }
  }

  /// Calls `body` for the parts of output row `i` whose pixels have the same taps inside the image.
  private static func forEachPart(
    _ plan: DirectPlan, _ i: Int, _ taps: UnsafeMutablePointer<DepthwiseTap>,
    _ body: (Range<Int>, UnsafePointer<DepthwiseTap>, Int) -> Void
  ) {
    let (channels, step) = (plan.sourceChannels, plan.columnStep)
    let width = padded(channels)
    let left = plan.columnTaps.first?.offset ?? 0
    let right = plan.columnTaps.last?.offset ?? 0
    // Pixels before `inner` miss taps on the left, those after it on the right.
    let start = min(plan.columns, left < 0 ? (-left + step - 1) / step : 0)
    let end = max(start, min(plan.columns, (plan.sourceWidth - right + step - 1) / step))
    var j = 0
    while j < plan.columns {
      let columns = j == start && end > start ? start..<end : j..<j + 1
      var count = 0
      for row in plan.rowTaps {
        let h = i * plan.rowStep + row.offset
        guard h >= 0, h < plan.sourceHeight else { continue }
        for column in plan.columnTaps {
          let w = columns.lowerBound * step + column.offset
          guard w >= 0, w < plan.sourceWidth else { continue }
          taps[count] = DepthwiseTap(
            input: (h * plan.sourceWidth + column.offset) * channels,
            weight: (row.kernel * plan.kernelWidth + column.kernel) * width)
          count += 1
        }
      }
      body(columns, taps, count)
      j = columns.upperBound
    }
  }
}
