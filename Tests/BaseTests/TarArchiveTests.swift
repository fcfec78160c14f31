import Base
import Foundation
import TestSupport
import Testing

@Suite struct TarArchiveTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ bytes: [UInt8]) throws -> TarArchive {
    try folder.write(bytes, "a.tar")
    return TarArchive(try FileReader(folder.path("a.tar"), expected: "a tar archive"))
  }

  /// All entries with their content.
  private func read(_ bytes: [UInt8]) throws -> [(entry: TarArchive.Entry, content: [UInt8])] {
    let archive = try open(bytes)
    var found: [(TarArchive.Entry, [UInt8])] = []
    while let entry = try archive.next() {
      var content: [UInt8] = []
      while archive.remaining > 0 { content += try archive.read(1000) }
      found.append((entry, content))
    }
    #expect(try archive.next() == nil)
    return found
  }

  private let long = [UInt8](repeating: 7, count: 3000)

  @Test func filesAreReadPlainAndCompressed() throws {
    let bytes = tarEntry("d/", type: "5") + tarEntry("d/a", [1, 2, 3]) + tarEntry("d/b", long) + tarEntry("e") + tarEnd
    for form in [bytes, gzip(bytes), gzip(Array(bytes[..<700])) + gzip(Array(bytes[700...]))] {
      let found = try read(form)
      #expect(found.map(\.entry.name) == ["d/", "d/a", "d/b", "e"])
      #expect(found.map(\.entry.kind) == [.folder, .file, .file, .file])
      #expect(found.map(\.content) == [[], [1, 2, 3], long, []])
      #expect(found.map(\.entry.size) == [0, 3, 3000, 0])
    }
    // What is not read is skipped.
    let archive = try open(gzip(bytes))
    for _ in 0..<3 { _ = try archive.next() }
    #expect(try archive.read(2) == [7, 7])
    #expect(try archive.next()?.name == "e")
  }

  @Test func whatTarProgramsWriteIsRead() throws {
    let name = String(repeating: "n", count: 60) + "/" + String(repeating: "m", count: 90)
    try folder.makeFolder("in")
    try folder.makeFolder("in/" + name.prefix(60))
    try folder.write(long, "in/" + name)
    for form in ["gnu", "pax", "ustar"] {
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = [
        "tar", "-C", folder.path("in"), "--format=\(form)", "-czf", folder.path("made.tar.gz"), String(name.prefix(60)),
      ]
      try process.run()
      process.waitUntilExit()
      let found = try read(folder.read("made.tar.gz"))
      #expect(found.last?.entry.name == name && found.last?.content == long, "\(form)")
    }
  }

  @Test func linksAndDevicesHaveNoContent() throws {
    let found = try read(
      tarEntry("s", type: "2", target: "/etc/passwd") + tarEntry("h", type: "1", target: "a", size: 9)
        + tarEntry("c", type: "3") + tarEntry("a", [1]) + tarEnd)
    #expect(found.map(\.entry.kind) == [.link, .link, .other, .file])
    #expect(found.map(\.content) == [[], [], [], [1]])
  }

  @Test func namesThatLeadOutsideAreTold() throws {
    for (name, isSafe) in [
      ("a", true), ("a/b", true), ("./a", true), ("a/", true), ("a..b", true), ("/a", false), ("../a", false),
      ("a/../../b", false), ("..", false), ("a//b", false), ("", false),
    ] {
      let entry = try #require(try read(tarEntry(name, type: "0") + tarEnd).first?.entry)
      #expect(entry.name == name && entry.hasSafeName == isSafe, "\(name)")
    }
  }

  @Test func sizesInBase256() throws {
    var header = Array(tarEntry("a")[..<512])
    header.replaceSubrange(124..<136, with: [0x80] + [UInt8](repeating: 0, count: 10) + [3])
    let padded: [UInt8] = [1, 2, 3] + [UInt8](repeating: 0, count: 509)
    #expect(try read(tarChecked(header) + padded + tarEnd).first?.content == [1, 2, 3])
    header.replaceSubrange(124..<136, with: [0x80] + [UInt8](repeating: 255, count: 11))
    expectRefusal("a.tar", "size") { _ = try read(tarChecked(header) + padded + tarEnd) }
  }

  @Test func damagedArchivesAreRefused() throws {
    let good = tarEntry("a", long) + tarEnd
    expectRefusal("a.tar", "checksum") { _ = try read([0x41] + good[1...].map { $0 ^ 1 }) }
    expectRefusal("a web page") {
      _ = try read(gzip(Array("<!doctype html><p>no</p>".utf8) + [UInt8](repeating: 0x20, count: 1000)))
    }
    for cut in [100, 512, 600, 3500, good.count - 1024] {
      expectRefusal("cut short") { _ = try read(Array(good[..<cut])) }
      expectRefusal("cut short") { _ = try read(gzip(Array(good[..<cut]))) }
    }
    expectRefusal("follows its end") { _ = try read(good + [1]) }
    expectRefusal("pax record") { _ = try read(tarEntry("p", Array("99 path=x\n".utf8), type: "x") + good) }
    expectRefusal("a name has") { _ = try read(tarEntry("p", type: "L", size: 1 << 30) + good) }
    expectRefusal("cut short") { _ = try read(tarEntry("p", type: "0", size: 0o777_7777_7777) + good) }
    expectRefusal("cut short") { _ = try read(tarEntry("p", Array("x".utf8), type: "L") + tarEnd) }
  }

  /// Whatever a byte becomes, the archive is read or refused with an error.
  @Test func mutationsNeverTrap() throws {
    let records = Array("18 path=long name\n".utf8)
    let good = tarEntry("p", records, type: "x") + tarEntry("a", long) + tarEntry("b") + tarEnd
    var state: UInt64 = 1
    func draw(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<300 {
      var bytes = good
      for _ in 0...draw(3) {
        let place = draw(bytes.count)
        bytes[place] = UInt8(draw(256))
        if place < 2048, draw(2) == 0 {
          let start = place / 512 * 512
          bytes.replaceSubrange(start..<start + 512, with: tarChecked(Array(bytes[start..<start + 512])))
        }
      }
      do { _ = try read(bytes) } catch { #expect(error is CoreError) }
    }
  }
}
