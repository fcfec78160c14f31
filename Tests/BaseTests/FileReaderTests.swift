import Base
import Foundation
import TestSupport
import Testing

/// One reader for all files: any part, front to back, all at once.
@Suite struct FileReaderTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func content(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7 ^ $0) } }

  private func reader(_ bytes: [UInt8], _ name: String = "file") throws -> FileReader {
    try folder.write(bytes, name)
    return try FileReader(folder.path(name), expected: "bytes of a test")
  }

  // MARK: Front to back

  /// Reads all in pieces of given sizes, over and over.
  private func pieces(_ reader: FileReader, _ sizes: [Int]) throws -> [UInt8] {
    var all: [UInt8] = []
    var place = 0
    while try !reader.isAtEnd() {
      let size = sizes[place % sizes.count]
      let part = try reader.next(size)
      all += part
      #expect(reader.position == all.count)
      let isLast = try reader.isAtEnd()
      #expect(part.count == size || isLast)
      place += 1
    }
    #expect(try reader.next(100).isEmpty)
    return all
  }

  /// However a file is compressed and however it is read, it is the same bytes with the same checksum.
  @Test(arguments: [0, 1, 2, 511, 65_535, 65_536, 65_537, 300_000])
  func anySplitGivesTheSameBytes(count: Int) throws {
    let bytes = content(count)
    let members = [0, count / 3, count / 3, count].reduce(into: (start: 0, all: [UInt8]())) { done, end in
      done.all += gzip(Array(bytes[done.start..<end]))
      done.start = end
    }.all
    var files = [gzip(bytes), members, members + [UInt8](repeating: 0, count: 100_000), gzip([]) + gzip(bytes) + [0]]
    if count > 0 { files.append(bytes) }
    for (number, file) in files.enumerated() {
      for sizes in [[1 << 22], [1, 65_536], [7, 13, 100_000], [max(1, count)]] {
        let reader = try reader(file)
        #expect(reader.isGzip == (number < 4) && reader.size == file.count)
        #expect(try pieces(reader, sizes) == bytes, "file \(number) in pieces of \(sizes)")
        #expect(reader.crc == checksum(bytes) && reader.position == count && reader.mostContent >= count)
      }
    }
    let trailer = try reader(gzip(bytes)).gzipTrailer()
    #expect(trailer?.crc == checksum(bytes) && trailer?.length == UInt32(count))
  }

  /// However a gzip file is cut, damaged or lengthened: an error, or the bytes up to there, never others.
  @Test func brokenGzipIsAnError() throws {
    let bytes = content(5000)
    let file = gzip(bytes)
    for count in Array(1..<40) + [100, file.count / 2] + Array(file.count - 12..<file.count) {
      let reader = try reader(Array(file.prefix(count)))
      guard reader.isGzip else { continue }
      expectError(.io, containing: "is cut short", "again") { _ = try pieces(reader, [1 << 20]) }
    }
    for place in stride(from: 10, to: file.count, by: 17) {
      var file = file
      file[place] ^= 0x55
      let reader = try reader(file)
      if let read = try? pieces(reader, [997]) { #expect(read == bytes) }
    }
    for more in [[1], [0, 0, 1], [0x1F], [0x1F, 0x8B, 8], Array("text".utf8)] as [[UInt8]] {
      let reader = try reader(file + more)
      expectError(.io) { _ = try pieces(reader, [5000]) }
    }
  }

  // MARK: Parts

  @Test func anyPartIsRead() throws {
    let bytes = content(1000)
    let reader = try reader(bytes)
    #expect(reader.beginning == Array(bytes[..<512]))
    for (start, count) in [(0, 1000), (0, 0), (1000, 0), (999, 1), (17, 500)] {
      #expect(try reader.read(at: start, count: count) == Array(bytes[start..<start + count]))
    }
    for (start, count) in [(0, 1001), (1000, 1), (-1, 2), (1, -1), (Int.max, 1), (1, Int.max)] {
      expectError(.io, containing: "ends early") { _ = try reader.read(at: start, count: count) }
    }
    // Reading parts does not move what is read from front to back.
    #expect(try reader.next(10) == Array(bytes[..<10]))
    _ = try reader.read(at: 500, count: 10)
    #expect(try reader.next(10) == Array(bytes[10..<20]))
  }

  @Test func whatIsNoFileIsRefused() throws {
    func open(_ name: String) throws { _ = try FileReader(folder.path(name), expected: "bytes of a test") }
    expectError(.io, containing: "there is no such file", "expected bytes of a test") { try open("missing") }
    try folder.makeFolder("sub")
    expectError(.io, containing: "it is a folder", "expected bytes of a test") { try open("sub") }
    try folder.write([], "empty")
    expectError(.io, containing: "is empty", "expected bytes of a test") { try open("empty") }
    mkfifo(folder.path("pipe"), 0o600)
    expectError(.io, containing: "is not a regular file") { try open("pipe") }
    expectError(.io, containing: "a part of the path is not a folder") { try open("empty/x") }
    for path in ["", "a\0b"] {
      expectError(.io, containing: "is not a path") { _ = try FileReader(path, expected: "bytes") }
      expectError(.io, containing: "is not a path") { _ = try FileReader.bytes(of: path) }
    }
  }

  // MARK: All at once

  @Test func allOfAFile() throws {
    for count in [0, 1, 65_535, 65_536, 65_537, 200_000] {
      let bytes = content(count)
      try folder.write(bytes, "file")
      let path = folder.path("file")
      #expect(try FileReader.bytes(of: path) == bytes)
      #expect(try FileReader.bytes(of: path, limit: count) == bytes)
      if count > 0 {
        expectError(.io, containing: "is longer than") { _ = try FileReader.bytes(of: path, limit: count - 1) }
      }
    }
    expectError(.io, containing: "it is a folder") { _ = try FileReader.bytes(of: folder.path) }
    // It has no size, but content; and one without end.
    #expect(try FileReader.text(of: "/proc/self/status").hasPrefix("Name:"))
    expectError(.io, containing: "is longer than 1 MiB") { _ = try FileReader.bytes(of: "/dev/zero", limit: 1 << 20) }
    #expect(try FileReader.bytes(of: "/dev/null").isEmpty)
  }

  @Test func whatIsNotTextNamesItsLine() throws {
    for (bytes, line, place) in [
      (Array("one\ntwo ".utf8) + [0xFF], 2, 8), ([0xC3], 1, 0), (Array("é\n\n".utf8) + [0x80, 0x0A], 3, 4),
    ] {
      try folder.write(bytes, "text")
      expectError(.io, containing: "line \(line) is not UTF-8 text (byte \(place))") {
        _ = try FileReader.text(of: folder.path("text"))
      }
    }
    try folder.write(Array("τ = 8/255\n".utf8), "text")
    #expect(try FileReader.text(of: folder.path("text")) == "τ = 8/255\n")
  }

  @Test func aPipeIsReadToItsEnd() throws {
    let path = folder.path("pipe")
    mkfifo(path, 0o600)
    let writer = Process()
    writer.executableURL = URL(filePath: "/bin/sh")
    writer.arguments = ["-c", "(sleep 0.05; head -c 200000 /dev/zero; sleep 0.05; echo end) > \"$0\"", path]
    try writer.run()
    let bytes = try FileReader.bytes(of: path)
    writer.waitUntilExit()
    #expect(bytes.count == 200_004 && bytes.suffix(4) == Array("end\n".utf8)[...])
  }

  /// A pipe that nobody writes to, and a file of any size, do not hold up work that has to end.
  @Test func aRaisedSignalEndsReading() throws {
    let path = folder.path("pipe")
    mkfifo(path, 0o600)
    try folder.write(content(100_000), "file")
    let reader = try FileReader(folder.path("file"), expected: "bytes")
    let signal = StopSignal()
    signal.raise(.interrupted)
    signal.carry {
      expectError(.interrupted) { _ = try FileReader.bytes(of: path) }
      expectError(.interrupted) { _ = try FileReader.bytes(of: folder.path("file")) }
      expectError(.interrupted) { _ = try reader.next(100_000) }
      expectError(.interrupted) { _ = try reader.read(at: 0, count: 100_000) }
    }
  }

  // MARK: Errors

  /// The same reason has the same words, whatever was to be done.
  @Test func oneReasonHasOneForm() {
    let missing = "'/no/such/x': there is no such file or folder"
    for (action, body) in [
      ("read", { _ = try FileReader.bytes(of: "/no/such/x") }), ("list", { _ = try Folder.names(in: "/no/such/x") }),
      ("remove", { try Folder.removeFile("/no/such/x") }), ("read", { _ = try Folder.scripts("/no/such/x") }),
      ("write", { try AtomicFile.replace("/no/such/x", parts: []) }),
    ] as [(String, () throws -> Void)] {
      let error = #expect(throws: CoreError.self) { try body() }
      #expect(error?.message == "cannot \(action) \(missing)" && error?.argument == "path" && error?.kind == .io)
    }
    #expect(CoreError.cannot("read", "-", code: EACCES).message == "cannot read standard input: permission denied")
  }
}
