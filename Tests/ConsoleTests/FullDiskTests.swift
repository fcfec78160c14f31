import Foundation
import TestSupport
import Testing

/// A disk that is full at each write of the console: nothing that was there is lost, and it is said.
///
/// The disk is a memory file system of a few pages, mounted where nobody else sees it.
@Suite(.enabled(if: canMount, "needs root and unshare, for a disk of its own"))
struct FullDiskTests {
  let home: URL
  var disk: String { home.appending(path: "disk").path }

  init() throws {
    home = FileManager.default.temporaryDirectory.appending(path: "ltd-full-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home.appending(path: "disk"), withIntermediateDirectories: true)
  }

  private func start() throws -> PseudoTerminal {
    let terminal = try PseudoTerminal(
      ["-m", "sh", "-c", "mount -t tmpfs -o size=256k none \(disk) && cd \(disk) && exec \(BuiltProgram.path)"],
      home: home,
      variables: ["XDG_STATE_HOME": "\(disk)/state", "XDG_CONFIG_HOME": "\(disk)/config", "TMPDIR": "/tmp"],
      program: "/usr/bin/unshare")
    try #require(terminal.wait(for: "ltd> ") != nil, "\(terminal.shown)")
    return terminal
  }

  private let full = "no space left on device"

  @Test func everyWriteSaysSoAndLosesNothing() throws {
    let terminal = try start()
    func enter(_ line: String, _ text: String = "ltd> ") -> String {
      let shown = terminal.enter(line, expecting: text) ?? "nothing of \(text) but \(terminal.shown.suffix(600))"
      #expect(shown.hasSuffix(text), "\(line): \(shown)")
      if !text.hasSuffix("ltd> ") { #expect(terminal.wait(for: "ltd> ") != nil) }
      return shown
    }
    for line in ["x = 41", ":set digits 5", ":save s.ltds", ":transcript t.md", ":script c.ltd"] { _ = enter(line) }
    _ = enter("!head -c 1000000 /dev/zero > fill 2>&1; df . | tail -1", "100%")
    // More than the page that the history has.
    let long = "y = len(\"\(String(repeating: "a", count: 6000))\")"
    terminal.type("\u{1B}[200~\(long)\u{1B}[201~\n")
    #expect(terminal.wait(for: "the history is not kept") != nil && terminal.wait(for: full) != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    _ = enter("x = 43")
    _ = enter(":set digits 3", full)
    #expect(enter("1 / 3").contains("0.333\n"), "a setting holds although it is not kept")
    _ = enter("big = list(1..20000)", "ltd> ")
    for command in [":save s.ltds", ":save new.ltds", ":script n.ltd", ":transcript n.html"] {
      _ = enter(command, full)
    }
    _ = enter("!cat config/ltd/settings", "digits 5")
    let files = enter("!ls")
    #expect(!files.contains("new.ltds") && !files.contains("n.ltd") && !files.contains("n.html"), "\(files)")
    #expect(!files.contains(".tmp"), "\(files)")
    // What was saved before is whole.
    _ = enter(":restore s.ltds", "restored")
    #expect(enter("x + 1000").contains("1041\n"))
    // With room again all of it is written, what could not be before included.
    _ = enter("!rm fill")
    _ = enter("z = 44")
    let history = enter("!cut -c 1-12 state/ltd/history; grep -c 'a\\{20\\}' state/ltd/history")
    for line in ["x = 41", "y = len(", "x = 43", "z = 44"] {
      #expect(history.contains("\n\(line)"), "\(line): \(history)")
    }
    #expect(history.contains("\n1\n"), "each once, and whole: \(history)")
  }

  @Test func aSessionThatIsEndedSaysThatItCouldNotBeSaved() throws {
    let terminal = try start()
    #expect(terminal.enter("x = list(1..100000)", expecting: "ltd> ") != nil)
    #expect(terminal.enter("!head -c 1000000 /dev/zero > fill 2>&1; df . | tail -1", expecting: "100%") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("!kill -TERM $PPID\n")
    #expect(terminal.wait(for: "the session could not be saved") != nil && terminal.wait(for: full) != nil)
    #expect(terminal.end() == -1, "it ends by the signal")
  }
}

/// Whether this process may mount a file system where nobody else sees it.
private let canMount: Bool = {
  let child = Process()
  child.executableURL = URL(filePath: "/usr/bin/unshare")
  child.arguments = ["-m", "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]
  child.standardError = FileHandle.nullDevice
  guard (try? child.run()) != nil else { return false }
  child.waitUntilExit()
  return child.terminationStatus == 0
}()
