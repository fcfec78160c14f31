import Base
import Foundation
import TestSupport
import Testing

@Suite struct PartialFileTests {
  private let folder: TemporaryFolder
  private var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? [] }

  init() throws { folder = try TemporaryFolder() }

  @Test func aFileGrowsInSeveralRuns() throws {
    for (bytes, all) in [([1, 2], 2), ([], 2), ([3], 3)] as [([UInt8], Int)] {
      let part = try PartialFile(folder.path("a"))
      try part.append(bytes)
      #expect(part.size == all)
      part.end()
      #expect(names == ["a.part"])
    }
    let part = try PartialFile(folder.path("a"))
    var sum = FileDigest(md5: true)
    sum.add([1, 2, 3])
    #expect(try part.digest(md5: true, onPiece: { _ in }).sha256Text == sum.sha256Text)
    try part.finish()
    #expect(try names == ["a"] && folder.read("a") == [1, 2, 3])
  }

  @Test func aPartWithoutAByteIsNotLeft() throws {
    try PartialFile(folder.path("a")).end()
    #expect(names.isEmpty)
    let part = try PartialFile(folder.path("a"))
    try part.append([1, 2])
    try part.restart()
    part.end()
    #expect(names.isEmpty)
  }

  @Test func whatHasAppearedMeanwhileStays() throws {
    let part = try PartialFile(folder.path("a"))
    try part.append([1, 2])
    try folder.write([9], "a")
    expectRefusal("cannot write", "it has appeared meanwhile") { try part.finish() }
    part.end()
    #expect(try folder.read("a") == [9] && folder.read("a.part") == [1, 2])
  }

  @Test func whatIsNoPartIsRefused() throws {
    let part = try PartialFile(folder.path("a"))
    expectRefusal("by another process") { _ = try PartialFile(folder.path("a")) }
    part.end()
    try folder.makeFolder("b.part")
    #expect(throws: CoreError.self) { _ = try PartialFile(folder.path("b")) }
    #expect(mkfifo(folder.path("c.part"), 0o600) == 0)
    expectRefusal("is not a regular file") { _ = try PartialFile(folder.path("c")) }
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("d.part"), withDestinationPath: folder.path("elsewhere"))
    expectRefusal("d.part") { _ = try PartialFile(folder.path("d")) }
    expectRefusal("there is no such file or folder") { _ = try PartialFile(folder.path("none/e")) }
    #expect(names == ["b.part", "c.part", "d.part"])
  }

  @Test func aStopKeepsWhatIsThere() throws {
    let part = try PartialFile(folder.path("a"))
    try part.append([1, 2])
    let signal = StopSignal()
    signal.raise(.interrupted)
    #expect(throws: CoreError.self) { try signal.carry { try part.append([3]) } }
    part.end()
    #expect(try folder.read("a.part").starts(with: [1, 2]))
  }
}
