import KernelTypes

/// Six pixels by sixteen outputs in registers over every run.
@inline(never)
private func panel(
  _ runs: UnsafePointer<Int>, _ runCount: Int, _ runLength: Int, _ x0: Floats, _ x1: Floats, _ x2: Floats, _ x3: Floats,
  _ x4: Floats, _ x5: Floats, _ weights: Floats, _ bias: Floats?, _ y0: MutableFloats, _ y1: MutableFloats,
  _ y2: MutableFloats, _ y3: MutableFloats, _ y4: MutableFloats, _ y5: MutableFloats
) {
  var low = V8.zero
  var high = V8.zero
  if let bias {
    low = load(bias)
    high = load(bias + 8)
  }
  var (c00, c10, c20, c30, c40, c50) = (low, low, low, low, low, low)
  var (c01, c11, c21, c31, c41, c51) = (high, high, high, high, high, high)
  var b = weights
  var run = 0
  while run < runCount {
    let start = runs[run]
    let (a0, a1, a2, a3, a4, a5) = (x0 + start, x1 + start, x2 + start, x3 + start, x4 + start, x5 + start)
    var k = 0
    while k < runLength {
      let b0 = load(b)
      let b1 = load(b + 8)
      b += 16
      c00 = fma(a0[k], b0, c00)
      c01 = fma(a0[k], b1, c01)
      c10 = fma(a1[k], b0, c10)
      c11 = fma(a1[k], b1, c11)
      c20 = fma(a2[k], b0, c20)
      c21 = fma(a2[k], b1, c21)
      c30 = fma(a3[k], b0, c30)
      c31 = fma(a3[k], b1, c31)
      c40 = fma(a4[k], b0, c40)
      c41 = fma(a4[k], b1, c41)
      c50 = fma(a5[k], b0, c50)
      c51 = fma(a5[k], b1, c51)
      k += 1
    }
    run += 1
  }
  store(y0, c00)
  store(y0 + 8, c01)
  store(y1, c10)
  store(y1 + 8, c11)
  store(y2, c20)
  store(y2 + 8, c21)
  store(y3, c30)
  store(y3 + 8, c31)
  store(y4, c40)
  store(y4 + 8, c41)
  store(y5, c50)
  store(y5 + 8, c51)
}

/// Six weights by sixteen outputs in registers over every pixel.
@inline(never)
private func gradientPanel(
  _ block: DirectGradientBlock, _ x0: Floats, _ x1: Floats, _ x2: Floats, _ x3: Floats, _ x4: Floats, _ x5: Floats,
  _ dy: Floats, _ d: MutableFloats, _ step: Int
) {
  var (c00, c01) = (load(d), load(d + 8))
  var (c10, c11) = (load(d + step), load(d + step + 8))
  var (c20, c21) = (load(d + 2 * step), load(d + 2 * step + 8))
  var (c30, c31) = (load(d + 3 * step), load(d + 3 * step + 8))
  var (c40, c41) = (load(d + 4 * step), load(d + 4 * step + 8))
  var (c50, c51) = (load(d + 5 * step), load(d + 5 * step + 8))
  let inputStep = block.inputStep
  let gradientStep = block.gradientStep
  let inputOffsets = block.inputOffsets
  let gradientOffsets = block.gradientOffsets
  let segments = block.segments
  let columns = block.columns
  var segment = 0
  while segment < segments {
    var k = inputOffsets[segment]
    var b = dy + gradientOffsets[segment]
    var left = columns
    while left > 0 {
      let b0 = load(b)
      let b1 = load(b + 8)
      c00 = fma(x0[k], b0, c00)
      c01 = fma(x0[k], b1, c01)
      c10 = fma(x1[k], b0, c10)
      c11 = fma(x1[k], b1, c11)
      c20 = fma(x2[k], b0, c20)
      c21 = fma(x2[k], b1, c21)
      c30 = fma(x3[k], b0, c30)
      c31 = fma(x3[k], b1, c31)
      c40 = fma(x4[k], b0, c40)
      c41 = fma(x4[k], b1, c41)
      c50 = fma(x5[k], b0, c50)
      c51 = fma(x5[k], b1, c51)
      k += inputStep
      b += gradientStep
      left -= 1
    }
    segment += 1
  }
  store(d, c00)
  store(d + 8, c01)
  store(d + step, c10)
  store(d + step + 8, c11)
  store(d + 2 * step, c20)
  store(d + 2 * step + 8, c21)
  store(d + 3 * step, c30)
  store(d + 3 * step + 8, c31)
  store(d + 4 * step, c40)
  store(d + 4 * step + 8, c41)
  store(d + 5 * step, c50)
  store(d + 5 * step + 8, c51)
}

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
