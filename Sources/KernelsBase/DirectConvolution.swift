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
    _ block: DirectGradientBlock, _ x: Floats, _ dy: Floats, _ sums: MutableFloats, columnBlocks: Range<Int>,
    copies: MutableFloats?
  ) {
    let rows = block.runCount * block.runLength
    withUnsafeTemporaryAllocation(byteCount: 6 * 32 * 4, alignment: 32) { memory in
      guard let base = memory.baseAddress else { return }
      let rest = base.assumingMemoryBound(to: Float.self)
      if let copies { return accumulateCopies(block, x, dy, sums, columnBlocks, copies, rest) }
      eachPair(columnBlocks) { column, isPair in
        var m = 0
        while m < rows {
          accumulateColumns(block, x, m, rows, dy + column * 16, sums, m..<rows, column, isPair, rest)
          m += 6
        }
      }
    }
  }

  /// Calls `body` with each block of sixteen columns, or where they are worked on in pairs, with each first of a pair.
  @inline(__always)
  private static func eachPair(_ columnBlocks: Range<Int>, _ body: (_ column: Int, _ isPair: Bool) -> Void) {
    var column = columnBlocks.lowerBound
    while column < columnBlocks.upperBound {
      let isPair = hasPairs && column + 2 <= columnBlocks.upperBound
      body(column, isPair)
      column += isPair ? 2 : 1
    }
  }

  /// The same from copies of what a few pixels have, laid in the order in which the panels read it: pixels of many channels
  /// lie powers of two apart, where few of them fit the first-level cache at once.
  @inline(__always)
  private static func accumulateCopies(
    _ block: DirectGradientBlock, _ x: Floats, _ dy: Floats, _ sums: MutableFloats, _ columnBlocks: Range<Int>,
    _ copies: MutableFloats, _ rest: MutableFloats
  ) {
    let rows = block.runCount * block.runLength
    let pixels = block.segments * block.columns
    let inputs = copies + DirectGradientBlock.copiedPixels * columnBlocks.count * 16
    var zero = 0
    withUnsafePointer(to: &zero) { start in
      var first = 0
      while first < pixels {
        let count = min(DirectGradientBlock.copiedPixels, pixels - first)
        eachPair(columnBlocks) { column, isPair in
          var target = copies + (column - columnBlocks.lowerBound) * 16 * count
          eachPixel(block, first, count) { _, k in
            let source = dy + k + column * 16
            vstore(target, vload(source))
            if isPair { vstore(target + 16, vload(source + 16)) }
            target += isPair ? 32 : 16
          }
        }
        var top = 0
        while top < rows {
          let end = min(top + DirectGradientBlock.copiedValues, rows)
          var m = top
          while m < end {
            copySix(block, x, m, first, count, inputs + (m - top) * count)
            m += 6
          }
          eachPair(columnBlocks) { column, isPair in
            let copied = DirectGradientBlock(
              segments: 1, columns: count, inputOffsets: start, gradientOffsets: start, inputStep: 6,
              gradientStep: isPair ? 32 : 16, runs: start, runCount: 1, runLength: 6, rowStep: block.rowStep,
              starts: block.starts && first == 0)
            let gradients = copies + (column - columnBlocks.lowerBound) * 16 * count
            var m = top
            while m < end {
              accumulateColumns(
                copied, inputs + (m - top) * count, 0, 6, gradients, sums, m..<rows, column, isPair, rest)
              m += 6
            }
          }
          top = end
        }
        first += count
      }
    }
  }

  /// Calls `body` with where the inputs and the gradients of each of some pixels lie.
  @inline(__always)
  private static func eachPixel(_ block: DirectGradientBlock, _ first: Int, _ count: Int, _ body: (Int, Int) -> Void) {
    var (segment, column) = (first / block.columns, first % block.columns)
    var left = count
    while left > 0 {
      let length = min(left, block.columns - column)
      var k = block.inputOffsets[segment] + column * block.inputStep
      var g = block.gradientOffsets[segment] + column * block.gradientStep
      for _ in 0..<length {
        body(k, g)
        k += block.inputStep
        g += block.gradientStep
      }
      left -= length
      (segment, column) = (segment + 1, 0)
    }
  }

  /// Where value `m` of a pixel lies; the last one for positions beyond.
  @inline(__always)
  private static func place(_ block: DirectGradientBlock, _ m: Int, _ rows: Int) -> Int {
    let m = min(m, rows - 1)
    return block.runs[m / block.runLength] + m % block.runLength
  }

  /// Values m…m + 5 of some pixels, side by side. Two more may be written behind them.
  @inline(__always)
  private static func copySix(
    _ block: DirectGradientBlock, _ x: Floats, _ m: Int, _ first: Int, _ count: Int, _ copy: MutableFloats
  ) {
    let rows = block.runCount * block.runLength
    let x0 = x + place(block, m, rows)
    var target = copy
    if m % block.runLength + 8 <= block.runLength {
      // Side by side already, with two more.
      eachPixel(block, first, count) { k, _ in
        store(target, load(x0 + k))
        target += 6
      }
      return
    }
    let x1 = x + place(block, m + 1, rows)
    let x2 = x + place(block, m + 2, rows)
    let x3 = x + place(block, m + 3, rows)
    let x4 = x + place(block, m + 4, rows)
    let x5 = x + place(block, m + 5, rows)
    eachPixel(block, first, count) { k, _ in
      target[0] = x0[k]
      target[1] = x1[k]
      target[2] = x2[k]
      target[3] = x3[k]
      target[4] = x4[k]
      target[5] = x5[k]
      target += 6
    }
  }

  /// Adds to the first six of some rows of the sums, in a block of sixteen columns or a pair of them, whose gradients begin
  /// at `dy`. The inputs are values `first`… of the pixels, which have `values`.
  @inline(__always)
  private static func accumulateColumns(
    _ block: DirectGradientBlock, _ x: Floats, _ first: Int, _ values: Int, _ dy: Floats, _ sums: MutableFloats,
    _ rows: Range<Int>, _ column: Int, _ isPair: Bool, _ rest: MutableFloats
  ) {
    let step = block.rowStep
    let x0 = x + place(block, first, values)
    let x1 = x + place(block, first + 1, values)
    let x2 = x + place(block, first + 2, values)
    let x3 = x + place(block, first + 3, values)
    let x4 = x + place(block, first + 4, values)
    let x5 = x + place(block, first + 5, values)
    let width = isPair ? 32 : 16
    let target = sums + rows.lowerBound * step + column * 16
    // Rows beyond the last are computed aside.
    let aside = rows.count < 6
    if aside && !block.starts { copyRows(target, step, rest, width, rows.count, width) }
    let (d, dStep) = aside ? (rest, width) : (target, step)
    if isPair {
      gradientPanelPair(block, x0, x1, x2, x3, x4, x5, dy, d, dStep)
    } else {
      gradientPanel(block, x0, x1, x2, x3, x4, x5, dy, d, dStep)
    }
    if aside { copyRows(rest, width, target, step, rows.count, width) }
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
      if outputStep == 1 {
        for i in 0..<count { vstore(target + i * 16, vload(source + reduction[i], first: lanes)) }
        continue
      }
      // Sixteen values of an output after another: they lie in one line of the cache, those of the next often a power of
      // two away.
      var first = 0
      while first < count {
        let end = min(first + 16, count)
        for j in 0..<16 {
          let column = source + j * outputStep
          var i = first
          while i < end {
            target[i * 16 + j] = j < lanes ? column[reduction[i]] : 0
            i += 1
          }
        }
        first = end
      }
    }
  }

  package static func unpack(
    _ sums: Floats, parts: Int, partStep: Int, rowStep: Int, outputs: Int, outputStep: Int,
    reduction: UnsafePointer<Int>, count: Int, blocks: Range<Int>, _ weights: MutableFloats
  ) {
    withUnsafeTemporaryAllocation(byteCount: 16 * 16 * 4, alignment: 64) { memory in
      guard let base = memory.baseAddress else { return }
      let tile = base.assumingMemoryBound(to: Float.self)
      for block in blocks {
        let lanes = min(16, outputs - block * 16)
        let target = weights + block * 16 * outputStep
        // Sixteen rows at a time, as in `pack`.
        var first = 0
        while first < count {
          let end = min(first + 16, count)
          for i in first..<end {
            var source = sums + i * rowStep + block * 16
            var sum = V.zero
            for _ in 0..<parts {
              sum += vload(source)
              source += partStep
            }
            vstore(tile + (i - first) * 16, sum)
          }
          for j in 0..<lanes {
            let column = target + j * outputStep
            var i = first
            while i < end {
              column[reduction[i]] = tile[(i - first) * 16 + j]
              i += 1
            }
          }
          first = end
        }
      }
    }
  }
}
