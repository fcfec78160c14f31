/// What a file is by its first bytes, for a message that says what was found instead; nil where nothing is recognised.
func knownKind(of bytes: ArraySlice<UInt8>) -> String? {
  let signatures: [([UInt8], String)] = [
    ([0x1F, 0x8B], "gzip data"),
    ([0x00, 0x00, 0x08, 0x01], "an IDX label file"),
    ([0x00, 0x00, 0x08, 0x03], "an IDX image file"),
    (Array("PK\u{3}\u{4}".utf8), "a zip archive"),
    ([0x89, 0x50, 0x4E, 0x47], "a PNG image"),
    ([0xFF, 0xD8, 0xFF], "a JPEG image"),
    (Array("BZh".utf8), "a bzip2 file"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "an xz file"),
    ([0x28, 0xB5, 0x2F, 0xFD], "a zstd file"),
    ([0x93] + Array("NUMPY".utf8), "a NumPy array"),
    ([0x7F] + Array("ELF".utf8), "a program"),
    (Array("%PDF".utf8), "a PDF document"),
    (Array("version https://git-lfs".utf8), "a Git LFS pointer, not the data itself"),
    ([0x80, 0x02], "a Python pickle"), ([0x80, 0x03], "a Python pickle"), ([0x80, 0x04], "a Python pickle"),
  ]
  if let found = signatures.first(where: { bytes.starts(with: $0.0) }) { return found.1 }
  if bytes.count > 262, bytes.dropFirst(257).starts(with: Array("ustar".utf8)) { return "a tar archive" }
  let text = bytes.prefix(256)
  guard text.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || (0x09...0x0D).contains($0) }) else {
    return bytes.allSatisfy { $0 == 0 } ? "nothing but zero bytes" : nil
  }
  let trimmed = String(decoding: text, as: UTF8.self).lowercased().drop { $0.isWhitespace }
  if trimmed.hasPrefix("<!doctype") || trimmed.hasPrefix("<html") { return "a web page (HTML)" }
  if trimmed.hasPrefix("<?xml") { return "an XML document" }
  return "a text file"
}

/// Content that can be told by its length and CRC-32: parts of published data sets, so that one in the place of another
/// is noticed.
struct KnownContent: Equatable {
  let description: String

  static func find(length: Int, crc: UInt32) -> KnownContent? {
    table.first { $0.length == length && $0.crc == crc }.map { KnownContent(description: $0.description) }
  }

  private static let table: [(length: Int, crc: UInt32, description: String)] = [
    (47_040_016, 0xE9F4_D8B3, "the MNIST training images"),
    (60_008, 0xE0CB_4AD2, "the MNIST training labels"),
    (7_840_016, 0x9137_3BDF, "the MNIST test images"),
    (10_008, 0x4AB9_EFF9, "the MNIST test labels"),
    (47_040_016, 0xB4F2_9F28, "the Fashion-MNIST training images"),
    (60_008, 0x741A_4657, "the Fashion-MNIST training labels"),
    (7_840_016, 0x678F_E0B1, "the Fashion-MNIST test images"),
    (10_008, 0x8014_2C1F, "the Fashion-MNIST test labels"),
    (30_730_000, 0xB322_0C1F, "CIFAR-10 training batch 1"),
    (30_730_000, 0xC439_A348, "CIFAR-10 training batch 2"),
    (30_730_000, 0x8C6F_54F0, "CIFAR-10 training batch 3"),
    (30_730_000, 0x1977_7D49, "the CIFAR-10 test batch"),
  ]
}
