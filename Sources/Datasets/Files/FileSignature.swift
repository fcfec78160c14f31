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
