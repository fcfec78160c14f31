import Base
import Platform
import Tensors

/// The operations of which policies such as RandAugment choose, each with a strength; the formulas and ranges of
/// torchvision's `autoaugment.py`, which are those of the papers.
enum PolicyOperation: CaseIterable {
  case identity, shearX, shearY, translateX, translateY, rotate, brightness, color, contrast, sharpness, posterize
  case solarize, autoContrast, equalize

  /// Whether the strength may be negative.
  private var isSigned: Bool {
    switch self {
    case .shearX, .shearY, .translateX, .translateY, .rotate, .brightness, .color, .contrast, .sharpness: true
    case .identity, .posterize, .solarize, .autoContrast, .equalize: false
    }
  }

  /// How strong the operations are at the end of the scale.
  struct Range {
    let shear: Double
    /// In pixels, of an image of this size.
    let translation: (Int) -> Double
    let degrees: Double
    let colour: Double
    /// How many of the 8 bits are lost.
    let bits: Double
  }

  /// Changes an image with a strength on a scale from 0 to 30.
  func apply(to image: PixelImage, level: Int, _ range: Range, _ draws: inout Draws) {
    let share = Double(level) / 30
    let sign: Double = isSigned && draws.chance(0.5) ? -1 : 1
    let (halfWidth, halfHeight) = (Double(image.width) / 2, Double(image.height) / 2)
    switch self {
    case .identity: break
    case .shearX:
      let shear = sign * share * range.shear
      image.sampleNearest { x, y in (x + shear * (y + halfHeight), y) }
    case .shearY:
      let shear = sign * share * range.shear
      image.sampleNearest { x, y in (x, y + shear * (x + halfWidth)) }
    case .translateX:
      let pixels = (sign * share * range.translation(image.width)).rounded(.towardZero)
      image.sampleNearest { x, y in (x - pixels, y) }
    case .translateY:
      let pixels = (sign * share * range.translation(image.height)).rounded(.towardZero)
      image.sampleNearest { x, y in (x, y - pixels) }
    case .rotate:
      let angle = sign * share * range.degrees * .pi / 180
      let (sine, cosine) = (sin(angle), cos(angle))
      image.sampleNearest { x, y in (cosine * x - sine * y, sine * x + cosine * y) }
    case .brightness: image.adjustBrightness(Float(1 + sign * share * range.colour))
    case .color: image.adjustSaturation(Float(1 + sign * share * range.colour))
    case .contrast: image.adjustContrast(Float(1 + sign * share * range.colour))
    case .sharpness: image.adjustSharpness(Float(1 + sign * share * range.colour))
    case .posterize: image.posterize(bits: 8 - Int((share * range.bits).rounded(.toNearestOrEven)))
    case .solarize: image.solarize(from: Float(1 - share))
    case .autoContrast: image.stretchContrast()
    case .equalize: image.equalize()
    }
  }
}

extension PixelImage {
  /// torchvision's `adjust_sharpness`: away from the image smoothed over 3×3 pixels; the border stays.
  func adjustSharpness(_ factor: Float) {
    guard height > 2, width > 2 else { return }
    let old = Array(pixels)
    for channel in 0..<channels {
      for row in 1..<height - 1 {
        for column in 1..<width - 1 {
          let middle = (channel * height + row) * width + column
          var sum = 4 * old[middle]
          for down in -1...1 { for right in -1...1 { sum += old[middle + down * width + right] } }
          let value = factor * old[middle] + (1 - factor) * sum / 13
          pixels[middle] = min(max(value, 0), 1)
        }
      }
    }
  }

  /// Keeps the upper bits of each value as a byte.
  func posterize(bits: Int) {
    let mask = UInt8(truncatingIfNeeded: 0xFF << (8 - bits))
    for i in pixels.indices { pixels[i] = Float(byte(pixels[i]) & mask) / 255 }
  }

  /// Inverts the values from a threshold on.
  func solarize(from threshold: Float) {
    for i in pixels.indices where pixels[i] >= threshold { pixels[i] = 1 - pixels[i] }
  }

  /// Stretches each channel to the whole range.
  func stretchContrast() {
    for channel in 0..<channels {
      let own = channel * area..<(channel + 1) * area
      let (least, greatest) = (pixels[own].min() ?? 0, pixels[own].max() ?? 0)
      guard greatest > least else { continue }
      for i in own { pixels[i] = min(max((pixels[i] - least) / (greatest - least), 0), 1) }
    }
  }

  /// Makes the values of each channel, as bytes, equally frequent.
  func equalize() {
    for channel in 0..<channels {
      let own = channel * area..<(channel + 1) * area
      var counts = [Int](repeating: 0, count: 256)
      for i in own { counts[Int(byte(pixels[i]))] += 1 }
      let last = counts.last { $0 > 0 } ?? 0
      let step = (area - last) / 255
      guard step > 0 else { continue }
      var table: [Float] = [0]
      var sum = 0
      for count in counts.dropLast() {
        sum += count
        table.append(Float(min((sum + step / 2) / step, 255)) / 255)
      }
      for i in own { pixels[i] = table[Int(byte(pixels[i]))] }
    }
  }

  private func byte(_ value: Float) -> UInt8 { UInt8(min(max((value * 255).rounded(), 0), 255)) }
}
