import Base
import CTurboJPEG

/// JPEG images, decoded by libjpeg-turbo as PIL does: the accurate transform, smooth chroma, no rotation by EXIF.
///
/// Of its warnings only those are passed over after which the pixels are still those of the file: bytes between
/// segments that belong to none. A stream that ends early or does not fit its tables is refused.
enum JPEG {
  /// - Throws: `io` where the image is damaged or too large.
  static func decode(_ bytes: [UInt8], path: String) throws(CoreError) -> Picture {
    guard let header = Header(bytes) else {
      throw .file(path, "is a damaged JPEG image: it has no header of a size", hint: downloadAgain)
    }
    let (width, height) = (header.width, header.height)
    // Each block of 64 values takes a bit at least.
    let (plausible, overflow) = bytes.count.multipliedReportingOverflow(by: 512)
    try Picture.check(width, height, plausible: overflow ? .max : plausible, path: path)
    guard let handle = tjInitDecompress() else { throw CoreError(.memory, "not enough memory to decode '\(path)'") }
    defer { tjDestroy(handle) }
    let isInk = header.components == 4
    let format = isInk ? TJPF_CMYK : TJPF_RGBX
    let size = width * height * 4
    var failure: String?
    var pixels = [UInt8](filling: size) { out, count in
      let flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS
      let status = bytes.withUnsafeBufferPointer { given in
        tjDecompress2(
          handle, given.baseAddress, UInt(given.count), out.baseAddress, Int32(width), 0, Int32(height),
          Int32(format.rawValue), flags)
      }
      count = size
      guard status != 0 else { return }
      let words = tjGetErrorStr2(handle).map { String(cString: $0) } ?? ""
      if tjGetErrorCode(handle) == TJERR_WARNING.rawValue, words.contains("extraneous bytes before marker"),
        hasEnd(bytes)
      {
        return
      }
      failure = words
    }
    if let failure {
      if failure.contains("Premature end") {
        throw .file(path, "is cut short: its JPEG data have no end", hint: downloadAgain)
      }
      throw .file(path, "is a damaged JPEG image (\(failure.prefix(100)))", hint: downloadAgain)
    }
    if isInk { lighten(&pixels) }
    return Picture(width: width, height: height, pixels: pixels)
  }

  /// Ink to light as PIL converts it: the values are taken to be inverted, as Adobe writes them.
  private static func lighten(_ pixels: inout [UInt8]) {
    pixels.withUnsafeMutableBufferPointer { pixels in
      for start in stride(from: 0, to: pixels.count - 3, by: 4) {
        let black = Int(pixels[start + 3])
        for i in start..<start + 3 {
          let product = (255 - Int(pixels[i])) * black + 128
          pixels[i] = UInt8(clamping: black - (product >> 8 + product) >> 8)
        }
      }
    }
  }

  /// Whether there is an end marker among the last bytes.
  private static func hasEnd(_ bytes: [UInt8]) -> Bool {
    let tail = bytes.suffix(1 << 16)
    return zip(tail, tail.dropFirst()).contains { $0 == 0xFF && $1 == 0xD9 }
  }

  /// What the frame header of an image says.
  struct Header {
    var width = 0
    var height = 0
    var components = 0

    /// Walks over the segments up to the frame header.
    init?(_ bytes: [UInt8]) {
      var place = 2
      while place + 4 <= bytes.count {
        guard bytes[place] == 0xFF else { return nil }
        let marker = bytes[place + 1]
        // Fill bytes, and markers that stand alone.
        if marker == 0xFF {
          place += 1
          continue
        }
        if marker == 0x01 || (0xD0...0xD8).contains(marker) {
          place += 2
          continue
        }
        let length = Int(bytes[place + 2]) << 8 | Int(bytes[place + 3])
        guard length >= 2 else { return nil }
        if (0xC0...0xCF).contains(marker), marker != 0xC4, marker != 0xC8, marker != 0xCC {
          guard place + 10 <= bytes.count else { return nil }
          height = Int(bytes[place + 5]) << 8 | Int(bytes[place + 6])
          width = Int(bytes[place + 7]) << 8 | Int(bytes[place + 8])
          components = Int(bytes[place + 9])
          return
        }
        if marker == 0xDA || marker == 0xD9 { return nil }
        place += 2 + length
      }
      return nil
    }
  }
}
