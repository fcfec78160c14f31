import Base
import CPNG

/// PNG images, decoded by libpng to what PIL's `convert("RGB")` makes of them: alpha is left out, gamma is not applied,
/// palettes and grey are expanded. Pixels of 16 bits keep their high byte, also grey ones, which PIL would cut off at
/// 255.
enum PNG {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// - Throws: `io` where the image is damaged or too large.
  static func decode(_ bytes: [UInt8], path: String) throws(CoreError) -> Picture {
    guard bytes.count >= 33, bytes[12..<16].elementsEqual("IHDR".utf8) else {
      throw .file(path, "is a damaged PNG image: it has no header of a size", hint: downloadAgain)
    }
    let word = { (start: Int) in bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } }
    let (width, height) = (word(16), word(20))
    // Deflate shrinks at most 1032 to 1, and a byte holds at most eight pixels.
    let (plausible, overflow) = bytes.count.multipliedReportingOverflow(by: 1032 * 8)
    try Picture.check(width, height, plausible: overflow ? .max : plausible, path: path)
    let size = width * height * 4
    var message = [CChar](repeating: 0, count: 128)
    var isWhole = false
    let pixels = [UInt8](filling: size) { out, count in
      count = size
      guard let target = out.baseAddress else { return }
      isWhole = bytes.withUnsafeBufferPointer {
        ltd_png_decode($0.baseAddress, $0.count, UInt32(width), UInt32(height), target, &message) != 0
      }
    }
    guard isWhole else {
      let words = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw .file(
        path, words == "the data end early" ? "is cut short" : "is a damaged PNG image (\(words))", hint: downloadAgain)
    }
    return Picture(width: width, height: height, pixels: pixels)
  }
}
