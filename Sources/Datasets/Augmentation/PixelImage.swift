import Base
import Platform
import Tensors

/// One image [channels, height, width] in memory, while an augmentation changes it in place.
public struct PixelImage {
  /// The number of channels: 1 for grey, 3 for RGB.
  public let channels: Int
  /// Rows.
  public let height: Int
  /// Columns.
  public let width: Int
  let pixels: UnsafeMutableBufferPointer<Float>

  /// The pixels of a channel.
  var area: Int { height * width }

  /// A value, which must be within the image.
  subscript(channel: Int, row: Int, column: Int) -> Float {
    get { pixels[(channel * height + row) * width + column] }
    nonmutating set { pixels[(channel * height + row) * width + column] = newValue }
  }

  /// Sets a rectangle of all channels to a value; what lies outside of the image is left out.
  func fill(rows: Range<Int>, columns: Range<Int>, with value: Float) {
    let (rows, columns) = (rows.clamped(to: 0..<height), columns.clamped(to: 0..<width))
    for channel in 0..<channels {
      for row in rows { for column in columns { self[channel, row, column] = value } }
    }
  }

  /// Puts at each place the pixel nearest to where `source` says that it comes from, 0 for what lies outside. Places
  /// are counted from the middle of the image, in pixels.
  func sampleNearest(_ source: (_ x: Double, _ y: Double) -> (x: Double, y: Double)) {
    let (middleX, middleY) = (Double(width - 1) / 2, Double(height - 1) / 2)
    let old = Array(pixels)
    for row in 0..<height {
      for column in 0..<width {
        let from = source(Double(column) - middleX, Double(row) - middleY)
        // Halves to the even neighbour, as PyTorch's sampling.
        let (x, y) = (
          (from.x + middleX).rounded(.toNearestOrEven), (from.y + middleY).rounded(.toNearestOrEven)
        )
        let isInside = x >= 0 && y >= 0 && x < Double(width) && y < Double(height)
        for channel in 0..<channels {
          self[channel, row, column] = isInside ? old[(channel * height + Int(y)) * width + Int(x)] : 0
        }
      }
    }
  }

  // MARK: Colour

  /// The brightness of each pixel, as ITU-R 601-2 has it; of images that are not RGB the mean of the channels.
  var grey: [Float] {
    (0..<area).map { i in
      if channels == 3 { return 0.2989 * pixels[i] + 0.587 * pixels[area + i] + 0.114 * pixels[2 * area + i] }
      return (0..<channels).reduce(0) { $0 + pixels[$1 * area + i] } / Float(channels)
    }
  }

  /// factor · image + (1 − factor) · other, within [0, 1]; `other` is of one channel.
  func blend(_ factor: Float, with other: (Int) -> Float) {
    for channel in 0..<channels {
      for i in 0..<area {
        let value = factor * pixels[channel * area + i] + (1 - factor) * other(i)
        pixels[channel * area + i] = min(max(value, 0), 1)
      }
    }
  }

  /// torchvision's `adjust_brightness`.
  func adjustBrightness(_ factor: Float) { blend(factor) { _ in 0 } }

  /// torchvision's `adjust_contrast`: away from the mean brightness of the image.
  func adjustContrast(_ factor: Float) {
    let mean = Float(grey.reduce(0) { $0 + Double($1) } / Double(max(1, area)))
    blend(factor) { _ in mean }
  }

  /// torchvision's `adjust_saturation`: away from grey. Images that are not RGB stay as they are.
  func adjustSaturation(_ factor: Float) {
    guard channels == 3 else { return }
    let grey = grey
    blend(factor) { grey[$0] }
  }

  /// torchvision's `adjust_hue`: turns the hue by this share of the circle. Images that are not RGB stay as they are.
  func adjustHue(_ turn: Float) {
    guard channels == 3 else { return }
    for i in 0..<area {
      let (r, g, b) = (pixels[i], pixels[area + i], pixels[2 * area + i])
      let (greatest, least) = (max(r, g, b), min(r, g, b))
      let range = greatest - least
      guard range > 0 else { continue }
      var hue: Float
      if greatest == r {
        hue = (g - b) / range
      } else if greatest == g {
        hue = 2 + (b - r) / range
      } else {
        hue = 4 + (r - g) / range
      }
      hue = hue / 6 + turn
      hue -= hue.rounded(.down)
      for (channel, offset) in [Float(5), 3, 1].enumerated() {
        // What is left of a division by 6, of a number below 12.
        let turned = offset + 6 * hue
        let k = turned < 6 ? turned : turned - 6
        pixels[channel * area + i] = greatest - range * max(0, min(k, 4 - k, 1))
      }
    }
  }
}

/// The random numbers of one example, one after another: each is drawn from a stream of its own, so that none shares
/// bits with another.
public struct Draws {
  private let stream: RandomStream
  private var index = 0

  /// The numbers of a stream.
  public init(_ stream: RandomStream) { self.stream = stream }

  private mutating func next() -> RandomStream {
    index += 1
    return stream.child(index)
  }

  /// A number from `low` to below `high`.
  public mutating func uniform(_ low: Double = 0, _ high: Double = 1) -> Double {
    low + (high - low) * Double(next().uniform(at: 0))
  }

  /// A whole number in 0..<bound; 0 where the bound is below 2.
  public mutating func integer(below bound: Int) -> Int { next().integer(below: bound, at: 0) }

  /// True with this probability.
  public mutating func chance(_ probability: Double) -> Bool { uniform() < probability }

  /// The numbers 0..<count in random order.
  public mutating func order(_ count: Int) -> [Int] { next().permutation(count) }

  /// A number of the beta distribution with both parameters `alpha`, in (0, 1).
  ///
  /// The quotient of two gamma numbers, in logarithms, so that a small `alpha` loses nothing. Gamma numbers: Marsaglia
  /// and Tsang, "A simple method for generating gamma variables", 2000.
  public mutating func beta(_ alpha: Double) -> Double {
    let (a, b) = (logGamma(alpha), logGamma(alpha))
    return 1 / (1 + exp(b - a))
  }

  /// The logarithm of a number of the gamma distribution.
  private mutating func logGamma(_ shape: Double) -> Double {
    if shape < 1 {
      // Above 0: a uniform number is a multiple of 2^-24.
      let u = uniform() + 0x1p-25
      return logGamma(shape + 1) + log(u) / shape
    }
    let d = shape - 1 / 3.0
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = Double(next().normal(at: 0))
      let v = 1 + c * x
      guard v > 0 else { continue }
      let cube = v * v * v
      if log(uniform() + 0x1p-25) < 0.5 * x * x + d - d * cube + d * log(cube) { return log(d * cube) }
    }
  }
}

extension Tensor {
  /// The images [n, channels, height, width] after `change` has changed each, on all threads.
  func changed(_ change: (PixelImage, _ index: Int) -> Void) throws(CoreError) -> Tensor {
    let (count, channels, height, width) = (shape[0], shape[1], shape[2], shape[3])
    let size = channels * height * width
    var values = floats()
    withoutActuallyEscaping(change) { change in
      values.withUnsafeMutableBufferPointer { buffer in
        // Each chunk writes its own images only.
        nonisolated(unsafe) let (pixels, change) = (buffer, change)
        Compute.inParallel(count, grain: 1) { range in
          for i in range {
            let own = UnsafeMutableBufferPointer(rebasing: pixels[i * size..<(i + 1) * size])
            change(PixelImage(channels: channels, height: height, width: width, pixels: own), i)
          }
        }
      }
    }
    return try Tensor(values, shape: shape)
  }
}
