import KernelTypes

extension CPUKernels {
  package static func maximumPool(
    _ s: PoolShape, _ rows: Range<Int>, _ x: Floats, _ y: MutableFloats, _ argmax: UnsafeMutablePointer<Int32>?
  ) {
    let channels = s.channels
    for row in rows {
      let image = row / s.outputHeight
      let plane = x + image * s.height * s.width * channels
      let top = (row % s.outputHeight) * s.strideHeight - s.padTop
      for q in 0..<s.outputWidth {
        let left = q * s.strideWidth - s.padLeft
        let out = (row * s.outputWidth + q) * channels
        let vertical = max(top, 0)..<max(max(top, 0), min(top + s.kernelHeight, s.height))
        let horizontal = max(left, 0)..<max(max(left, 0), min(left + s.kernelWidth, s.width))
        // All of −inf: the first position wins.
        let first =
          vertical.isEmpty || horizontal.isEmpty ? -1 : vertical.lowerBound * s.width + horizontal.lowerBound
        var c = 0
        while c < channels {
          let n = min(16, channels - c)
          var best = V(repeating: -.infinity)
          var index = I(repeating: Int32(truncatingIfNeeded: first))
          for h in vertical {
            var pixel = h * s.width + horizontal.lowerBound
            var p = plane + pixel * channels + c
            for _ in horizontal {
              let v = vload(p, first: n)
              let better = (v .> best) .| (v .!= v)
              best = best.replacing(with: v, where: better)
              index = index.replacing(with: I(repeating: Int32(truncatingIfNeeded: pixel)), where: better)
              pixel += 1
              p += channels
            }
          }
          vstore(y + out + c, best, first: n)
          if let argmax {
            if n == 16 {
              UnsafeMutableRawPointer(argmax + out + c).storeBytes(of: index, as: I.self)
            } else {
              for i in 0..<n { argmax[out + c + i] = index[i] }
            }
          }
          c += 16
        }
      }
    }
  }

  package static func maximumPoolGradient(
    _ s: PoolShape, _ images: Range<Int>, _ dy: Floats, _ argmax: UnsafePointer<Int32>, _ dx: MutableFloats
  ) {
    let outputs = s.outputHeight * s.outputWidth
    let channels = s.channels
    if s.windowsAreApart, channels >= 8 {
      // Each value of the input is in one window: all of them are written, those beside the greatest as 0.
      for image in images {
        let plane = dx + image * s.height * s.width * channels
        for p in 0..<s.outputHeight {
          for q in 0..<s.outputWidth {
            let out = ((image * s.outputHeight + p) * s.outputWidth + q) * channels
            let corner = p * s.strideHeight * s.width + q * s.strideWidth
            var c = 0
            while c < channels {
              let lanes = min(8, channels - c)
              let g = load(dy + out + c, first: lanes)
              var places = I8.zero
              if lanes == 8 {
                places = UnsafeRawPointer(argmax + out + c).loadUnaligned(as: I8.self)
              } else {
                for i in 0..<lanes { places[i] = argmax[out + c + i] }
              }
              var pixel = corner
              for _ in 0..<s.kernelHeight {
                for w in 0..<s.kernelWidth {
                  let isHere = places .== I8(repeating: Int32(truncatingIfNeeded: pixel + w))
                  store(
                    plane + (pixel + w) * channels + c, V8.zero.replacing(with: g, where: isHere), first: lanes)
                }
                pixel += s.width
              }
              c += 8
            }
          }
        }
      }
      return
    }
    for image in images {
      let plane = dx + image * s.height * s.width * s.channels
      for q in 0..<outputs {
        let out = (image * outputs + q) * s.channels
        for c in 0..<s.channels {
          let pixel = Int(argmax[out + c])
          if pixel >= 0 { plane[pixel * s.channels + c] += dy[out + c] }
        }
      }
    }
  }

  /// The window of output row p or column q along one axis, and how many positions it has with and without padding.
  @inline(__always) private static func window(_ o: Int, _ stride: Int, _ pad: Int, _ kernel: Int, _ size: Int)
    -> Range<Int>
  {
    let start = o * stride - pad
    let low = min(max(start, 0), size)
    return low..<max(low, min(start + kernel, size))
  }

  package static func averagePool(
    _ s: PoolShape, _ rows: Range<Int>, _ countsPadding: Bool, _ x: Floats, _ y: MutableFloats
  ) {
    let channels = s.channels
    for row in rows {
      let plane = x + (row / s.outputHeight) * s.height * s.width * channels
      let vertical = window(row % s.outputHeight, s.strideHeight, s.padTop, s.kernelHeight, s.height)
      for q in 0..<s.outputWidth {
        let horizontal = window(q, s.strideWidth, s.padLeft, s.kernelWidth, s.width)
        let places = countsPadding ? s.kernelHeight * s.kernelWidth : vertical.count * horizontal.count
        let factor = 1 / Float(places)
        var c = 0
        while c < channels {
          let n = min(8, channels - c)
          var sum = V8.zero
          for h in vertical {
            for w in horizontal { sum += load(plane + (h * s.width + w) * channels + c, first: n) }
          }
          store(y + (row * s.outputWidth + q) * channels + c, sum * factor, first: n)
          c += 8
        }
      }
    }
  }

  package static func averagePoolGradient(
    _ s: PoolShape, _ images: Range<Int>, _ countsPadding: Bool, _ dy: Floats, _ dx: MutableFloats
  ) {
    let channels = s.channels
    for image in images {
      let plane = dx + image * s.height * s.width * channels
      for p in 0..<s.outputHeight {
        let vertical = window(p, s.strideHeight, s.padTop, s.kernelHeight, s.height)
        for q in 0..<s.outputWidth {
          let horizontal = window(q, s.strideWidth, s.padLeft, s.kernelWidth, s.width)
          let places = countsPadding ? s.kernelHeight * s.kernelWidth : vertical.count * horizontal.count
          let factor = 1 / Float(places)
          let source = dy + ((image * s.outputHeight + p) * s.outputWidth + q) * channels
          for h in vertical {
            for w in horizontal {
              let target = plane + (h * s.width + w) * channels
              var c = 0
              while c < channels {
                let n = min(8, channels - c)
                store(target + c, fma(factor, load(source + c, first: n), load(target + c, first: n)), first: n)
                c += 8
              }
            }
          }
        }
      }
    }
  }
}
