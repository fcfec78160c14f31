import Base
import Networks
import Tensors

// What each kind of step does to numbers and windows.

extension BoundNetwork {
  /// The elements of the largest value.
  var widest: Int { shapes.reduce(1) { max($0, $1.count) } }
}

extension BoundNetwork.Operation {
  /// The windows of a pooling.
  var windows: BoundNetwork.Windows? { if case .maxPool(let windows) = self { windows } else { nil } }
}

extension BoundNetwork.Activation {
  func value(_ x: Double) -> Double {
    switch self {
    case .relu: max(x, 0)
    case .leakyRelu(let slope): x >= 0 ? x : slope * x
    case .relu6: min(max(x, 0), 6)
    }
  }

  /// Whether the function is a line below 0 and another one above.
  var hasOneBend: Bool {
    switch self {
    case .relu, .leakyRelu: true
    case .relu6: false
    }
  }

  /// Whether the function is not a line from `low` to `high`.
  fileprivate func isBent(from low: Double, to high: Double) -> Bool {
    switch self {
    case .relu, .leakyRelu: low < 0 && high > 0
    case .relu6: (low < 0 && high > 0) || (low < 6 && high > 6)
    }
  }
}

extension BoundNetwork.Step {
  /// The slope of an activation below its bend.
  var leastSlope: Double {
    if case .activation(.leakyRelu(let slope)) = operation { slope } else { 0 }
  }

  /// The elements of the input whose bounds matter for the lines of this bent step.
  func undecided(
    _ low: [Double], _ high: [Double], from input: BoundNetwork.Shape, to result: BoundNetwork.Shape
  ) -> [Int] {
    switch operation {
    case .activation(let activation): return low.indices.filter { activation.isBent(from: low[$0], to: high[$0]) }
    case .maxPool(let windows):
      var needed = [Bool](repeating: false, count: low.count)
      for elements in windows.elements(from: input, to: result) {
        guard let first = elements.first else { continue }
        let best = elements.reduce(first) { low[$1] > low[$0] ? $1 : $0 }
        let others = elements.filter { $0 != best && high[$0] > low[best] }
        guard !others.isEmpty else { continue }
        for element in others + [best] { needed[element] = true }
      }
      return needed.indices.filter { needed[$0] }
    case .convolution, .scale, .average, .sum: return []
    }
  }
}

extension RelaxedLines {
  /// What a coefficient of 1 of each result may cost in rounding, for inputs of these magnitudes.
  func weights(_ reach: [Double]) -> [Double] {
    lowerSlope.indices.map { i in
      max(abs(lowerSlope[i]), abs(upperSlope[i])) * reach[source?[i] ?? i] + abs(lowerIntercept[i])
        + abs(upperIntercept[i])
    }
  }
}

extension BoundNetwork.Windows {
  /// The window of the input that a window of the result reads, without what is padding.
  func reading(
    _ window: CoefficientRows.Window, of input: BoundNetwork.Shape
  ) -> CoefficientRows.Window {
    guard window.area > 0 else { return CoefficientRows.Window(top: 0, bottom: 0, left: 0, right: 0) }
    return CoefficientRows.Window(
      top: max(0, window.top * stride.height - top),
      bottom: min(
        input.height, (window.bottom - 1) * stride.height - top + (kernel.height - 1) * dilation.height + 1),
      left: max(0, window.left * stride.width - left),
      right: min(input.width, (window.right - 1) * stride.width - left + (kernel.width - 1) * dilation.width + 1))
  }

  /// The pixels of the input that the pixel (y, x) of the result reads.
  func places(y: Int, x: Int, height: Int, width: Int) -> [(y: Int, x: Int)] {
    var places: [(y: Int, x: Int)] = []
    for ky in 0..<kernel.height {
      let row = y * stride.height - top + ky * dilation.height
      guard row >= 0, row < height else { continue }
      for kx in 0..<kernel.width {
        let column = x * stride.width - left + kx * dilation.width
        if column >= 0, column < width { places.append((row, column)) }
      }
    }
    return places
  }

  /// The elements of the input that each element of the result of a pooling reads.
  func elements(from input: BoundNetwork.Shape, to result: BoundNetwork.Shape) -> [[Int]] {
    var elements: [[Int]] = []
    elements.reserveCapacity(result.count)
    for pixel in 0..<result.height * result.width {
      let places = places(
        y: pixel / result.width, x: pixel % result.width, height: input.height, width: input.width)
      for channel in 0..<result.channels {
        elements.append(places.map { ($0.y * input.width + $0.x) * input.channels + channel })
      }
    }
    return elements
  }

  /// The mean of each window; padding counts as zeros.
  func means(of x: [Double], from input: BoundNetwork.Shape, to result: BoundNetwork.Shape) -> [Double] {
    let area = Double(kernel.height * kernel.width)
    var means = [Double](repeating: 0, count: result.count)
    for pixel in 0..<result.height * result.width {
      let places = places(
        y: pixel / result.width, x: pixel % result.width, height: input.height, width: input.width)
      for place in places {
        let from = (place.y * input.width + place.x) * input.channels
        for c in 0..<input.channels { means[pixel * input.channels + c] += x[from + c] }
      }
      for c in 0..<input.channels { means[pixel * input.channels + c] /= area }
    }
    return means
  }

  /// Adds the numbers of a patch, [kernel height, kernel width, channels], to the pixels that (y, x) reads.
  @inline(__always)
  func scatter(
    _ patch: UnsafePointer<Double>, y: Int, x: Int, channels: Int, height: Int, width: Int,
    to target: UnsafeMutableBufferPointer<Double>, from start: Int, window: CoefficientRows.Window
  ) {
    let firstColumn = x &* stride.width &- left
    for ky in 0..<kernel.height {
      let row = y &* stride.height &- top &+ ky &* dilation.height
      guard row >= 0, row < height else { continue }
      let line = start &+ (row &- window.top) &* window.width &* channels
      if dilation.width == 1 {
        // Neighbouring taps are neighbours in memory.
        let first = max(0, -firstColumn)
        let last = min(kernel.width, width &- firstColumn)
        guard first < last else { continue }
        let from = patch + (ky &* kernel.width &+ first) &* channels
        let to = line &+ (firstColumn &+ first &- window.left) &* channels
        for i in 0..<(last &- first) &* channels { target[to &+ i] += from[i] }
        continue
      }
      for kx in 0..<kernel.width {
        let column = firstColumn &+ kx &* dilation.width
        guard column >= 0, column < width else { continue }
        let from = patch + (ky &* kernel.width &+ kx) &* channels
        let to = line &+ (column &- window.left) &* channels
        for i in 0..<channels { target[to &+ i] += from[i] }
      }
    }
  }

  /// Copies the pixels that (y, x) reads to a patch of zeros.
  @inline(__always)
  fileprivate func gather(
    _ x0: UnsafePointer<Double>, y: Int, x: Int, channels: Int, height: Int, width: Int,
    to patch: UnsafeMutablePointer<Double>
  ) {
    for ky in 0..<kernel.height {
      let row = y &* stride.height &- top &+ ky &* dilation.height
      guard row >= 0, row < height else { continue }
      for kx in 0..<kernel.width {
        let column = x &* stride.width &- left &+ kx &* dilation.width
        guard column >= 0, column < width else { continue }
        let from = x0 + (row &* width &+ column) &* channels
        (patch + (ky &* kernel.width &+ kx) &* channels).update(from: from, count: channels)
      }
    }
  }
}

extension BoundNetwork.Convolution {
  /// How many pixels one matrix product takes: eight megabytes of patches, and a hundred million multiplications.
  var pixelsAtATime: Int {
    let inner = max(inner, 1)
    return max(1, min((1 << 20) / inner, (1 << 27) / (inner * max(bias.count, 1))))
  }

  /// The sums of a convolution without its bias, of several values, each with the weights or their magnitudes.
  func sums(
    of values: [(x: [Double], isMagnitude: Bool)], from input: BoundNetwork.Shape, to result: BoundNetwork.Shape
  ) throws(CoreError) -> [[Double]] {
    let (filters, pixels) = (bias.count, result.height * result.width)
    let most = min(pixelsAtATime, pixels)
    var patches = [Double](repeating: 0, count: most * inner)
    var results: [[Double]] = []
    for (x, isMagnitude) in values {
      var sums = [Double](repeating: 0, count: result.count)
      for first in Swift.stride(from: 0, to: pixels, by: most) {
        try StopSignal.poll()
        let part = min(most, pixels - first)
        patches.withUnsafeMutableBufferPointer { patches in
          patches.update(repeating: 0)
          x.withUnsafeBufferPointer { x in
            (isMagnitude ? magnitude : weight).withUnsafeBufferPointer { weight in
              guard let (p, x, w) = addresses(patches, x, weight) else { return }
              for pixel in first..<first + part {
                windows.gather(
                  x, y: pixel / result.width, x: pixel % result.width, channels: input.channels,
                  height: input.height, width: input.width, to: p + (pixel - first) * inner)
              }
              sums.withUnsafeMutableBufferPointer { sums in
                guard let sums = sums.baseAddress else { return }
                Compute.product(
                  rows: part, columns: filters, inner: inner, transposeB: true, p, w, sums + first * filters)
              }
            }
          }
        }
      }
      results.append(sums)
    }
    return results
  }
}
