import KernelTypes

extension CPUKernels {
  package static func convolve(
    _ block: DirectBlock, _ x: Floats, _ weights: Floats, _ bias: Floats?, _ y: MutableFloats
  ) {
    let depth = block.runCount * block.runLength
    let (pixels, outputs) = (block.pixels, block.outputs)
    let (inputs, targets) = (block.inputOffsets, block.outputOffsets)
    withUnsafeTemporaryAllocation(byteCount: 6 * 16 * 4, alignment: 32) { memory in
      guard let base = memory.baseAddress else { return }
      let rest = base.assumingMemoryBound(to: Float.self)
      var first = 0
      while first < pixels {
        // The panels of 48 pixels, whose inputs stay in the cache, for every sixteen outputs.
        let end = min(first + 48, pixels)
        var k = 0
        while k < outputs {
          let w = weights + k * depth
          let b = bias.map { $0 + k }
          let count = min(16, outputs - k)
          var p = first
          while p < end {
            // A last short panel repeats its last pixel.
            let i1 = min(p + 1, end - 1)
            let i2 = min(p + 2, end - 1)
            let i3 = min(p + 3, end - 1)
            let i4 = min(p + 4, end - 1)
            let i5 = min(p + 5, end - 1)
            let (x0, x1, x2) = (x + inputs[p], x + inputs[i1], x + inputs[i2])
            let (x3, x4, x5) = (x + inputs[i3], x + inputs[i4], x + inputs[i5])
            if count == 16 {
              let t = y + k
              panel(
                block.runs, block.runCount, block.runLength, x0, x1, x2, x3, x4, x5, w, b, t + targets[p],
                t + targets[i1], t + targets[i2], t + targets[i3], t + targets[i4], t + targets[i5])
            } else {
              panel(
                block.runs, block.runCount, block.runLength, x0, x1, x2, x3, x4, x5, w, b, rest, rest + 16, rest + 32,
                rest + 48, rest + 64, rest + 80)
              for i in 0..<min(6, end - p) {
                let target = y + targets[p + i] + k
                for j in 0..<count { target[j] = rest[i * 16 + j] }
              }
            }
            p += 6
          }
          k += 16
        }
        first = end
      }
    }
  }

  package static func convolveFew(
    _ block: DirectBlock, _ x: Floats, _ weights: Floats, _ bias: Floats?, _ y: MutableFloats
  ) {
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
  }

  package static func accumulateWeightGradient(
    _ block: DirectGradientBlock, _ x: Floats, _ dy: Floats, _ sums: MutableFloats, columnBlocks: Range<Int>
  ) {
    let rows = block.runCount * block.runLength
    let length = block.runLength
    let step = block.rowStep
    let runs = block.runs
    withUnsafeTemporaryAllocation(byteCount: 6 * 16 * 4, alignment: 32) { memory in
      guard let base = memory.baseAddress else { return }
      let rest = base.assumingMemoryBound(to: Float.self)
      var column = columnBlocks.lowerBound * 16
      while column < columnBlocks.upperBound * 16 {
        var m = 0
        while m < rows {
          let last = rows - 1
          let (m1, m2, m3) = (min(m + 1, last), min(m + 2, last), min(m + 3, last))
          let (m4, m5) = (min(m + 4, last), min(m + 5, last))
          let x0 = x + runs[m / length] + m % length
          let x1 = x + runs[m1 / length] + m1 % length
          let x2 = x + runs[m2 / length] + m2 % length
          let x3 = x + runs[m3 / length] + m3 % length
          let x4 = x + runs[m4 / length] + m4 % length
          let x5 = x + runs[m5 / length] + m5 % length
          let target = sums + m * step + column
          if m + 6 <= rows {
            gradientPanel(block, x0, x1, x2, x3, x4, x5, dy + column, target, step)
          } else {
            for i in 0..<rows - m {
              store(rest + i * 16, load(target + i * step))
              store(rest + i * 16 + 8, load(target + i * step + 8))
            }
            gradientPanel(block, x0, x1, x2, x3, x4, x5, dy + column, rest, 16)
            for i in 0..<rows - m {
              store(target + i * step, load(rest + i * 16))
              store(target + i * step + 8, load(rest + i * 16 + 8))
            }
          }
          m += 6
        }
        column += 16
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
        var j = 0
        while j < lanes {
          row[j] = column[j * outputStep]
          j += 1
        }
        while j < 16 {
          row[j] = 0
          j += 1
        }
        i += 1
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
