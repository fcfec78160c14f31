import Base
import CZlib
import Platform
import Tensors

/// Reads the content of one regular file front to back, decompressing gzip where the content is gzip (whatever the file
/// is called): members one after another, zero bytes behind them (RFC 1952). Memory grows with what the file really holds, never with what a header claims.
final class ContentReader {
  let path: String
  /// Size on disk.
  let fileSize: Int
  let isGzip: Bool
  /// Checksum of all content read so far.
  private(set) var crc: UInt32 = 0
  /// Content bytes read so far.
  private(set) var position = 0

  private let descriptor: Int32
  private let stream: UnsafeMutablePointer<z_stream>?
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  private var available = 0..<0
  private var gzipEnded = false

  /// - Parameter expected: what the file should be, for messages: "gzip IDX images".
  init(path: String, expected: String) throws(CoreError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    let openError = errno
    var information = stat()
    if descriptor < 0 || fstat(descriptor, &information) != 0 {
      let reason = String(cString: strerror(descriptor < 0 ? openError : errno))
      (fileSize, isGzip, stream, firstStoredBytes) = (0, false, nil, [])
      throw .file(path, "cannot be opened: \(reason)", hint: "expected \(expected)")
    }
    fileSize = Int(information.st_size)
    guard information.st_mode & S_IFMT == S_IFREG else {
      (isGzip, stream, firstStoredBytes) = (false, nil, [])
      let kind = information.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not a regular file"
      throw .file(path, "is \(kind)", hint: "expected \(expected)")
    }
    guard fileSize > 0 else {
      (isGzip, stream, firstStoredBytes) = (false, nil, [])
      throw .file(path, "is empty (0 bytes)", hint: "expected \(expected); \(downloadAgain)")
    }
    let count = read(descriptor, &buffer, buffer.count)
    available = 0..<max(0, count)
    firstStoredBytes = ArraySlice(Array(buffer[0..<min(max(0, count), FileKind.prefixSize)]))
    isGzip = FileKind(buffer[0..<max(0, count)], size: nil) == .gzip
    guard isGzip else {
      stream = nil
      return
    }
    let state = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    state.initialize(to: z_stream())
    let gzipOnly: Int32 = 16
    if inflateInit2_(state, MAX_WBITS + gzipOnly, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) != Z_OK {
      state.deallocate()
      stream = nil
      throw CoreError(.memory, "not enough memory to decompress '\(path)'")
    }
    stream = state
  }

  deinit {
    if let stream {
      inflateEnd(stream)
      stream.deallocate()
    }
    if descriptor >= 0 { close(descriptor) }
  }

  /// The first bytes of the file as stored, for a guess at what it is.
  let firstStoredBytes: ArraySlice<UInt8>

  /// Up to `count` content bytes, fewer only at the end.
  func readUp(to count: Int) throws(CoreError) -> [UInt8] {
    var content: [UInt8] = []
    content.reserveCapacity(min(max(0, count), mostContent))
    var polled = 0
    while content.count < count {
      let before = content.count
      if before - polled >= 1 << 22 {
        try StopSignal.poll()
        polled = before
      }
      if isGzip {
        try inflateSome(into: &content, atMost: count - before)
      } else {
        if available.isEmpty { try refill() }
        let part = available.prefix(count - before)
        content += buffer[part]
        available = part.upperBound..<available.upperBound
      }
      if content.count == before { break }
    }
    content.withUnsafeBufferPointer { crc = UInt32(truncatingIfNeeded: crc32_z(uLong(crc), $0.baseAddress, $0.count)) }
    position += content.count
    return content
  }

  /// Whether the content goes on. For gzip, the end is verified: checksum, length, and nothing behind it.
  func isAtEnd() throws(CoreError) -> Bool {
    guard isGzip else {
      if available.isEmpty { try refill() }
      return available.isEmpty
    }
    var content: [UInt8] = []
    try inflateSome(into: &content, atMost: 1)
    return content.isEmpty
  }

  /// Checksum and length (modulo 2^32) that a gzip file states in its last eight bytes, without reading what is between:
  /// those of all of its content if it has one member and nothing behind it.
  func gzipTrailer() -> (crc: UInt32, length: UInt32)? {
    guard isGzip, fileSize >= 18 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 8)
    guard pread(descriptor, &bytes, 8, off_t(fileSize - 8)) == 8 else { return nil }
    let word = { (start: Int) in
      bytes[start..<start + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }
    return (word(0), word(4))
  }

  /// The most content this file can hold: deflate shrinks at most 1032 to 1.
  var mostContent: Int {
    guard isGzip else { return fileSize }
    let (product, overflow) = fileSize.multipliedReportingOverflow(by: 1032)
    return overflow ? .max : product
  }

  /// Goes past zero bytes to the next member, if there is one.
  private func beginNextMember(_ stream: UnsafeMutablePointer<z_stream>) throws(CoreError) {
    while true {
      if available.isEmpty { try refill() }
      guard let next = buffer[available].firstIndex(where: { $0 != 0 }) else {
        if available.isEmpty {
          gzipEnded = true
          return
        }
        available = available.upperBound..<available.upperBound
        continue
      }
      available = next..<available.upperBound
      guard buffer[next] == 0x1F, inflateReset(stream) == Z_OK else {
        throw .file(
          path, "goes on after the end of its gzip data with what is not gzip data",
          hint: "extra bytes were added; \(downloadAgain)")
      }
      return
    }
  }

  private func refill() throws(CoreError) {
    try StopSignal.poll()
    let count = read(descriptor, &buffer, buffer.count)
    guard count >= 0 else {
      throw .file(
        path, "cannot be read: \(String(cString: strerror(errno)))", hint: "check the disk and the permissions")
    }
    available = 0..<count
  }

  private func inflateSome(into content: inout [UInt8], atMost wanted: Int) throws(CoreError) {
    guard let stream, !gzipEnded else { return }
    let room = min(wanted, 1 << 20)
    var produced = 0
    while produced == 0 && !gzipEnded {
      if available.isEmpty { try refill() }
      let start = available.lowerBound
      let given = available.count
      let old = content.count
      content += repeatElement(0, count: room)
      let status = buffer.withUnsafeMutableBufferPointer { input in
        content.withUnsafeMutableBufferPointer { output in
          stream.pointee.next_in = input.baseAddress.map { $0 + start }
          stream.pointee.avail_in = uInt(given)
          stream.pointee.next_out = output.baseAddress.map { $0 + old }
          stream.pointee.avail_out = uInt(room)
          return inflate(stream, Z_NO_FLUSH)
        }
      }
      produced = room - Int(stream.pointee.avail_out)
      content.removeLast(room - produced)
      available = start + given - Int(stream.pointee.avail_in)..<available.upperBound
      switch status {
      case Z_OK: break
      case Z_STREAM_END: try beginNextMember(stream)
      case Z_BUF_ERROR:
        // No progress possible: the input is used up and there is no more.
        if available.isEmpty {
          try refill()
          if available.isEmpty { throw .file(path, "is cut short: its gzip data has no end", hint: downloadAgain) }
        }
      case Z_MEM_ERROR:
        throw CoreError(.memory, "not enough memory to decompress '\(path)'")
      default:
        let detail = stream.pointee.msg.map { " (\(String(cString: $0)))" } ?? ""
        throw .file(path, "is damaged: its gzip data is not valid\(detail)", hint: downloadAgain)
      }
    }
  }
}

extension CoreError {
  /// A failure that names its file.
  static func file(_ path: String, _ problem: String, hint: String) -> CoreError {
    CoreError(.io, "'\(path)' \(problem)", hint: hint, argument: "path")
  }
}

let downloadAgain = "download the file again"
