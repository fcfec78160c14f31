import Platform

/// An open file to read: any part of it, or its content from front to back, or all of it at once.
///
/// Every reader of a file format is written on this class. Parts are read by their offset and cost no memory beyond
/// themselves. From front to back, gzip is decompressed where the content is gzip, whatever the file is called: members
/// one after another, with zero bytes after them (RFC 1952). Memory grows with what a file really holds, never with
/// what a header claims. `bytes(of:)` and `text(of:)` take pipes, devices and standard input too; all reading ends when
/// the `StopSignal` of the thread is raised.
package final class FileReader {
  /// The path as it was given, for messages.
  package let path: String
  /// How many bytes the file has on the disk, compressed as it is.
  package let size: Int
  /// The first 512 bytes as they are stored, or all where there are fewer: for a guess at what the file is.
  package let beginning: [UInt8]
  /// Whether the content is compressed with gzip.
  package let isGzip: Bool
  /// CRC-32 of the content read from front to back so far.
  package private(set) var crc: UInt32 = 0
  /// How many bytes of the content have been read from front to back.
  package private(set) var position = 0

  private var input: FileInput
  /// Content that was read to see whether there is more.
  private var ahead: [UInt8] = []
  private var members: GzipMembers?

  /// Opens a regular file.
  ///
  /// - Parameter expected: what the file should be, for the hint of an error: "records of 3073 bytes".
  /// - Throws: `io` where there is none, where it may not be read, where it is something else, and where it is empty.
  package init(_ path: String, expected: String) throws(CoreError) {
    let hint = "expected \(expected)"
    let input = try FileInput(path, hint: hint)
    self.path = path
    self.input = input
    guard !input.isStream else { throw .file(path, "is not a regular file", hint: hint) }
    size = input.size
    guard size > 0 else { throw .file(path, "is empty (0 bytes)", hint: "\(hint); \(downloadAgain)") }
    beginning = try input.part(at: 0, count: min(size, FileKind.prefixSize))
    isGzip = FileKind(beginning[...], size: nil) == .gzip
  }

  // MARK: Any part

  /// Bytes of the file as they are stored.
  ///
  /// - Throws: `io` where the file ends before `count` bytes from `offset` on.
  package func read(at offset: Int, count: Int) throws(CoreError) -> [UInt8] {
    try checkRange(offset, count)
    return try input.part(at: offset, count: count)
  }

  /// Fills memory with bytes of the file as they are stored.
  ///
  /// - Throws: `io` where the file ends before `target.count` bytes from `offset` on.
  package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(CoreError) {
    try checkRange(offset, target.count)
    try input.fill(from: offset, target)
  }

  /// Fills memory as `read(at:into:)` does, and computes the CRC-32 of the bytes while they are in the cache.
  package func readWithChecksum(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(CoreError) -> UInt32
  {
    try checkRange(offset, target.count)
    var crc: UInt32 = 0
    for start in stride(from: 0, to: target.count, by: 1 << 18) {
      let piece = UnsafeMutableRawBufferPointer(rebasing: target[start..<min(start + 1 << 18, target.count)])
      try input.fill(from: offset + start, piece)
      crc = checksum(UnsafeRawBufferPointer(piece), after: crc)
    }
    return crc
  }

  private func checkRange(_ offset: Int, _ count: Int) throws(CoreError) {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
      throw .file(path, "ends early: \(size) bytes, but \(count) bytes at \(offset) are needed", hint: downloadAgain)
    }
  }

  // MARK: From front to back

  /// The next bytes of the content.
  ///
  /// - Returns: `count` of them, fewer only at the end.
  /// - Throws: `io` where gzip data are damaged or cut short.
  package func next(_ count: Int) throws(CoreError) -> [UInt8] {
    var content: [UInt8] = []
    content.reserveCapacity(min(max(0, count), mostContent))
    if count > 0 {
      content += ahead
      ahead = []
    }
    var polled = 0
    while content.count < count {
      let before = content.count
      if before - polled >= 1 << 22 {
        try StopSignal.poll()
        polled = before
      }
      try readSome(into: &content, atMost: count - before)
      if content.count == before { break }
    }
    crc = checksum(content, after: crc)
    position += content.count
    return content
  }

  /// Whether all of the content has been read. Of gzip data the end is verified: checksum, length, and nothing after
  /// it.
  package func isAtEnd() throws(CoreError) -> Bool {
    guard isGzip else { return try input.isAtEnd() }
    if ahead.isEmpty { try readSome(into: &ahead, atMost: 1) }
    return ahead.isEmpty
  }

  /// Checksum and length (modulo 2³²) that a gzip file states in its last eight bytes: those of all of its content if
  /// it has one member and nothing after it. Nothing before them is read; nil for what is not gzip.
  package func gzipTrailer() throws(CoreError) -> (crc: UInt32, length: UInt32)? {
    guard isGzip, size >= 18 else { return nil }
    let bytes = try read(at: size - 8, count: 8)
    let word = { (start: Int) in bytes[start..<start + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
    return (word(0), word(4))
  }

  /// The most bytes that the content can have: deflate shrinks at most 1032 to 1.
  package var mostContent: Int {
    guard isGzip else { return size }
    let (product, overflow) = size.multipliedReportingOverflow(by: 1032)
    return overflow ? .max : product
  }

  private func readSome(into content: inout [UInt8], atMost count: Int) throws(CoreError) {
    guard isGzip else { return try input.readSome(into: &content, atMost: count) }
    if members == nil { members = try GzipMembers(path) }
    try members?.inflate(from: &input, into: &content, atMost: count)
  }

  // MARK: All at once

  /// All bytes of a file, pipe or device; of standard input where the path is `-`.
  ///
  /// - Parameter limit: the most bytes that are taken, by default 1 GiB.
  /// - Throws: `io` where it cannot be read and where there is more; what `StopSignal.poll` throws.
  package static func bytes(of path: String, limit: Int = 1 << 30) throws(CoreError) -> [UInt8] {
    var input = try FileInput(path)
    let tooLong = CoreError.file(path, "is longer than \(limit >> 20 > 0 ? "\(limit >> 20) MiB" : "\(limit) bytes")")
    // The files of /proc state no size.
    if !input.isStream, input.size > limit { throw tooLong }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(input.size, limit))
    while try !input.isAtEnd() {
      try input.readSome(into: &bytes, atMost: .max)
      if bytes.count > limit { throw tooLong }
    }
    return bytes
  }

  /// All text of a file, as `bytes(of:limit:)` reads it.
  ///
  /// - Throws: `io` also for what is not UTF-8, with the line.
  package static func text(of path: String, limit: Int = 1 << 30) throws(CoreError) -> String {
    let bytes = try bytes(of: path, limit: limit)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    let good = validPrefix(bytes)
    let line = bytes[..<good].reduce(into: 1) { if $1 == UInt8(ascii: "\n") { $0 += 1 } }
    throw .cannot("read", path, "line \(line) is not UTF-8 text (byte \(good))")
  }

  /// How many bytes at the start are well-formed UTF-8.
  private static func validPrefix(_ bytes: [UInt8]) -> Int {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var good = 0
    while case .scalarValue(let scalar) = decoder.decode(&iterator) { good += UTF8.width(scalar) }
    return min(good, bytes.count)
  }
}

/// What to do about a file that is damaged.
package let downloadAgain = "copy or download the file again"
