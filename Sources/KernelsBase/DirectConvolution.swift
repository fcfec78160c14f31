import CCPU
import KernelTypes

extension CPUKernels {
  package static func convolve(
    _ block: DirectBlock, _ x: Floats, _ weights: Floats, _ epilogue: KernelEpilogue, _ y: MutableFloats
  ) {
    let depth = block.runCount * block.runLength
    let (pixels, outputs) = (block.pixels, block.outputs)
    let (inputs, targets) = (block.inputOffsets, block.outputOffsets)
    withUnsafeTemporaryAllocation(byteCount: 6 * 16 * 4 + 24 * 8, alignment: 16) { memory in
      guard let base = memory.baseAddress else { return }
      let rest = base.assumingMemoryBound(to: Float.self)
      let places = (base + 6 * 16 * 4).assumingMemoryBound(to: Int.self)
      var first = 0
      while first < pixels {
        // The panels of 48 pixels, whose inputs stay in the cache, for every sixteen outputs.
        let end = min(first + 48, pixels)
        var k = 0
        while k < outputs {
          let w = weights + k * depth
          var e = epilogue
          if let bias = epilogue.bias { e.bias = bias + k }
          let t = y + k
          let pair = hasPairs && k + 32 <= outputs
          let count = pair ? 32 : min(16, outputs - k)
          var p = first
          while p < end {
            if hasPairs, count == 16 {
              let panelEnd = min(p + 12, end)
              if let distance = e.addendDistance { prefetch(t + distance, targets, p, panelEnd, count) }
              if let distance = e.maskDistance { prefetch(t + distance, targets, p, panelEnd, count) }
              var (from, to) = (inputs + p, targets + p)
              if p + 12 > end {
                // A last short panel repeats its last pixel.
                for i in 0..<12 {
                  places[i] = inputs[min(p + i, end - 1)]
                  places[12 + i] = targets[min(p + i, end - 1)]
                }
                (from, to) = (UnsafePointer(places), UnsafePointer(places + 12))
              }
              tallPanel(block.runs, block.runCount, block.runLength, x, from, w, e, t, to)
              p += 12
              continue
            }
            // A last short panel repeats its last pixel.
            let i1 = min(p + 1, end - 1)
            let i2 = min(p + 2, end - 1)
            let i3 = min(p + 3, end - 1)
            let i4 = min(p + 4, end - 1)
            let i5 = min(p + 5, end - 1)
            let (x0, x1, x2) = (x + inputs[p], x + inputs[i1], x + inputs[i2])
            let (x3, x4, x5) = (x + inputs[i3], x + inputs[i4], x + inputs[i5])
            let panelEnd = min(p + 6, end)
            if let distance = e.addendDistance { prefetch(t + distance, targets, p, panelEnd, count) }
            if let distance = e.maskDistance { prefetch(t + distance, targets, p, panelEnd, count) }
            if pair {
              panelPair(
                block.runs, block.runCount, block.runLength, x0, x1, x2, x3, x4, x5, w, w + 16 * depth, e,
                t + targets[p], t + targets[i1], t + targets[i2], t + targets[i3], t + targets[i4], t + targets[i5])
            } else if count == 16 {
              panel(
                block.runs, block.runCount, block.runLength, x0, x1, x2, x3, x4, x5, w, e, t + targets[p],
                t + targets[i1], t + targets[i2], t + targets[i3], t + targets[i4], t + targets[i5])
            } else {
              panel(
                block.runs, block.runCount, block.runLength, x0, x1, x2, x3, x4, x5, w, KernelEpilogue(bias: e.bias),
                rest, rest + 16, rest + 32, rest + 48, rest + 64, rest + 80)
              for i in 0..<min(6, end - p) {
                let out = t + targets[p + i]
                finish(load(rest + i * 16), e, out, first: min(count, 8))
                if count > 8 { finish(load(rest + i * 16 + 8), e, out + 8, first: count - 8) }
              }
            }
            p += 6
          }
          k += count
        }
        first = end
      }
    }
  }

  /// What the epilogue of a panel will read.
  @inline(__always)
  private static func prefetch(
    _ base: MutableFloats, _ targets: UnsafePointer<Int>, _ first: Int, _ end: Int, _ count: Int
  ) {
    var p = first
    while p < end {
      ltd_cpu_prefetch(base + targets[p])
      if count > 16 { ltd_cpu_prefetch(base + targets[p] + 16) }
      p += 1
    }
  }

  package static func convolveFew(
    _ block: DirectBlock, _ x: Floats, _ weights: Floats, _ epilogue: KernelEpilogue, _ y: MutableFloats
  ) {
    let bias = epilogue.bias
    let step = block.runCount * ((block.runLength + 7) / 8 * 8)
    let (pixels, outputs) = (block.pixels, block.outputs)
    let (inputs, targets) = (block.inputOffsets, block.outputOffsets)
    let last = pixels - 1
    var k = 0
    while k + 3 <= outputs {
      var p = 0
      while p < pixels {
        let (p1, p2, p3) = (min(p + 1, last), min(p + 2, last), min(p + 3, last))
        let sums = dots3(
          block.runs, block.runCount, block.runLength, x + inputs[p], x + inputs[p1], x + inputs[p2], x + inputs[p3],
          weights + k * step, step)
        for i in 0..<min(4, pixels - p) {
          let target = y + targets[p + i] + k
          target[0] = sums.0[i] + (bias?[k] ?? 0)
          target[1] = sums.1[i] + (bias?[k + 1] ?? 0)
          target[2] = sums.2[i] + (bias?[k + 2] ?? 0)
        }
        p += 4
      }
      k += 3
    }
    while k < outputs {
      var p = 0
      while p < pixels {
        let (p1, p2, p3, p4) = (min(p + 1, last), min(p + 2, last), min(p + 3, last), min(p + 4, last))
        let (p5, p6, p7) = (min(p + 5, last), min(p + 6, last), min(p + 7, last))
        let sums = dots(
          block.runs, block.runCount, block.runLength, x + inputs[p], x + inputs[p1], x + inputs[p2], x + inputs[p3],
          x + inputs[p4], x + inputs[p5], x + inputs[p6], x + inputs[p7], weights + k * step)
        for i in 0..<min(8, pixels - p) { y[targets[p + i] + k] = sums[i] + (bias?[k] ?? 0) }
        p += 8
      }
      k += 1
    }
    guard epilogue.changes else { return }
    for p in 0..<pixels {
      let out = y + targets[p]
      finish(load(out, first: outputs), epilogue, out, first: outputs)
    }
  }

  package static func accumulateWeightGradient(
    _ block: DirectGradientBlock, _ x: Floats, _ dy: Floats, _ sums: MutableFloats, columnBlocks: Range<Int>
  ) {
    let rows = block.runCount * block.runLength
    let pixels = block.segments * block.columns
    withUnsafeTemporaryAllocation(byteCount: (6 * 32 + (block.copies ? 6 * pixels : 0)) * 4, alignment: 32) { memory in
      guard let base = memory.baseAddress else { return }
      let rest = base.assumingMemoryBound(to: Float.self)
      if block.copies {
        var zero = 0
        withUnsafePointer(to: &zero) { start in
          let copied = DirectGradientBlock(
            segments: 1, columns: pixels, inputOffsets: start, gradientOffsets: start, inputStep: 6,
            gradientStep: block.gradientStep, runs: start, runCount: 1, runLength: 6, rowStep: block.rowStep,
            starts: block.starts)
          var m = 0
          while m < rows {
            copySix(block, x, m, rest + 192)
            accumulateColumns(copied, rest + 192, 0, 6, dy, sums, m..<rows, columnBlocks, rest)
            m += 6
          }
        }
      } else {
        for column in stride(from: columnBlocks.lowerBound, to: columnBlocks.upperBound, by: hasPairs ? 2 : 1) {
          let columns = column..<min(column + (hasPairs ? 2 : 1), columnBlocks.upperBound)
          var m = 0
          while m < rows {
            accumulateColumns(block, x, m, rows, dy, sums, m..<rows, columns, rest)
            m += 6
          }
        }
      }
    }
  }

  /// Where value `m` of a pixel lies; the last one for positions beyond.
  @inline(__always)
  private static func place(_ block: DirectGradientBlock, _ m: Int, _ rows: Int) -> Int {
    let m = min(m, rows - 1)
    return block.runs[m / block.runLength] + m % block.runLength
  }

  /// Values m…m + 5 of every pixel, side by side.
  @inline(__always)
  private static func copySix(_ block: DirectGradientBlock, _ x: Floats, _ m: Int, _ copy: MutableFloats) {
    let rows = block.runCount * block.runLength
    let x0 = x + place(block, m, rows)
    let x1 = x + place(block, m + 1, rows)
    let x2 = x + place(block, m + 2, rows)
    let x3 = x + place(block, m + 3, rows)
    let x4 = x + place(block, m + 4, rows)
    let x5 = x + place(block, m + 5, rows)
    var target = copy
    for segment in 0..<block.segments {
      var k = block.inputOffsets[segment]
      for _ in 0..<block.columns {
        target[0] = x0[k]
        target[1] = x1[k]
        target[2] = x2[k]
        target[3] = x3[k]
        target[4] = x4[k]
        target[5] = x5[k]
        target += 6
        k += block.inputStep
      }
    }
  }

  /// Adds to the first six of some rows of the sums, in some blocks of sixteen columns. The inputs are values `first`… of
  /// the pixels, which have `values`.
  @inline(__always)
  private static func accumulateColumns(
    _ block: DirectGradientBlock, _ x: Floats, _ first: Int, _ values: Int, _ dy: Floats, _ sums: MutableFloats,
    _ rows: Range<Int>, _ columns: Range<Int>, _ rest: MutableFloats
  ) {
    let step = block.rowStep
    let x0 = x + place(block, first, values)
    let x1 = x + place(block, first + 1, values)
    let x2 = x + place(block, first + 2, values)
    let x3 = x + place(block, first + 3, values)
    let x4 = x + place(block, first + 4, values)
    let x5 = x + place(block, first + 5, values)
    var column = columns.lowerBound
    while column < columns.upperBound {
      let pair = hasPairs && column + 2 <= columns.upperBound
      let width = pair ? 32 : 16
      let target = sums + rows.lowerBound * step + column * 16
      // Rows beyond the last are computed aside.
      let aside = rows.count < 6
      if aside && !block.starts { copyRows(target, step, rest, width, rows.count, width) }
      let (d, dStep) = aside ? (rest, width) : (target, step)
      if pair {
        gradientPanelPair(block, x0, x1, x2, x3, x4, x5, dy + column * 16, d, dStep)
      } else {
        gradientPanel(block, x0, x1, x2, x3, x4, x5, dy + column * 16, d, dStep)
      }
      if aside { copyRows(rest, width, target, step, rows.count, width) }
      column += pair ? 2 : 1
    }
  }

  @inline(__always)
  private static func copyRows(
    _ source: Floats, _ sourceStep: Int, _ target: MutableFloats, _ targetStep: Int, _ rows: Int, _ width: Int
  ) {
    for i in 0..<rows {
      for c in stride(from: 0, to: width, by: 8) {
        store(target + i * targetStep + c, load(source + i * sourceStep + c))
      }
    }
  }

  package static func pack(
    _ weights: Floats, outputs: Int, outputStep: Int, reduction: UnsafePointer<Int>, count: Int, blocks: Range<Int>,
    _ packed: MutableFloats
  ) {
    for block in blocks {
      let source = weights + block * 16 * outputStep
      let target = packed + block * 16 * count
      let lanes = min(16, outputs - block * 16)
      var i = 0
      while i < count {
        let column = source + reduction[i]
        let row = target + i * 16
        i += 1
        if outputStep == 1 {
          vstore(row, vload(column, first: lanes))
          continue
        }
        var j = 0
        while j < lanes {
          row[j] = column[j * outputStep]
          j += 1
        }
        while j < 16 {
          row[j] = 0
          j += 1
        }
      }
    }
  }

  package static func unpack(
    _ sums: Floats, parts: Int, partStep: Int, rowStep: Int, outputs: Int, outputStep: Int,
    reduction: UnsafePointer<Int>, count: Int, blocks: Range<Int>, _ weights: MutableFloats
  ) {
    for block in blocks {
      let lanes = min(16, outputs - block * 16)
      let target = weights + block * 16 * outputStep
      var i = 0
      while i < count {
        var source = sums + i * rowStep + block * 16
        var low = V8.zero
        var high = V8.zero
        for _ in 0..<parts {
          low += load(source)
          high += load(source + 8)
          source += partStep
        }
        let column = target + reduction[i]
        var j = 0
        while j < lanes {
          column[j * outputStep] = j < 8 ? low[j] : high[j - 8]
          j += 1
        }
        i += 1
      }
    }
  }
}
