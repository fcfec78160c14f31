import Base
import CZlib

/// Writes an image, or a grid of images, as an 8-bit PNG; an existing file is replaced only when the new one is
/// complete.
///
/// - Parameters:
///   - values: pixels in [0, 1], row by row, channel by channel, image by image; they are clipped and rounded to bytes.
///   - shape: [height, width], [channels, height, width] or [n, channels, height, width] with 1 (grey) or 3 (RGB)
///     channels; it says how many values there are.
///   - columns: images in a row of the grid; by default a nearly square grid.
///   - gap: grey pixels between images.
///   - scale: each pixel becomes scale × scale.
/// - Throws: `shape` for any other shape, `value` for a setting out of range, `memory` for more than 2²⁸ pixels, `io`
///   where the file cannot be written.
public func writePNG(
  _ values: [Float], shape: [Int], to path: String, columns: Int? = nil, gap: Int = 1, scale: Int = 1
) throws(CoreError) {
  guard (2...4).contains(shape.count) else {
    throw CoreError(
      .shape, "a picture needs one image of shape [channels, height, width], not \(shape)",
      hint: "give one image, or several as [n, channels, height, width] for a grid", argument: "images")
  }
  let images = [Int](repeating: 1, count: 4 - shape.count) + shape
  guard images.allSatisfy({ $0 >= 0 }), images.reduce(1, &*) == values.count else {
    throw CoreError(
      .shape, "\(values.count) values do not fill images of shape \(shape)", hint: "each pixel needs one",
      argument: "images")
  }
  let columns = columns ?? Int(Double(images[0]).squareRoot().rounded(.up))
  try Raster(values, images: images[0], shape: Array(images[1...]), columns: columns, gap: gap)
    .enlarged(scale).writePNG(to: path)
}

/// Bytes of a picture, row by row, channels together.
///
/// The picture is made whole in memory, at most 2²⁸ pixels, and every product of sizes is checked before memory is
/// asked for. Rows are written without a filter: pictures of a few images gain nothing from one.
private struct Raster {
  let width: Int
  let height: Int
  let channels: Int
  private(set) var bytes: [UInt8]
  private static let mostPixels = 1 << 28

  init(_ values: [Float], images: Int, shape: [Int], columns: Int, gap: Int) throws(CoreError) {
    let (channels, imageHeight, imageWidth) = (shape[0], shape[1], shape[2])
    guard channels == 1 || channels == 3 else {
      throw CoreError(
        .shape, "an image of \(channels) channels cannot be drawn", hint: "give images of 1 channel (grey) or 3 (RGB)",
        argument: "images")
    }
    guard images > 0, imageHeight > 0, imageWidth > 0 else {
      throw CoreError(.shape, "there is no pixel to draw", hint: "choose at least one image", argument: "images")
    }
    guard columns > 0 else {
      throw CoreError(.value, "columns must be at least 1, not \(columns)", hint: "columns=10", argument: "columns")
    }
    guard (0...1000).contains(gap) else {
      throw CoreError(.value, "gap must be from 0 to 1000, not \(gap)", hint: "gap=1 is usual", argument: "gap")
    }
    let columns = min(columns, images)
    let rows = (images - 1) / columns + 1
    let (width, wide) = columns.multipliedReportingOverflow(by: imageWidth + gap)
    let (height, high) = rows.multipliedReportingOverflow(by: imageHeight + gap)
    let (pixels, large) = width.multipliedReportingOverflow(by: height)
    guard !wide, !high, !large, pixels <= Self.mostPixels else { throw Self.tooLarge }
    self.channels = channels
    self.width = width - gap
    self.height = height - gap
    bytes = [UInt8](repeating: 128, count: self.width * self.height * channels)
    for image in 0..<images {
      let left = image % columns * (imageWidth + gap)
      let top = image / columns * (imageHeight + gap)
      for channel in 0..<channels {
        for y in 0..<imageHeight {
          let source = ((image * channels + channel) * imageHeight + y) * imageWidth
          let target = ((top + y) * self.width + left) * channels + channel
          for x in 0..<imageWidth { bytes[target + x * channels] = Self.byte(values[source + x]) }
        }
      }
    }
  }

  private init(width: Int, height: Int, channels: Int, bytes: [UInt8]) {
    self.width = width
    self.height = height
    self.channels = channels
    self.bytes = bytes
  }

  func enlarged(_ scale: Int) throws(CoreError) -> Raster {
    guard (1...256).contains(scale) else {
      throw CoreError(
        .value, "scale must be from 1 to 256, not \(scale)", hint: "scale=1 draws each pixel once", argument: "scale")
    }
    guard scale > 1 else { return self }
    guard width * scale * height * scale <= Self.mostPixels else { throw Self.tooLarge }
    var large: [UInt8] = []
    large.reserveCapacity(bytes.count * scale * scale)
    for y in 0..<height {
      var row: [UInt8] = []
      for x in 0..<width {
        let start = (y * width + x) * channels
        for _ in 0..<scale { row += bytes[start..<start + channels] }
      }
      for _ in 0..<scale { large += row }
    }
    return Raster(width: width * scale, height: height * scale, channels: channels, bytes: large)
  }

  func writePNG(to path: String) throws(CoreError) {
    try AtomicFile.replace(path, parts: [try pngFile(bytes, width: width, height: height, channels: channels)])
  }

  /// The byte of a value; NaN becomes black.
  private static func byte(_ value: Float) -> UInt8 { value > 0 ? UInt8((min(value, 1) * 255).rounded()) : 0 }

  private static var tooLarge: CoreError {
    CoreError(
      .memory, "the picture is larger than \(mostPixels) pixels", hint: "write fewer images or a smaller scale",
      argument: "images")
  }
}

/// A PNG of bytes, row by row, channels together: 1 for grey or 3 for RGB. Rows are written without a filter.
func pngFile(_ bytes: [UInt8], width: Int, height: Int, channels: Int) throws(CoreError) -> [UInt8] {
  let rowSize = width * channels
  var filtered: [UInt8] = []
  filtered.reserveCapacity((rowSize + 1) * height)
  for y in 0..<height {
    filtered.append(0)
    filtered += bytes[y * rowSize..<(y + 1) * rowSize]
  }
  let packed = try zlibPacked(filtered)
  let colourType: UInt8 = channels == 3 ? 2 : 0
  let header = word(width) + word(height) + [8, colourType, 0, 0, 0]
  return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
    + chunk("IDAT", packed) + chunk("IEND", [])
}

/// Bytes in the form of zlib.
func zlibPacked(_ bytes: [UInt8]) throws(CoreError) -> [UInt8] {
  var size = compressBound(uLong(bytes.count))
  var packed = [UInt8](repeating: 0, count: Int(size))
  guard compress2(&packed, &size, bytes, uLong(bytes.count), 6) == Z_OK else {
    throw CoreError(.memory, "not enough memory to compress a picture")
  }
  return Array(packed.prefix(Int(size)))
}

private func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
  let checked = Array(type.utf8) + content
  return word(content.count) + checked + word(Int(checksum(checked)))
}

private func word(_ value: Int) -> [UInt8] {
  [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
}
