import Base

/// A decoded image: rows from the top, four bytes a pixel, of which the fourth is not used.
struct Picture {
  let width: Int
  let height: Int
  /// Red, green, blue, anything; 4 · width · height of them.
  var pixels: [UInt8]

  /// The most pixels that an image may have: the number from which on PIL takes an image for an attack.
  static let mostPixels = 178_956_970

  /// Decodes a JPEG or PNG image; which of the two is told by its first bytes, whatever the file is called.
  ///
  /// Sizes that the bytes cannot hold are refused before memory is taken for them.
  ///
  /// - Parameter path: the file that the bytes are of, for errors.
  /// - Throws: `io` where the image is damaged, cut short, too large, or something else.
  init(_ bytes: [UInt8], path: String) throws(CoreError) {
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = try JPEG.decode(bytes, path: path)
    } else if bytes.starts(with: PNG.signature) {
      self = try PNG.decode(bytes, path: path)
    } else {
      if bytes.isEmpty { throw .file(path, "is empty (0 bytes)", hint: "leave it out; \(downloadAgain)") }
      let kind = FileKind(bytes.prefix(FileKind.prefixSize), size: bytes.count)
      throw .file(
        path,
        "\(kind.map { "is \($0.rawValue)" } ?? "begins with the bytes \(hex(bytes.prefix(4)))"), not a JPEG or PNG image",
        hint: "leave it out, or convert it to PNG")
    }
  }

  init(width: Int, height: Int, pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Refuses sizes that are wrong or that the bytes of a file cannot hold.
  ///
  /// - Parameter plausible: the most pixels that this many bytes can stand for.
  static func check(_ width: Int, _ height: Int, plausible: Int, path: String) throws(CoreError) {
    guard width > 0, height > 0 else {
      throw .file(path, "states that it has \(width)×\(height) pixels", hint: "the file is damaged; \(downloadAgain)")
    }
    let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, pixels <= mostPixels else {
      throw .file(
        path, "states that it has \(width)×\(height) pixels; \(mostPixels) are the most that are read",
        hint: "make it smaller, or leave it out")
    }
    guard pixels <= plausible else {
      throw .file(
        path, "states that it has \(width)×\(height) pixels, more than its bytes can hold",
        hint: "the file is damaged; \(downloadAgain)")
    }
  }
}
