import Base
import Foundation
import TestSupport
import Testing

/// Zip archives: what Python and ltd write is read, what is damaged or made to harm is an error.
@Suite struct ZipArchiveTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func archive(_ bytes: [UInt8]) throws -> ZipArchive {
    try folder.write(bytes, "a.zip")
    return try ZipArchive(FileReader(folder.path("a.zip"), expected: "a zip archive"))
  }

  private func message(_ bytes: [UInt8], reads: Bool = true) -> String {
    do {
      let archive = try archive(bytes)
      for entry in archive.entries where reads { _ = try archive.bytes(of: entry) }
      return ""
    } catch { return (error as? CoreError)?.message ?? "\(error)" }
  }

  private func content(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7 ^ $0) } }

  @Test func whatIsWrittenIsRead() throws {
    var writer = ZipWriter()
    let files = [("a/data.pkl", 100), ("a/data/0", 70_000), ("a/empty", 0), ("a/ünïcode", 3), ("../../etc/passwd", 5)]
    for (name, count) in files { writer.add(name, content(count), alignment: 64) }
    let bytes = writer.finished().flatMap { $0 }
    let archive = try archive(bytes)
    #expect(archive.entries.map(\.name) == files.map(\.0))
    for (name, count) in files {
      let entry = try #require(archive[name])
      #expect(entry.size == count && entry.isStored && entry.offset % 64 == 0)
      #expect(try archive.bytes(of: entry) == content(count))
      let target = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
      defer { target.deallocate() }
      try archive.read(entry, into: target)
      #expect(Array(target) == content(count))
      #expect(try archive.beginning(of: entry, count: 10) == Array(content(count).prefix(10)))
    }
    #expect(archive["a/data/1"] == nil)
    // Names are only looked up.
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.zip"])
    #expect(writer.finished().flatMap { $0 } == bytes)
  }

  @Test func compressedFilesAreUnpacked() throws {
    let bytes = deflatedArchive([("x.npy", content(200_000)), ("zeros", [UInt8](repeating: 0, count: 1_000_000))])
    let archive = try archive(bytes)
    #expect(archive.entries.map(\.isStored) == [false, false])
    #expect(try archive.bytes(of: try #require(archive["x.npy"])) == content(200_000))
    #expect(try archive.bytes(of: try #require(archive["zeros"])).count == 1_000_000)
    #expect(try archive.beginning(of: archive.entries[0], count: 100) == Array(content(100)))
    #expect(throws: CoreError.self) { try archive.bytes(of: archive.entries[1], limit: 1000) }
  }

  @Test func whatIsMadeToHarmIsRefused() throws {
    var twice = ZipWriter()
    twice.add("a", [1])
    twice.add("a", [2])
    #expect(message(twice.finished().flatMap { $0 }).contains("two files named 'a'"))

    // Two entries of the directory for the same bytes.
    var writer = ZipWriter()
    writer.add("a", content(100))
    writer.add("b", content(100))
    var bytes = writer.finished().flatMap { $0 }
    let second = try #require(place(of: [0x50, 0x4B, 1, 2], number: 1, in: bytes))
    bytes.replaceSubrange(second + 42..<second + 46, with: [0, 0, 0, 0])
    #expect(!message(bytes, reads: false).isEmpty)

    // A size that no compressed data can give.
    var bomb = deflatedArchive([("zeros", [UInt8](repeating: 0, count: 10_000))])
    let entry = try #require(place(of: [0x50, 0x4B, 1, 2], number: 0, in: bomb))
    bomb.replaceSubrange(entry + 24..<entry + 28, with: [0, 0, 0, 0x7F])
    bomb.replaceSubrange(22..<26, with: [0, 0, 0, 0x7F])
    #expect(message(bomb, reads: false).contains("more than its"))

    // Another compression, a password.
    for (offset, value, words) in [(10, UInt8(14), "compression 14"), (8, 1, "encrypted")] {
      var bytes = writer.finished().flatMap { $0 }
      let entry = try #require(place(of: [0x50, 0x4B, 1, 2], number: 0, in: bytes))
      bytes[entry + offset] = value
      #expect(message(bytes).contains(words))
    }
    #expect(message(Array("PK\u{3}\u{4} and nothing more".utf8)).contains("directory"))
  }

  /// Cut at every length and damaged at every byte: never a trap, and never content other than what was written.
  @Test func anyDamageIsSurvived() throws {
    var writer = ZipWriter()
    writer.add("a", content(40))
    writer.add("b", content(30), alignment: 64)
    for good in [writer.finished().flatMap { $0 }, deflatedArchive([("a", content(300))])] {
      for length in 1..<good.count { #expect(message(Array(good[..<length])) != "", "cut at \(length)") }
      for place in good.indices {
        for value in [good[place] ^ 1, good[place] ^ 0x80, 0, 255] as [UInt8] {
          var bytes = good
          bytes[place] = value
          guard let archive = try? archive(bytes) else { continue }
          for entry in archive.entries {
            guard let read = try? archive.bytes(of: entry) else { continue }
            let isRight = [content(40), content(30), content(300)].contains { $0 == read }
            #expect(isRight || read.isEmpty, "byte \(place) as \(value)")
          }
        }
      }
    }
  }

  @Test func aFileThatChangesIsAnError() throws {
    var writer = ZipWriter()
    writer.add("a", content(40))
    let archive = try archive(writer.finished().flatMap { $0 })
    try folder.write([1, 2, 3], "a.zip")
    #expect(throws: CoreError.self) { try archive.bytes(of: archive.entries[0]) }
  }

  private func place(of signature: [UInt8], number: Int, in bytes: [UInt8]) -> Int? {
    let places = bytes.indices.dropLast(4).filter { Array(bytes[$0..<$0 + 4]) == signature }
    return number < places.count ? places[number] : nil
  }
}
