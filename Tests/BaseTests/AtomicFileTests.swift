import Base
import Foundation
import TestSupport
import Testing

/// Files are replaced as a whole; what is at the path decides how.
@Suite struct AtomicFileTests {
  let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "ltd-atomic-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  private func path(_ name: String) -> String { "\(folder)/\(name)" }

  private func write(_ text: String, _ name: String) throws {
    try AtomicFile.replace(path(name), parts: [Array(text.utf8)])
  }

  private func read(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

  private func status(_ name: String) -> stat {
    var status = stat()
    lstat(path(name), &status)
    return status
  }

  private var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? [] }

  private func isLink(_ name: String) -> Bool { status(name).st_mode & S_IFMT == S_IFLNK }

  @Test func aNewFileHasTheUsualMode() throws {
    try write("new", "a")
    let mask = umask(0)
    umask(mask)
    #expect(status("a").st_mode & 0o7777 == 0o666 & ~mask)
    #expect(try read("a") == "new")
    try AtomicFile.replace(path("b"), parts: [], mode: 0o600)
    #expect(status("b").st_mode & 0o7777 == 0o600)
    #expect(status("b").st_size == 0)
    #expect(names == ["a", "b"])
  }

  @Test(arguments: [0o600, 0o640, 0o755, 0o4711, 0o2664] as [mode_t])
  func modeOwnerAndGroupStay(mode: mode_t) throws {
    try write("a longer text than the new one", "a")
    if geteuid() == 0 { chown(path("a"), 4242, 4343) }
    chmod(path("a"), mode)
    let before = status("a")
    try write("new", "a")
    let after = status("a")
    #expect(try read("a") == "new")
    #expect(after.st_mode == before.st_mode && after.st_uid == before.st_uid && after.st_gid == before.st_gid)
    #expect(after.st_ino != before.st_ino)
  }

  @Test func linksStayAndTheirTargetsAreReplaced() throws {
    try FileManager.default.createDirectory(atPath: path("sub"), withIntermediateDirectories: false)
    try write("old", "sub/target")
    chmod(path("sub/target"), 0o600)
    symlink("sub/target", path("link"))
    symlink(path("link"), path("second"))
    try write("new", "second")
    #expect(try read("sub/target") == "new")
    #expect(isLink("link") && isLink("second"))
    #expect(status("sub/target").st_mode & 0o7777 == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path("sub")) == ["target"])

    symlink("sub/later", path("dangling"))
    try write("made", "dangling")
    #expect(try read("sub/later") == "made")
    #expect(isLink("dangling"))

    symlink("round", path("loop"))
    symlink("loop", path("round"))
    expectError(.io, containing: "levels of symbolic links") { try write("x", "loop") }
    symlink("no/such/folder/file", path("lost"))
    expectError(.io, containing: "no such file") { try write("x", "lost") }
    #expect(isLink("lost") && isLink("loop"))
    symlink("sub", path("folder"))
    expectError(.io, containing: "is a folder") { try write("x", "folder") }
  }

  @Test func hardLinksStay() throws {
    for text in ["a longer text than before", "", "x"] {
      try? FileManager.default.removeItem(atPath: path("a"))
      try? FileManager.default.removeItem(atPath: path("b"))
      try write("old text", "a")
      link(path("a"), path("b"))
      try write(text, "a")
      #expect(try read("b") == text)
      #expect(status("a").st_ino == status("b").st_ino)
    }
  }

  /// A program of the shell beside the test, such as the reader of a pipe; a task could wait for this very thread.
  private func start(_ command: String) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", command]
    process.currentDirectoryURL = URL(filePath: folder)
    try process.run()
    return process
  }

  @Test func aPipeIsWrittenTo() throws {
    mkfifo(path("pipe"), 0o600)
    let text = String(repeating: "0123456789", count: 50_000)
    let reader = try start("cat pipe > copy")
    try write(text, "pipe")
    reader.waitUntilExit()
    #expect(try read("copy") == text)
    #expect(status("pipe").st_mode & S_IFMT == S_IFIFO)
  }

  @Test func aReaderThatGoesAwayIsAnError() throws {
    mkfifo(path("pipe"), 0o600)
    let reader = try start("head -c 1 pipe > copy")
    expectError(.io, containing: "broken pipe") { try write(String(repeating: "x", count: 1 << 20), "pipe") }
    reader.waitUntilExit()
  }

  @Test func devicesAreWrittenToAndNeverReplaced() throws {
    guard mknod(path("null"), S_IFCHR | 0o600, makedev(1, 3)) == 0,
      mknod(path("full"), S_IFCHR | 0o600, makedev(1, 7)) == 0,
      mknod(path("block"), S_IFBLK | 0o600, makedev(7, 250)) == 0, (try? write("x", "null")) != nil
    else {
      print("skipped: device nodes cannot be made here")
      return
    }
    #expect(status("null").st_mode & S_IFMT == S_IFCHR)
    symlink("null", path("link"))
    try write("x", "link")
    #expect(isLink("link") && status("null").st_mode & S_IFMT == S_IFCHR)
    expectError(.io, containing: "no space left on device") { try write("x", "full") }
    expectError(.io, containing: "is a block device") { try write("x", "block") }
    #expect(status("full").st_mode & S_IFMT == S_IFCHR && status("block").st_mode & S_IFMT == S_IFBLK)
    #expect(names == ["block", "full", "link", "null"])
  }

  private func makedev(_ major: UInt64, _ minor: UInt64) -> dev_t { dev_t(major << 8 | minor) }

  @Test func foldersAndBadPathsAreRefused() throws {
    expectError(.io, containing: "is a folder") { try AtomicFile.replace(folder, parts: []) }
    expectError(.io, containing: "is the name of a folder") { try write("x", "new/") }
    expectError(.io, containing: "no such file") { try write("x", "no/such") }
    expectError(.io, containing: "not a path") { try AtomicFile.replace("", parts: []) }
    try write("x", "file")
    expectError(.io, containing: "not a folder") { try write("x", "file/below") }
    #expect(names == ["file"])
  }

  @Test func aNameOfTheGreatestLengthIsWritten() throws {
    for name in [String(repeating: "n", count: 255), String(repeating: "ü", count: 127)] {
      try write("one", name)
      try write("two", name)
      #expect(try read(name) == "two")
      #expect(names == [name])
      try FileManager.default.removeItem(atPath: path(name))
    }
    expectError(.io, containing: "name too long") { try write("x", String(repeating: "n", count: 256)) }
  }

  @Test func whatDeadProcessesLeftIsCleanedUp() throws {
    func leave(_ name: String, secondsAgo: Double = 0) throws {
      try Data("half".utf8).write(to: URL(filePath: path(name)))
      let date = Date(timeIntervalSinceNow: -secondsAgo)
      try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path(name))
    }
    // No process has such a number; process 1 is always there, and was not before the machine was started.
    try leave("a.2147483646.tmp")
    try leave("a.1.tmp")
    try leave("a.\(getppid()).tmp", secondsAgo: 10 * 365 * 86_400)
    try leave("a.\(getpid()).tmp")
    let others = [
      "a.2147483646.tmp.txt", "a.x.tmp", "a..tmp", "a.tmp", "b.2147483646.tmp", "aa.2147483646.tmp", "a.-5.tmp",
    ]
    for name in others { try leave(name) }
    try FileManager.default.createDirectory(atPath: path("a.2147483645.tmp"), withIntermediateDirectories: false)
    try leave("a.2147483644.tmp")
    let held = open(path("a.2147483644.tmp"), O_RDONLY)
    defer { close(held) }
    #expect(flock(held, LOCK_EX) == 0)
    try write("new", "a")
    #expect(
      Set(names) == Set(["a", "a.1.tmp", "a.2147483645.tmp", "a.2147483644.tmp"] + others),
      "\(names)")
    #expect(try read("a") == "new")
  }
}
