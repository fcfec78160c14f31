import KernelTypes

/// Convolution as an implicit matrix product, for any shape: six output pixels by sixteen outputs at a time in registers,
/// reading the input in place or from a padded copy of the few rows at hand.
///
/// The matrix of windows is never formed: for each pixel the kernel gets the offset of its first value, and for all of them
/// the offsets of the runs of neighbouring values that a window is made of (`DirectPlan`). The weights are packed into
/// blocks of sixteen outputs in the order in which the kernel reads them. Each output is one sum in the order of the inputs,
/// whatever panel or band its pixel is in, so that an example has the same bits in every batch.
enum DirectConvolution {
  static func forward(
    _ s: ConvolutionShape, x: UnsafePointer<Float>, weight: UnsafePointer<Float>, packed: PackedWeights?,
    epilogue: KernelEpilogue, y: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let plan = DirectPlan.forward(s)
    try run([plan], plan, x, weight, packed.map { ($0, [PackedWeights.Key(.direct, s)]) }, epilogue, y)
  }

  static func inputGradient(
    _ s: ConvolutionShape, dy: UnsafePointer<Float>, weight: UnsafePointer<Float>, packed: PackedWeights?,
    epilogue: KernelEpilogue, dx: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let phases = DirectPlan.inputGradient(s)
    let keys = phases.indices.map { PackedWeights.Key(.directGradient(phase: $0), s) }
    if phases.count > 1, let frame = DirectPlan.frame(of: phases) {
      // Together, so that what they read is copied between zeros once.
      return try run(phases, frame, dy, weight, packed.map { ($0, keys) }, epilogue, dx)
    }
    for (plan, key) in zip(phases, keys) {
      try run([plan], plan, dy, weight, packed.map { ($0, [key]) }, epilogue, dx)
    }
  }

  /// The product of dense matrices, the first not transposed.
  static func multiply(
    _ s: MatrixShape, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let plan = DirectPlan.product(s)
    try run([plan], plan, a, b, nil, KernelEpilogue(), c)
  }

  /// What one of several phases of an adjoint has of its own, in numbers: bands are small, and are gone through often.
  private struct Phase: BitwiseCopyable {
    var weights: UnsafeMutablePointer<Float>
    var depth: Int
    var runCount: Int
    var runLength: Int
    /// The weights of a group where there are few outputs; else 0.
    var fewCount: Int
    var targetOrigin: Int
    /// From the first source value of the frame to that of the phase.
    var shift: Int
  }

  /// Runs plans that differ in their taps and in where their pixels go; all read within the `frame`.
  private static func run(
    _ plans: [DirectPlan], _ plan: DirectPlan, _ source: UnsafePointer<Float>, _ weight: UnsafePointer<Float>,
    _ packed: (forms: PackedWeights, keys: [PackedWeights.Key])?, _ epilogue: KernelEpilogue,
    _ target: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    guard plan.batch > 0, plan.rows > 0, plan.columns > 0, plan.groupOutputs > 0 else { return }
    let outputs = (plan.groupOutputs + 15) / 16 * 16
    let bands = plan.bands()
    let pitch = plan.pitch(bands)
    var phases: [Phase] = []
    var runs: [Int] = []
    var forms: [Buffer] = []
    for (i, own) in plans.enumerated() {
      let weights: Buffer
      if let packed {
        weights = try packed.forms.form(packed.keys[i]) { () throws(KernelError) in try pack(own, weight) }
      } else {
        weights = try pack(own, weight)
      }
      forms.append(weights)
      let rowShift = (own.rowTaps.first?.offset ?? 0) - bands.top
      let columnShift = (own.columnTaps.first?.offset ?? 0) - bands.left
      // Without taps or inputs every sum is zero, over no runs.
      let ownRuns = own.runs(pitch: pitch)
      phases.append(
        Phase(
          weights: weights.floats, depth: own.depth, runCount: ownRuns.count, runLength: own.runLength,
          fewCount: own.hasFewOutputs ? own.fewCount : 0, targetOrigin: own.targetOrigin,
          shift: rowShift * pitch + columnShift * plan.sourceChannels))
      runs += ownRuns + [0]
    }
    let slots = Threads.count
    let padded = bands.padded ? bands.images * plan.imagePitch(bands) : 0
    let pixels = bands.images * bands.rows * plan.columns
    let scratchBuffer = try scratch(Float.self, slots * padded + plan.groups * outputs)
    let offsetBuffer = try scratch(Int.self, 2 * pixels + runs.count)
    defer { extendLifetime((forms, scratchBuffer, offsetBuffer)) }

    let biases = scratchBuffer.floats + slots * padded
    if let bias = epilogue.bias {
      for group in 0..<plan.groups {
        for k in 0..<outputs {
          biases[group * outputs + k] = k < plan.groupOutputs ? bias[group * plan.groupOutputs + k] : 0
        }
      }
    }
    let inputOffsets = offsetBuffer.bytes.assumingMemoryBound(to: Int.self)
    let outputOffsets = inputOffsets + pixels
    let imagePitch = plan.imagePitch(bands)
    let (rowPitch, columnPitch) = (plan.rowStep * pitch, plan.columnStep * plan.sourceChannels)
    var pixel = 0
    for image in 0..<bands.images {
      for i in 0..<bands.rows {
        let input = image * imagePitch + i * rowPitch
        let output = image * plan.targetImageStep + i * plan.targetRowStep
        var j = 0
        while j < plan.columns {
          inputOffsets[pixel] = input + j * columnPitch
          outputOffsets[pixel] = output + j * plan.targetColumnStep
          pixel += 1
          j += 1
        }
      }
    }
    let runStarts = outputOffsets + pixels
    for (i, run) in runs.enumerated() { runStarts[i] = run }

    let kernels = kernels
    let count = (plan.batch + bands.images - 1) / bands.images * bands.perImage
    let work = pixels * phases.reduce(0) { $0 + $1.depth } * plan.groupOutputs * plan.groups
    // Where there are few bands, slabs of the outputs are worked on apart; each in pairs of blocks.
    let blocks = outputs / 16
    let canSplit = phases.count == 1 && plan.groups == 1 && phases[0].fewCount == 0 && !bands.padded
    let slab = canSplit ? max(2, (blocks * count / 8 + 1) / 2 * 2) : blocks
    let slabs = max(1, (blocks + slab - 1) / slab)
    let copies = scratchBuffer.floats
    phases.withUnsafeBufferPointer { phases in
      Threads.parallelFor(count * slabs, grain: max(1, 300_000 / max(work / slabs, 1)), slots: slots) { range, slot in
        for index in range {
          let band = index / slabs
          let firstOutput = index % slabs * slab * 16
          let firstImage = band / bands.perImage * bands.images
          let images = firstImage..<min(firstImage + bands.images, plan.batch)
          let firstRow = band % bands.perImage * bands.rows
          let rows = firstRow..<min(firstRow + bands.rows, plan.rows)
          var input = source
          if bands.padded {
            let copy = copies + slot * padded
            plan.copyPadded(bands, images: images, rows: rows, source, copy)
            input = UnsafePointer(copy)
          } else {
            input +=
              (images.lowerBound * plan.sourceHeight + rows.lowerBound * plan.rowStep + bands.top) * pitch
              + bands.left * plan.sourceChannels
          }
          let output = target + images.lowerBound * plan.targetImageStep + rows.lowerBound * plan.targetRowStep
          var firstRun = UnsafePointer(runStarts)
          for phase in phases {
            let block = DirectBlock(
              pixels: images.count * rows.count * plan.columns, inputOffsets: inputOffsets,
              outputOffsets: outputOffsets, runs: firstRun, runCount: phase.runCount, runLength: phase.runLength,
              outputs: min(plan.groupOutputs - firstOutput, slab * 16))
            firstRun += phase.runCount + 1
            for group in 0..<plan.groups {
              let groupInput = input + phase.shift + group * plan.groupInputs
              var groupEpilogue = epilogue
              if epilogue.bias != nil { groupEpilogue.bias = UnsafePointer(biases + group * outputs + firstOutput) }
              let groupOutput = output + phase.targetOrigin + group * plan.groupOutputs + firstOutput
              if phase.fewCount > 0 {
                kernels.convolveFew(
                  block, groupInput, phase.weights + group * phase.fewCount, groupEpilogue, groupOutput)
              } else {
                kernels.convolve(
                  block, groupInput, phase.weights + (group * outputs + firstOutput) * phase.depth, groupEpilogue,
                  groupOutput)
              }
            }
          }
        }
      }
    }
  }

  /// [groups][outputs][runs][run, zeros to a multiple of 8].
  private static func packFew(_ plan: DirectPlan, _ weight: UnsafePointer<Float>) throws(KernelError) -> Buffer {
    let buffer = try scratch(Float.self, plan.groups * plan.fewCount)
    let length = plan.runLength
    let padded = (length + 7) / 8 * 8
    let reduction = plan.reduction
    var place = 0
    for group in 0..<plan.groups {
      for output in 0..<plan.groupOutputs {
        let source = weight + group * plan.weightGroupStep + output * plan.weightOutputStep
        for run in 0..<reduction.count / length {
          for i in 0..<padded { buffer.floats[place + i] = i < length ? source[reduction[run * length + i]] : 0 }
          place += padded
        }
      }
    }
    return buffer
  }

  /// [groups][⌈outputs/16⌉][depth][16].
  private static func pack(_ plan: DirectPlan, _ weight: UnsafePointer<Float>) throws(KernelError) -> Buffer {
    if plan.hasFewOutputs { return try packFew(plan, weight) }
    let blocks = (plan.groupOutputs + 15) / 16
    let depth = plan.depth
    let buffer = try scratch(Float.self, plan.groups * blocks * 16 * depth)
    let kernels = kernels
    plan.reduction.withUnsafeBufferPointer { reduction in
      guard let places = reduction.baseAddress else { return }
      Threads.parallelFor(plan.groups * blocks, grain: max(1, 4096 / max(16 * depth, 1))) { range in
        for index in range {
          let group = index / blocks
          kernels.pack(
            weight + group * plan.weightGroupStep, outputs: plan.groupOutputs, outputStep: plan.weightOutputStep,
            reduction: places, count: depth, blocks: index % blocks..<index % blocks + 1,
            buffer.floats + group * blocks * 16 * depth)
        }
      }
    }
    return buffer
  }

  static func weightGradient(
    _ s: ConvolutionShape, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let plan = DirectPlan.forward(s)
    guard s.weightCount > 0 else { return }
    guard plan.batch > 0, plan.rows > 0, plan.columns > 0 else {
      dw.update(repeating: 0, count: s.weightCount)
      return
    }
    let kernels = kernels
    let depth = plan.depth
    let blocks = (plan.groupOutputs + 15) / 16
    let outputs = blocks * 16
    let copiesGradient = plan.groupOutputs % 16 != 0
    // Fixed by the problem alone: partial sums over parts of the pixels, and slabs of outputs.
    let partSize = plan.groups * depth * outputs
    let slab = min(blocks, 8)
    let slabs = (blocks + slab - 1) / slab
    let most = max(1, min(max(16 / slabs, 2), (8 << 20) / partSize))
    // Pixels of many channels are read in the order of the sums, from copies.
    let hasCopies = plan.columnStep * plan.sourceChannels >= 64 && slab >= 4
    let bands = hasCopies ? plan.copiedBands(atLeast: most) : plan.bands()
    let count = (plan.batch + bands.images - 1) / bands.images * bands.perImage
    let parts = min(count, most)

    let slots = Threads.count
    let padded = bands.padded ? bands.images * plan.imagePitch(bands) : 0
    let pixels = bands.images * bands.rows * plan.columns
    let copied = copiesGradient ? pixels * outputs : 0
    let copies = hasCopies ? DirectGradientBlock.copiesCount(slab) : 0
    let own = padded + copied + copies
    let scratchBuffer = try scratch(Float.self, slots * own + parts * partSize)
    let offsetBuffer = try scratch(Int.self, 2 * bands.images * bands.rows)
    defer { extendLifetime((scratchBuffer, offsetBuffer)) }
    let sums = scratchBuffer.floats + slots * own
    let gradientStep = copiesGradient ? outputs : s.filters
    let inputOffsets = offsetBuffer.bytes.assumingMemoryBound(to: Int.self)
    let gradientOffsets = inputOffsets + bands.images * bands.rows
    for image in 0..<bands.images {
      for i in 0..<bands.rows {
        inputOffsets[image * bands.rows + i] =
          image * plan.imagePitch(bands) + i * plan.rowStep * plan.pitch(bands)
        gradientOffsets[image * bands.rows + i] = (image * plan.rows + i) * plan.columns * gradientStep
      }
    }

    plan.runs(pitch: plan.pitch(bands)).withUnsafeBufferPointer { runs in
      guard let firstRun = runs.baseAddress else { return }
      Threads.parallelFor(parts * slabs, grain: 1, slots: slots) { range, slot in
        let copy = scratchBuffer.floats + slot * own
        for index in range {
          let part = index / slabs
          let columnBlocks = index % slabs * slab..<min(index % slabs * slab + slab, blocks)
          let partSums = sums + part * partSize
          let firstBand = count * part / parts
          for band in firstBand..<count * (part + 1) / parts where !Threads.isStopped {
            let firstImage = band / bands.perImage * bands.images
            let images = firstImage..<min(firstImage + bands.images, plan.batch)
            let firstRow = band % bands.perImage * bands.rows
            let rows = firstRow..<min(firstRow + bands.rows, plan.rows)
            var input = x
            if bands.padded {
              plan.copyPadded(bands, images: images, rows: rows, x, copy)
              input = UnsafePointer(copy)
            } else {
              input +=
                (images.lowerBound * plan.sourceHeight + rows.lowerBound * plan.rowStep + bands.top) * plan.pitch(bands)
                + bands.left * plan.sourceChannels
            }
            let first = (images.lowerBound * plan.rows + rows.lowerBound) * plan.columns
            let block = DirectGradientBlock(
              segments: images.count * rows.count, columns: plan.columns, inputOffsets: inputOffsets,
              gradientOffsets: gradientOffsets, inputStep: plan.columnStep * plan.sourceChannels,
              gradientStep: gradientStep, runs: firstRun, runCount: runs.count, runLength: plan.runLength,
              rowStep: outputs, starts: band == firstBand)
            for group in 0..<plan.groups {
              var gradient = dy + first * s.filters + group * plan.groupOutputs
              if copiesGradient {
                copyRows(
                  gradient, images.count * rows.count * plan.columns, plan.groupOutputs, s.filters, copy + padded,
                  outputs)
                gradient = UnsafePointer(copy + padded)
              }
              kernels.accumulateWeightGradient(
                block, input + group * plan.groupInputs, gradient, partSums + group * depth * outputs,
                columnBlocks: columnBlocks,
                copies: copies > 0 && columnBlocks.count >= 4 ? copy + padded + copied : nil)
            }
          }
        }
      }
    }
    plan.reduction.withUnsafeBufferPointer { reduction in
      guard let places = reduction.baseAddress else { return }
      Threads.parallelFor(plan.groups * blocks, grain: max(1, 4096 / max(16 * depth, 1))) { range in
        for index in range {
          let group = index / blocks
          kernels.unpack(
            sums + group * depth * outputs, parts: parts, partStep: partSize, rowStep: outputs,
            outputs: plan.groupOutputs, outputStep: plan.weightOutputStep, reduction: places, count: depth,
            blocks: index % blocks..<index % blocks + 1, dw + group * plan.weightGroupStep)
        }
      }
    }
  }

  /// Rows of `count` values, `step` apart, to rows of `width`, zero beyond.
  private static func copyRows(
    _ source: UnsafePointer<Float>, _ rows: Int, _ count: Int, _ step: Int, _ target: UnsafeMutablePointer<Float>,
    _ width: Int
  ) {
    for row in 0..<rows {
      (target + row * width).update(from: source + row * step, count: count)
      (target + row * width + count).update(repeating: 0, count: width - count)
    }
  }
}
