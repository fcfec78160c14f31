import CDeflate
import CZlib

/// Decompresses gzip data: members one after another, zero bytes after them (RFC 1952), nothing else.
final class GzipMembers {
  private let path: String
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var hasEnded = false

  /// A decompressor at the start of the data.
  ///
  /// - Parameter path: the file that the data are of, for errors.
  init(_ path: String) throws(CoreError) {
    self.path = path
    stream.initialize(to: z_stream())
    let gzipOnly: Int32 = 16
    guard
      inflateInit2_(stream, MAX_WBITS + gzipOnly, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw outOfMemory }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  private var outOfMemory: CoreError { CoreError(.memory, "not enough memory to decompress '\(path)'") }

  /// Adds some of the content, at least one byte unless its end is reached; the end of a member is verified.
  func inflate(from input: inout FileInput, into content: inout [UInt8], atMost wanted: Int) throws(CoreError) {
    let room = min(wanted, 1 << 20)
    var produced = 0
    while produced == 0 && !hasEnded {
      let isAtEnd = try input.isAtEnd()
      let available = input.available
      let old = content.count
      content += repeatElement(0, count: room)
      let status = input.buffer.withUnsafeBufferPointer { given in
        content.withUnsafeMutableBufferPointer { output in
          // zlib takes the address of what it only reads as one that it could write to.
          stream.pointee.next_in = UnsafeMutablePointer(mutating: given.baseAddress.map { $0 + available.lowerBound })
          stream.pointee.avail_in = uInt(available.count)
          stream.pointee.next_out = output.baseAddress.map { $0 + old }
          stream.pointee.avail_out = uInt(room)
          return CZlib.inflate(stream, Z_NO_FLUSH)
        }
      }
      produced = room - Int(stream.pointee.avail_out)
      content.removeLast(room - produced)
      input.take(available.count - Int(stream.pointee.avail_in))
      switch status {
      case Z_OK, Z_BUF_ERROR:
        if isAtEnd, produced == 0 {
          throw .file(path, "is cut short: its gzip data has no end", hint: downloadAgain)
        }
      case Z_STREAM_END: try beginNextMember(&input)
      case Z_MEM_ERROR: throw outOfMemory
      default:
        let detail = stream.pointee.msg.map { " (\(String(cString: $0)))" } ?? ""
        throw .file(path, "is damaged: its gzip data is not valid\(detail)", hint: downloadAgain)
      }
    }
  }

  /// Skips zero bytes up to the next member, if there is one.
  private func beginNextMember(_ input: inout FileInput) throws(CoreError) {
    while try !input.isAtEnd() {
      guard let next = input.buffer[input.available].firstIndex(where: { $0 != 0 }) else {
        input.take(input.available.count)
        continue
      }
      input.take(next - input.available.lowerBound)
      guard input.buffer[next] == 0x1F, inflateReset(stream) == Z_OK else {
        throw .file(
          path, "continues after the end of its gzip data with what is not gzip data",
          hint: "extra bytes were added; \(downloadAgain)")
      }
      return
    }
    hasEnded = true
  }
}

/// CRC-32 of bytes that follow others, whose checksum is given; 0 at the start.
package func checksum(_ bytes: [UInt8], after crc: UInt32 = 0) -> UInt32 {
  bytes.withUnsafeBytes { checksum($0, after: crc) }
}

/// The CRC-32 of bytes in memory.
///
/// - Parameter crc: that of what comes before them.
package func checksum(_ bytes: UnsafeRawBufferPointer, after crc: UInt32 = 0) -> UInt32 {
  // Without bytes libdeflate returns what it begins with, whatever came before.
  bytes.baseAddress.map { libdeflate_crc32(crc, $0, bytes.count) } ?? crc
}
