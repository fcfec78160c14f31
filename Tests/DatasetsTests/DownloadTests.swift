import Base
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Downloads from a server on this machine: what a server may do wrong, and how a download continues.
@Suite struct DownloadTests {
  typealias Answer = LoopbackServer.Answer

  private let folder: TemporaryFolder

  init() throws {
    // A proxy of the machine is not asked for this machine's own address.
    setenv("no_proxy", "127.0.0.1", 1)
    folder = try TemporaryFolder()
  }

  /// Bytes that gzip cannot shrink.
  private static func noise(_ count: Int) -> [UInt8] {
    var state: UInt64 = 7
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
  }

  private static let members: [(name: String, content: [UInt8])] = [
    ("toy/a.bin", noise(70_000)), ("toy/b.txt", Array("names\n".utf8)), ("toy/readme.html", [1]),
  ]
  private static let archive = gzip(tar(members))

  private static func official(_ name: String, _ content: [UInt8]) -> OfficialFile {
    var digest = FileDigest(md5: true)
    digest.add(content)
    return OfficialFile(name, size: content.count, md5: digest.md5Text ?? "", sha256: digest.sha256Text)
  }

  /// A data set of one archive at an address.
  private static func toy(
    _ addresses: [String] = [], archive: [UInt8] = archive, names: [String] = ["a.bin", "b.txt"]
  ) -> OfficialFiles {
    OfficialFiles(
      "toy", title: "Toy", files: [official("toy.tar.gz", archive)], addresses: addresses.map { $0 + "/" },
      content: ("toy", names))
  }

  @discardableResult
  private func take(
    _ server: LoopbackServer, patience: HTTPTransfer.Patience = HTTPTransfer.Patience(), notes: Notes? = nil
  ) throws -> DownloadReport {
    try download(
      Self.toy([server.address]), to: folder.path("data"), mirror: nil, patience: patience,
      progress: notes ?? Notes())
  }

  private final class Notes: Base.Progress {
    var lines: [String] = []
    var titles: Set<String> = []
    func update(
      title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?
    ) {
      titles.insert(title)
      if total > 0 { #expect((0...total).contains(done)) }
    }
    func note(_ line: String) { lines.append(line) }
    func finish() {}
  }

  private var names: [String] {
    (try? FileManager.default.subpathsOfDirectory(atPath: folder.path("data")).sorted()) ?? []
  }
  private static let complete = ["toy", "toy.tar.gz", "toy/a.bin", "toy/b.txt"]

  private func expectWhole() throws {
    #expect(names == Self.complete)
    #expect(try folder.read("data/toy.tar.gz") == Self.archive)
    #expect(try folder.read("data/toy/a.bin") == Self.members[0].content)
    #expect(try folder.read("data/toy/b.txt") == Self.members[1].content)
  }

  // MARK: What goes well

  @Test func filesAreTakenVerifiedAndUnpacked() throws {
    let server = try LoopbackServer(files: ["/toy.tar.gz": Self.archive])
    let notes = Notes()
    let report = try take(server, notes: notes)
    try expectWhole()
    #expect(report.folder == folder.path("data/toy"))
    #expect(report.files == ["a.bin", "b.txt"].map { folder.path("data/toy/\($0)") })
    #expect(report.received == Self.archive.count && !report.wasThere)
    #expect(notes.titles == ["toy.tar.gz", "verifying toy.tar.gz", "unpacking toy.tar.gz"])

    // Once more: all is there, nothing is asked for.
    let again = try take(server, notes: notes)
    #expect(again.received == 0 && again.files == report.files && server.requests.count == 1 && again.wasThere)
    // What was removed is unpacked again.
    try folder.remove("data/toy/b.txt")
    try take(server)
    try expectWhole()
  }

  @Test func aMirrorHasFoldersOrNot() throws {
    for (paths, asked) in [
      (["/base/toy/toy.tar.gz"], ["/base/toy/toy.tar.gz"]),
      (["/base/toy.tar.gz"], ["/base/toy/toy.tar.gz", "/base/toy.tar.gz"]),
    ] {
      for slashes in ["", "/", "//"] {
        let server = try LoopbackServer(files: Dictionary(uniqueKeysWithValues: paths.map { ($0, Self.archive) }))
        let target = try TemporaryFolder()
        let report = try download(
          Self.toy(["http://127.0.0.1:1"]), to: target.path, mirror: "\(server.address)/base\(slashes)")
        #expect(report.received == Self.archive.count)
        #expect(server.requests.map(\.path) == asked)
      }
    }
    for mirror in ["mirror.example", "ftp://mirror.example", "file:///tmp", "http://", "http://a b", ""] {
      expectRefusal("LTD_MIRROR must be") { _ = try download(Self.toy(), to: folder.path, mirror: mirror) }
    }
  }

  @Test func redirectsAreFollowed() throws {
    let server = try LoopbackServer { request, _ in
      request.path == "/toy.tar.gz"
        ? Answer(Array("moved".utf8), status: 302, headers: ["Location: /there"]) : .file(Self.archive, request)
    }
    try take(server)
    try expectWhole()
    #expect(server.requests.map(\.path) == ["/toy.tar.gz", "/there"])
  }

  @Test func theNextAddressIsTried() throws {
    let bad = try LoopbackServer { _, _ in Answer(status: 500) }
    let good = try LoopbackServer(files: ["/toy.tar.gz": Self.archive])
    _ = try download(Self.toy([bad.address, good.address]), to: folder.path("data"))
    try expectWhole()
  }

  @Test func anAnswerWithoutALength() throws {
    let server = try LoopbackServer { request, _ in
      var answer = Answer.file(Self.archive, request)
      answer.length = nil
      answer.piece = 100
      return answer
    }
    try take(server)
    try expectWhole()
  }

  // MARK: Continuing

  @Test func aCutConnectionIsTakenUpAgain() throws {
    let server = try LoopbackServer { request, count in
      var answer = Answer.file(Self.archive, request)
      if count < 3 { answer.cut = 20_000 }
      return answer
    }
    let report = try take(server)
    try expectWhole()
    #expect(server.requests.map(\.offset) == [nil, 20_000, 40_000, 60_000])
    #expect(report.received == Self.archive.count)
  }

  @Test func aPartIsContinued() throws {
    try folder.makeFolder("data")
    try folder.write(Array(Self.archive[..<30_000]), "data/toy.tar.gz.part")
    let server = try LoopbackServer(files: ["/toy.tar.gz": Self.archive])
    #expect(try take(server).received == Self.archive.count - 30_000)
    #expect(server.requests.map(\.offset) == [30_000])
    try expectWhole()
  }

  @Test func aWholePartIsOnlyVerified() throws {
    try folder.makeFolder("data")
    try folder.write(Self.archive, "data/toy.tar.gz.part")
    let server = try LoopbackServer(files: [:])
    #expect(try take(server).received == 0)
    #expect(server.requests.isEmpty)
    try expectWhole()
  }

  @Test func aPartOfSomethingElseIsBegunAnew() throws {
    for part in [[UInt8](repeating: 1, count: 30_000), [UInt8](repeating: 1, count: 1 << 20)] {
      try? folder.remove("data")
      try folder.makeFolder("data")
      try folder.write(part, "data/toy.tar.gz.part")
      try take(LoopbackServer(files: ["/toy.tar.gz": Self.archive]))
      try expectWhole()
    }
  }

  @Test func aServerWithoutRangesStartsOver() throws {
    try folder.makeFolder("data")
    try folder.write(Array(Self.archive[..<30_000]), "data/toy.tar.gz.part")
    let server = try LoopbackServer { _, _ in Answer(Self.archive) }
    #expect(try take(server).received == Self.archive.count)
    #expect(server.requests.map(\.offset) == [30_000])
    try expectWhole()
  }

  @Test func aServerWithAnotherRangeIsRefused() throws {
    for range in ["bytes 0-9/10", "bytes 30000-39999/\(Self.archive.count + 1)", "nonsense"] {
      try? folder.remove("data")
      try folder.makeFolder("data")
      try folder.write(Array(Self.archive[..<30_000]), "data/toy.tar.gz.part")
      let server = try LoopbackServer { _, _ in
        Answer(Self.noise(10_000), status: 206, headers: ["Content-Range: \(range)"])
      }
      expectRefusal("another part") { try take(server) }
    }
  }

  @Test func aSlowServerIsStopped() throws {
    let server = try LoopbackServer { request, count in
      var answer = Answer.file(Self.archive, request)
      if count == 0 { (answer.piece, answer.pause) = (30_000, 30) }
      return answer
    }
    let notes = Notes()
    let part = folder.path("data/toy.tar.gz.part")
    let (kind, waited) = try stopped(
      once: { FileStatus(part)?.size == 30_000 }, during: { try take(server, notes: notes) })
    #expect(kind == .interrupted)
    // The server would have been waited for for half a minute.
    #expect(waited < 10)
    #expect(names == ["toy.tar.gz.part"])
    #expect(notes.lines.last?.contains("keeps 30000 of \(Self.archive.count) bytes") == true)
    try take(server)
    #expect(server.requests.map(\.offset) == [nil, 30_000])
    try expectWhole()
  }

  @Test func aSilentServerIsStopped() throws {
    let server = try LoopbackServer { request, _ in
      var answer = Answer.file(Self.archive, request)
      answer.silence = 30
      return answer
    }
    let (kind, waited) = try stopped(once: { !server.requests.isEmpty }, during: { try take(server) })
    #expect(kind == .interrupted)
    // The server would have been waited for for half a minute.
    #expect(waited < 10)
    // A part without a byte is not left.
    #expect(names.isEmpty)
  }

  /// Raises Ctrl-C as soon as a condition holds.
  ///
  /// - Returns: the kind of the error, and the seconds from then on.
  private func stopped(
    once condition: () -> Bool, during body: () throws -> Void
  ) throws -> (kind: CoreError.Kind?, waited: Double) {
    let signal = StopSignal()
    var raised = 0.0
    let end = monotonicSeconds() + 20
    return try withoutActuallyEscaping(condition) { condition in
      let question = Unchecked {
        if raised == 0, condition() || monotonicSeconds() > end {
          raised = monotonicSeconds()
          signal.raise(.interrupted)
        }
      }
      signal.atEveryLook { question.body() }
      defer { signal.atEveryLook(nil) }
      do {
        try signal.carry(body)
        return (nil, 0)
      } catch let error as CoreError {
        return (error.kind, monotonicSeconds() - raised)
      }
    }
  }

  private struct Unchecked: @unchecked Sendable { let body: () -> Void }

  @Test func aStalledServerIsGivenUp() throws {
    let server = try LoopbackServer { request, _ in
      var answer = Answer.file(Self.archive, request)
      answer.silence = 30
      return answer
    }
    expectRefusal("did not answer in time") { try take(server, patience: .init(connect: 1, stall: 1)) }
  }

  // MARK: What servers send instead

  @Test func whatIsNotTheFileIsRefused() throws {
    let other = gzip(tar([("toy/a.bin", Self.noise(5))]))
    var wrong = Self.archive
    wrong[40_000] ^= 1
    let page = Array("<!DOCTYPE html><html><body>Please log in</body></html>".utf8)
    for (answer, words) in [
      (Answer(status: 404), "no such file (status 404)"), (Answer(page, status: 403), "refuses it (status 403)"),
      (Answer(page, status: 503), "too busy"), (Answer(status: 500), "has a problem (status 500)"),
      (Answer(status: 204), "the status 204"), (Answer(status: 302), "the status 302"),
      (Answer(page), "a web page (HTML) instead of the file"), (Answer([0, 1, 2]), "something else instead"),
      (Answer(Self.archive + [0]), "has \(Self.archive.count + 1) bytes, the official one \(Self.archive.count)"),
      (Answer(other), "has \(other.count) bytes, the official one"), (Answer(wrong), "not the official file (SHA-256"),
      (Answer([]), "ends after 0 of"),
    ] {
      let server = try LoopbackServer { _, _ in answer }
      expectRefusal("cannot download toy.tar.gz from \(server.address)/toy.tar.gz", words) { try take(server) }
      #expect(names.isEmpty, "\(words)")
    }
    // Without a length it shows at the first byte too many, or at the end.
    for (body, words) in [(Self.archive + [0], "more than the"), (Array(Self.archive[..<9000]), "ends after 9000 of")] {
      let server = try LoopbackServer { _, _ in
        var answer = Answer(body)
        answer.length = nil
        return answer
      }
      expectRefusal(words) { try take(server) }
    }
  }

  @Test func wrongFilesInPiecesAreBegunAnewOnce() throws {
    var wrong = Self.archive
    wrong[40_000] ^= 1
    let content = wrong
    let server = try LoopbackServer { request, _ in
      var answer = Answer.file(content, request)
      answer.cut = 50_000
      return answer
    }
    expectRefusal("not the official file (SHA-256") { try take(server) }
    #expect(server.requests.map(\.offset) == [nil, 50_000, nil, 50_000])
    #expect(names.isEmpty)
  }

  @Test func redirectsEnd() throws {
    let round = try LoopbackServer { _, _ in Answer(status: 302, headers: ["Location: /toy.tar.gz"]) }
    expectRefusal("redirects too often") { try take(round) }
    #expect(round.requests.count == 6)
    let file = try LoopbackServer { _, _ in Answer(status: 302, headers: ["Location: file:///etc/passwd"]) }
    expectRefusal("file") { try take(file) }
    #expect(names.isEmpty)
  }

  @Test func noServerIsThere() throws {
    expectRefusal("the server takes no connection") {
      _ = try download(Self.toy(["http://127.0.0.1:1"]), to: folder.path("data"))
    }
    expectRefusal("no such server") {
      _ = try download(Self.toy(), to: folder.path("data"), mirror: "http://no-such-host.invalid")
    }
    expectRefusal("http://127.0.0.1:1/toy") {
      _ = try download(Self.toy(), to: folder.path("data"), mirror: "http://name:secret@127.0.0.1:1")
    }
    #expect(names.isEmpty)
  }

  // MARK: Disks

  @Test func whatIsThereIsNeverWrittenOver() throws {
    let server = try LoopbackServer(files: ["/toy.tar.gz": Self.archive])
    try folder.makeFolder("data")
    try folder.write([1, 2, 3], "data/toy.tar.gz")
    expectRefusal("is there already and is not the official file of Toy", "3 bytes") { try take(server) }
    #expect(try folder.read("data/toy.tar.gz") == [1, 2, 3] && server.requests.isEmpty)
    try folder.remove("data/toy.tar.gz")
    try folder.makeFolder("data/toy.tar.gz")
    expectRefusal("it is a folder") { try take(server) }
    try folder.remove("data/toy.tar.gz")

    try folder.makeFolder("data/toy")
    for content in [[], [1, 2, 3], Self.members[0].content.map { $0 ^ 1 }] as [[UInt8]] {
      try folder.write(content, "data/toy/a.bin")
      expectRefusal("a.bin") { try take(server) }
      #expect(try folder.read("data/toy/a.bin") == content)
    }
  }

  @Test func foldersThatCannotBeWritten() throws {
    let server = try LoopbackServer(files: ["/toy.tar.gz": Self.archive])
    let toy = Self.toy([server.address])
    try folder.write([1], "file")
    expectRefusal("is not a folder") { _ = try download(toy, to: folder.path("file")) }
    #expect(throws: CoreError.self) { _ = try download(toy, to: folder.path("file/below")) }
    #expect(throws: CoreError.self) { _ = try download(toy, to: "") }
    #expect(throws: CoreError.self) { _ = try download(toy, to: "/proc/none") }
    _ = try download(toy, to: folder.path("a/b/c"))
    #expect(FileStatus(folder.path("a/b/c/toy/a.bin")) != nil)
    // A link in the place of the part would lead elsewhere.
    try folder.makeFolder("data")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("data/toy.tar.gz.part"), withDestinationPath: folder.path("elsewhere"))
    expectRefusal("toy.tar.gz.part") { try take(server) }
    #expect(FileStatus(folder.path("elsewhere")) == nil)
  }

  @Test func twoAtOnceDoNotMix() throws {
    try folder.makeFolder("data")
    let other = try PartialFile(folder.path("data/toy.tar.gz"))
    defer { other.end() }
    let server = try LoopbackServer(files: ["/toy.tar.gz": Self.archive])
    expectRefusal("by another process") { try take(server) }
  }

  @Test func archivesWithOtherFilesAreRefused() throws {
    let bad: [(archive: [UInt8], words: String)] = [
      (gzip(tar([("toy/a.bin", [1])])), "lacks b.txt"),
      (gzip(tar([("../toy/a.bin", [1]), ("/toy/b.txt", [2])])), "lacks"),
      (gzip(tarEntry("toy/a.bin", type: "2", target: "/etc/passwd") + tarEnd), "lacks"),
      (gzip(tarEntry("toy/a.bin", [1, 2, 3], size: 1 << 30) + tarEnd), "cut short"),
      (gzip(Self.noise(5000)), "checksum"),
    ]
    for (archive, words) in bad {
      let target = try TemporaryFolder()
      let server = try LoopbackServer(files: ["/toy.tar.gz": archive])
      expectRefusal("toy.tar.gz", words) {
        _ = try download(Self.toy([server.address], archive: archive), to: target.path("data"))
      }
      let left = try FileManager.default.subpathsOfDirectory(atPath: target.path)
      #expect(left.allSatisfy { !$0.hasSuffix(".part") && !$0.contains("passwd") }, "\(left)")
    }
  }

  // MARK: The catalogue

  @Test func theCatalogueIsWellFormed() {
    for set in OfficialFiles.all {
      for file in set.files {
        #expect(file.md5.count == 32 && file.sha256.count == 64 && file.size > 0, "\(file.name)")
        #expect((file.md5 + file.sha256).allSatisfy { $0.isHexDigit && !$0.isUppercase }, "\(file.name)")
      }
      #expect(set.addresses.allSatisfy { $0.hasSuffix("/") && $0.hasPrefix("http") })
      #expect(set.content == nil || set.files.count == 1)
    }
    let hashes = OfficialFiles.all.flatMap(\.files).map(\.sha256)
    #expect(Set(hashes).count == hashes.count)
  }

  @Test(.enabled(if: SharedFiles.data != nil, "there is no image data"))
  func officialFilesAreRecognised() throws {
    let data = try #require(SharedFiles.data)
    for (name, subfolder) in [("mnist", "mnist"), ("fashion_mnist", "fashion-mnist")] {
      let set = try #require(OfficialFiles.all.first { $0.name == name })
      let path = data.appending(path: subfolder).path
      for file in set.files {
        let reader = try FileReader("\(path)/\(file.name)", expected: "data")
        let digest = try FileDigest.of(reader, md5: true)
        #expect(reader.size == file.size && file.matches(digest), "\(file.name)")
      }
    }
    // One in the place of the other.
    let fashion = try #require(OfficialFiles.all.first { $0.name == "fashion_mnist" })
    let labels = "train-labels-idx1-ubyte.gz"
    let content = try Data(contentsOf: data.appending(path: "mnist/\(labels)"))
    for file in fashion.files where file.name != labels {
      try FileManager.default.createSymbolicLink(
        atPath: folder.path(file.name), withDestinationPath: data.appending(path: "fashion-mnist/\(file.name)").path)
    }
    try folder.write(Array(content), labels)
    expectRefusal(labels, "it is that of MNIST") { _ = try download(fashion, to: folder.path) }
  }
}
