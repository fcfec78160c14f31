/// What a file is, for a message that says what was found instead of what was wanted; the raw value is how it says so.
///
/// It is decided by structure: a few first bytes alone do not make a kind, since a file of another form may begin with
/// the same ones (the length of a header, the pixels of an image). A reader asks only once its own form has been ruled
/// out.
package enum FileKind: String, Sendable {
  /// What torch.save writes, as a zip archive or in the old form without one.
  case torch = "a torch.save file"
  /// A pickle of protocol 2 to 5 that is no torch.save file.
  case pickle = "a Python pickle"
  /// One array, as numpy.save writes it.
  case numpyArray = "a NumPy array"
  /// Several arrays, as numpy.savez writes them: a zip archive whose first file ends in .npy.
  case numpyArchive = "a NumPy archive"
  /// A zip archive of anything else.
  case zip = "a zip archive"
  /// A file of the Hierarchical Data Format, version 5.
  case hdf5 = "an HDF5 file"
  /// Data compressed with gzip, whatever is inside.
  case gzip = "gzip data"
  /// Data compressed with bzip2.
  case bzip2 = "a bzip2 file"
  /// Data compressed with xz.
  case xz = "an xz file"
  /// Data compressed with Zstandard.
  case zstd = "a zstd file"
  /// An archive of 7-Zip.
  case sevenZip = "a 7z archive"
  /// A tar archive that is not compressed.
  case tar = "a tar archive"
  /// A network in the format of ONNX: a protocol buffer that begins with its version and the name of its producer.
  case onnx = "an ONNX model"
  /// A PNG image.
  case png = "a PNG image"
  /// A JPEG image.
  case jpeg = "a JPEG image"
  /// A GIF image, 87a or 89a.
  case gif = "a GIF image"
  /// Images in the format of MNIST: bytes with three axes.
  case idxImages = "an IDX image file"
  /// Labels in the format of MNIST: bytes with one axis.
  case idxLabels = "an IDX label file"
  /// A PDF document.
  case pdf = "a PDF document"
  /// An ELF program or library.
  case program = "a program"
  /// A few lines that Git LFS keeps in the place of a large file.
  case lfsPointer = "a Git LFS pointer, not the data itself"
  /// A web page, which many servers send instead of the file that was asked for.
  case html = "a web page (HTML)"
  /// An XML document with its declaration.
  case xml = "an XML document"
  /// A text that begins as a JSON object does.
  case json = "a JSON text"
  /// Any other text in UTF-8 without control characters.
  case text = "a text file"
  /// Zero bytes as far as is looked, as a download that was cut off leaves them.
  case zeros = "nothing but zero bytes"

  /// How many bytes from the start are looked at.
  package static let prefixSize = 512

  /// Recognises the kind of a file by its first bytes.
  ///
  /// - Parameters:
  ///   - start: the first bytes of the file, 512 where there are that many.
  ///   - size: the size of the whole content; nil where it is not known.
  /// - Returns: nil where nothing is recognised.
  package init?(_ start: ArraySlice<UInt8>, size: Int?) {
    let bytes = Array(start.prefix(Self.prefixSize))
    guard let kind = Self.archive(bytes) ?? Self.binary(bytes, size) ?? Self.readable(bytes) else { return nil }
    self = kind
  }

  private static func archive(_ bytes: [UInt8]) -> FileKind? {
    if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) || bytes.starts(with: [0x50, 0x4B, 0x05, 0x06]) {
      // The name of the first file of the archive.
      guard bytes.count > 30 else { return .zip }
      let length = Int(bytes[26]) | Int(bytes[27]) << 8
      let name = String(decoding: bytes[30..<min(bytes.count, 30 + length)], as: UTF8.self)
      if name.hasSuffix(".npy") { return .numpyArchive }
      let torch = ["/data.pkl", "/version", "/byteorder", "/.format_version", "/constants.pkl"]
      return torch.contains(where: name.hasSuffix) ? .torch : .zip
    }
    // Method deflate, no flag that does not exist.
    if bytes.starts(with: [0x1F, 0x8B, 0x08]), bytes.count < 4 || bytes[3] & 0xE0 == 0 { return .gzip }
    if bytes.starts(with: Array("BZh".utf8)), bytes.count < 10 || bytes[4...].starts(with: [0x31, 0x41, 0x59, 0x26]) {
      return .bzip2
    }
    if bytes.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) { return .xz }
    if bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return .zstd }
    if bytes.starts(with: [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]) { return .sevenZip }
    if bytes.count > 262, bytes[257...].starts(with: Array("ustar".utf8)) { return .tar }
    return nil
  }

  private static func binary(_ bytes: [UInt8], _ size: Int?) -> FileKind? {
    if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) { return .numpyArray }
    if bytes.starts(with: [0x89] + Array("HDF\r\n\u{1A}\n".utf8)) { return .hdf5 }
    if bytes.starts(with: [0x89] + Array("PNG\r\n".utf8)) { return .png }
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
    if bytes.starts(with: Array("GIF87a".utf8)) || bytes.starts(with: Array("GIF89a".utf8)) { return .gif }
    if bytes.starts(with: [0x7F] + Array("ELF".utf8)) { return .program }
    if bytes.starts(with: Array("%PDF-".utf8)) { return .pdf }
    // The number that the old form of torch.save begins with.
    if bytes.count > 3, bytes[0] == 0x80, bytes[2...].starts(with: [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46]) {
      return .torch
    }
    if bytes.count > 2, bytes[0] == 0x80, (2...5).contains(bytes[1]) {
      // The first instruction: a frame, or what a small object starts with.
      let first: [UInt8] = bytes[1] >= 4 ? [0x95] : Array("}])(lcXUKJMGN".utf8) + [0x85, 0x86, 0x87, 0x88, 0x89, 0x8A]
      if first.contains(bytes[2]) { return .pickle }
    }
    // Field 1, the version of the format; then field 2, the name of its producer.
    if bytes.count > 16, bytes[0] == 0x08, (3...32).contains(bytes[1]), bytes[2] == 0x12, (1...64).contains(bytes[3]),
      bytes[4..<min(bytes.count, 4 + Int(bytes[3]))].allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
    {
      return .onnx
    }
    func word(_ place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
    guard bytes.starts(with: [0, 0, 8]), bytes.count >= 8, bytes[3] == 1 || bytes[3] == 3 else { return nil }
    guard let size else { return bytes[3] == 1 ? .idxLabels : .idxImages }
    if bytes[3] == 1, size == 8 + word(4) { return .idxLabels }
    if bytes[3] == 3, bytes.count >= 16 {
      let (image, isLarge) = word(8).multipliedReportingOverflow(by: word(12))
      let (all, isHuge) = image.multipliedReportingOverflow(by: word(4))
      if !isLarge, !isHuge, size - 16 == all { return .idxImages }
    }
    return nil
  }

  private static func readable(_ bytes: [UInt8]) -> FileKind? {
    guard !bytes.isEmpty else { return nil }
    if bytes.allSatisfy({ $0 == 0 }) { return .zeros }
    guard !bytes.contains(where: { $0 < 0x20 && !(0x09...0x0D).contains($0) || $0 == 0x7F }) else { return nil }
    // A character may be cut off at the end.
    let ending = bytes.count == prefixSize ? bytes.suffix(3).lastIndex { $0 >= 0xC0 } : nil
    guard let text = String(validating: bytes[..<(ending ?? bytes.count)], as: UTF8.self) else { return nil }
    let trimmed = text.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
    let start = trimmed.prefix(64).lowercased()
    if text.hasPrefix("version https://git-lfs") { return .lfsPointer }
    if start.hasPrefix("<?xml") { return .xml }
    if start.hasPrefix("<!doctype") || start.hasPrefix("<html") || start.hasPrefix("<head") || start.hasPrefix("<!--") {
      return .html
    }
    let second = trimmed.dropFirst().first { !$0.isWhitespace }
    if trimmed.first == "{", second == "\"" || second == "}" { return .json }
    return .text
  }
}
