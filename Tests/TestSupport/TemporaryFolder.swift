import Base
import CZlib
import Foundation
import Testing

/// A folder that is gone after the test.
public final class TemporaryFolder {
  public let path: String

  public init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "ltd-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  public func path(_ name: String) -> String { "\(path)/\(name)" }

  public func write(_ bytes: [UInt8], _ name: String) throws { try Data(bytes).write(to: URL(filePath: path(name))) }

  public func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path(name)))) }

  public func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }

  public func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: false)
  }

  /// A file of this size that takes no space on the disk.
  public func writeSparse(_ start: [UInt8], size: Int, _ name: String) throws {
    try write(start, name)
    let handle = try FileHandle(forWritingTo: URL(filePath: path(name)))
    try handle.truncate(atOffset: UInt64(size))
    try handle.close()
  }
}

/// One gzip member.
public func gzip(_ content: [UInt8]) -> [UInt8] {
  var stream = z_stream()
  guard
    deflateInit2_(
      &stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size)) == Z_OK
  else { return [] }
  defer { deflateEnd(&stream) }
  var input = content
  var output = [UInt8](repeating: 0, count: content.count + 1024)
  let capacity = output.count
  let size = input.withUnsafeMutableBufferPointer { input in
    output.withUnsafeMutableBufferPointer { output in
      stream.next_in = input.baseAddress
      stream.avail_in = uInt(input.count)
      stream.next_out = output.baseAddress
      stream.avail_out = uInt(capacity)
      deflate(&stream, Z_FINISH)
      return capacity - Int(stream.avail_out)
    }
  }
  return Array(output[..<size])
}

/// Big-endian.
public func word(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }

/// Expects an error that says all of these words and has a hint.
public func expectRefusal(
  _ words: String..., sourceLocation: SourceLocation = #_sourceLocation, by body: () throws -> Void
) {
  do {
    try body()
    Issue.record("it was accepted; expected a refusal with \(words)", sourceLocation: sourceLocation)
  } catch let error as CoreError {
    for word in words {
      #expect(error.message.contains(word), "\(error.message)", sourceLocation: sourceLocation)
    }
    #expect(!(error.hint ?? "").isEmpty, "\(error.message) has no hint", sourceLocation: sourceLocation)
  } catch {
    Issue.record(error, sourceLocation: sourceLocation)
  }
}
