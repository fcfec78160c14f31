import Base
import Tensors

// Linear functions of the result of a step as functions of its input.

extension CoefficientRows {
  /// Through a convolution: its transpose, as one matrix product of all pixels of all windows.
  func pulled(
    through layer: BoundNetwork.Convolution, to input: BoundNetwork.Shape
  ) throws(CoreError) -> CoefficientRows {
    let (filters, inner) = (layer.bias.count, layer.inner)
    var result = CoefficientRows(input, windows.map { layer.windows.reading($0, of: input) })
    let total = pixels
    let most = layer.pixelsAtATime
    var patches = [Double](repeating: 0, count: min(total, most) * inner)
    var (row, seen) = (0, 0)
    for first in stride(from: 0, to: total, by: most) {
      try StopSignal.poll()
      let part = min(most, total - first)
      patches.withUnsafeMutableBufferPointer { patches in
        values.withUnsafeBufferPointer { values in
          layer.weight.withUnsafeBufferPointer { weight in
            guard let (p, v, w) = addresses(patches, values, weight) else { return }
            Compute.product(rows: part, columns: inner, inner: filters, v + first * filters, w, p)
            result.values.withUnsafeMutableBufferPointer { target in
              for pixel in first..<first + part {
                while pixel - seen >= windows[row].area {
                  seen += windows[row].area
                  row += 1
                }
                let window = windows[row]
                let place = pixel - seen
                layer.windows.scatter(
                  p + (pixel - first) * inner, y: window.top + place / window.width,
                  x: window.left + place % window.width, channels: input.channels, height: input.height,
                  width: input.width, to: target, from: result.starts[row], window: result.windows[row])
              }
            }
          }
        }
      }
    }
    return result
  }

  /// Through a scale that repeats along the elements.
  func scaled(by scale: [Double]) -> CoefficientRows {
    var result = self
    let period = scale.count
    result.values.withUnsafeMutableBufferPointer { g in
      scale.withUnsafeBufferPointer { scale in
        forRuns { _, element, place, count in
          var at = element % period
          for i in 0..<count {
            g[place &+ i] *= scale[at]
            at &+= 1
            if at == period { at = 0 }
          }
        }
      }
    }
    return result
  }

  /// Through the mean of each window.
  func spread(over average: BoundNetwork.Windows, to input: BoundNetwork.Shape) -> CoefficientRows {
    var result = CoefficientRows(input, windows.map { average.reading($0, of: input) })
    let (channels, area) = (shape.channels, Double(average.kernel.height * average.kernel.width))
    for (row, window) in windows.enumerated() where window.area > 0 {
      let target = result.windows[row]
      for pixel in 0..<window.area {
        let (y, x) = (window.top + pixel / window.width, window.left + pixel % window.width)
        let from = starts[row] + pixel * channels
        for place in average.places(y: y, x: x, height: input.height, width: input.width) {
          let to =
            result.starts[row] + ((place.y - target.top) * target.width + place.x - target.left) * channels
          for c in 0..<channels { result.values[to + c] += values[from + c] / area }
        }
      }
    }
    return result
  }

  /// Through a bent step: the line below where a coefficient is positive, the line above elsewhere.
  ///
  /// - Parameter pool: the windows of a pooling; nil for an activation.
  func relaxed(
    by lines: RelaxedLines, windows pool: BoundNetwork.Windows?, to input: BoundNetwork.Shape, _ state: inout Descent
  ) -> CoefficientRows {
    guard let pool, let source = lines.source else { return relaxed(by: lines, &state) }
    var result = CoefficientRows(input, windows.map { pool.reading($0, of: input) })
    forRuns { row, element, place, count in
      let target = result.windows[row]
      var sum = 0.0
      for i in 0..<count {
        let (g, e) = (values[place + i], element + i)
        let (slope, intercept) =
          g >= 0
          ? (lines.lowerSlope[e], lines.lowerIntercept[e]) : (lines.upperSlope[e], lines.upperIntercept[e])
        sum += g * intercept
        let pixel = source[e] / input.channels
        let to = (pixel / input.width - target.top) * target.width + pixel % input.width - target.left
        result.values[result.starts[row] + to * input.channels + source[e] % input.channels] += g * slope
      }
      state.add(row, constant: sum)
    }
    return result
  }

  private func relaxed(by lines: RelaxedLines, _ state: inout Descent) -> CoefficientRows {
    var result = self
    result.values.withUnsafeMutableBufferPointer { g in
      lines.lowerSlope.withUnsafeBufferPointer { ls in
        lines.lowerIntercept.withUnsafeBufferPointer { li in
          lines.upperSlope.withUnsafeBufferPointer { us in
            lines.upperIntercept.withUnsafeBufferPointer { ui in
              forRuns { row, element, place, count in
                var sum = 0.0
                for i in 0..<count {
                  let (value, e) = (g[place &+ i], element &+ i)
                  let isLower = value >= 0
                  sum += value * (isLower ? li[e] : ui[e])
                  g[place &+ i] = value * (isLower ? ls[e] : us[e])
                }
                state.add(row, constant: sum)
              }
            }
          }
        }
      }
    }
    return result
  }
}

/// The addresses of buffers that are not empty.
func addresses(
  _ a: UnsafeMutableBufferPointer<Double>, _ b: UnsafeBufferPointer<Double>, _ c: UnsafeBufferPointer<Double>
) -> (UnsafeMutablePointer<Double>, UnsafePointer<Double>, UnsafePointer<Double>)? {
  guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return nil }
  return (a, b, c)
}
