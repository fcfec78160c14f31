import Base

/// A colour of 8 bits for each of red, green and blue.
public struct Colour: Sendable, Equatable, Hashable {
  /// 0xRRGGBB.
  public var rgb: UInt32

  /// 0xRRGGBB.
  public init(_ rgb: UInt32) { self.rgb = rgb & 0xFFFFFF }

  /// From shares of 255.
  init(_ red: Double, _ green: Double, _ blue: Double) {
    func byte(_ x: Double) -> UInt32 { x > 0 ? UInt32(min(255, x * 255 + 0.5)) : 0 }
    rgb = byte(red) << 16 | byte(green) << 8 | byte(blue)
  }

  var red: Int { Int(rgb >> 16) }
  var green: Int { Int(rgb >> 8 & 255) }
  var blue: Int { Int(rgb & 255) }

  /// How light it is to the eye, from 0 to 1.
  var lightness: Double { (0.299 * Double(red) + 0.587 * Double(green) + 0.114 * Double(blue)) / 255 }

  /// The nearest of xterm's 256 colours: of its cube or of its greys.
  var indexed: Int {
    func level(_ value: Int) -> Int { value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40 }
    let levels = [0, 95, 135, 175, 215, 255]
    let (r, g, b) = (level(red), level(green), level(blue))
    let grey = min(23, max(0, ((red + green + blue) / 3 - 3) / 10))
    func distance(_ r: Int, _ g: Int, _ b: Int) -> Int {
      (r - red) * (r - red) + (g - green) * (g - green) + (b - blue) * (b - blue)
    }
    let shade = 8 + 10 * grey
    return distance(shade, shade, shade) < distance(levels[r], levels[g], levels[b])
      ? 232 + grey : 16 + 36 * r + 6 * g + b
  }
}

/// The colours of series and of fields: told apart by those who see few colours too, and in grey.
enum Palette {
  /// Of series on white, after Okabe and Ito; then they come again.
  static let series: [Colour] = [
    0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x8C564B, 0x7F7F7F,
  ].map { Colour($0) }

  /// Of series on a terminal, of whatever background.
  static let bright: [Colour] = [
    0x3D9BE9, 0xF07C3A, 0x2FB88A, 0xDB8BC0, 0xE8B021, 0x7CCBF2, 0xB98577, 0x9A9A9A,
  ].map { Colour($0) }

  /// Points of the scale of fields, from dark to light in equal steps to the eye: viridis.
  private static let field: [Colour] = [
    0x440154, 0x482475, 0x414487, 0x355F8D, 0x2A788E, 0x21918C, 0x22A884, 0x44BF70, 0x7AD151, 0xBDDF26, 0xFDE725,
  ].map { Colour($0) }

  /// The colour of a share of the range of a field; grey for what is no number.
  static func field(_ share: Double) -> Colour {
    guard share.isFinite else { return Colour(0x808080) }
    let place = min(1, max(0, share)) * Double(field.count - 1)
    let index = min(field.count - 2, Int(place))
    let rest = place - Double(index)
    let (a, b) = (field[index], field[index + 1])
    func mix(_ x: Int, _ y: Int) -> Double { (Double(x) + rest * Double(y - x)) / 255 }
    return Colour(mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue))
  }
}
