import CNettle

/// The hashes by which a file that somebody has published is recognised, computed while its bytes pass by.
///
/// SHA-256 is what tells a file from every other one. MD5 is computed beside it because it is what the authors of the
/// older data sets publish; alone it would prove nothing, since files with the same MD5 can be made. Both come from
/// nettle.
package struct FileDigest {
  private var md5 = md5_ctx()
  private var sha256 = sha256_ctx()
  private let needsMD5: Bool

  /// The digest of no bytes.
  ///
  /// - Parameter md5: whether MD5 is computed too.
  package init(md5: Bool = false) {
    needsMD5 = md5
    nettle_sha256_init(&sha256)
    nettle_md5_init(&self.md5)
  }

  /// Adds bytes at the end.
  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
    nettle_sha256_update(&sha256, bytes.count, start)
    if needsMD5 { nettle_md5_update(&md5, bytes.count, start) }
  }

  /// Adds bytes at the end.
  package mutating func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }

  /// The SHA-256 of what was added, in hexadecimal digits.
  package var sha256Text: String {
    var state = sha256
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_SIZE))
    nettle_sha256_digest(&state, digest.count, &digest)
    return digest.hexadecimal
  }

  /// The MD5 of what was added, in hexadecimal digits; nil where it was not asked for.
  package var md5Text: String? {
    guard needsMD5 else { return nil }
    var state = md5
    var digest = [UInt8](repeating: 0, count: Int(MD5_DIGEST_SIZE))
    nettle_md5_digest(&state, digest.count, &digest)
    return digest.hexadecimal
  }

  /// The digest of a whole file as it is stored.
  ///
  /// - Parameter onPiece: told after each piece how many bytes have passed.
  /// - Throws: `io` where it cannot be read or changes meanwhile; what `StopSignal.poll` throws.
  package static func of(
    _ file: FileReader, md5: Bool = false, onPiece: (Int) -> Void = { _ in }
  ) throws(CoreError) -> FileDigest {
    var digest = FileDigest(md5: md5)
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: min(file.size, 1 << 18), alignment: 16)
    defer { piece.deallocate() }
    var offset = 0
    while offset < file.size {
      let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<min(piece.count, file.size - offset)])
      try file.read(at: offset, into: part)
      digest.add(UnsafeRawBufferPointer(part))
      offset += part.count
      onPiece(offset)
    }
    return digest
  }
}

extension [UInt8] {
  /// The bytes in hexadecimal digits, without anything between them.
  fileprivate var hexadecimal: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
