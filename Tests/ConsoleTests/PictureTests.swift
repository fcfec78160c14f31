import Foundation
import TestSupport
import Testing

@testable import Console

/// Pictures at terminals of several kinds. Answers of a terminal are typed before it is asked, as whoever types ahead does,
/// so that no test depends on how quick it is.
@Suite(.serialized)
struct PictureTests {
  let home: URL

  init() throws {
    home = FileManager.default.temporaryDirectory.appending(path: "ltd-pictures-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
  }

  private func start(_ variables: [String: String] = [:]) throws -> PseudoTerminal {
    let terminal = try PseudoTerminal([], home: home, variables: variables)
    try #require(terminal.wait(for: "ltd> ") != nil, "no prompt: \(terminal.shown)")
    return terminal
  }

  private static let image = "show(tensor([[0.0, 1], [1, 0]]), labels=\"word\");"
  private static let device = "\u{1B}[?62;22c"
  private static let question = "\u{1B}[c"

  private func count(_ text: String, in terminal: PseudoTerminal) -> Int {
    String(decoding: terminal.raw, as: UTF8.self).components(separatedBy: text).count - 1
  }

  /// What a terminal was sent for an image, with keys that were typed while it was asked.
  private func draw(_ terminal: PseudoTerminal, answer: String) throws {
    terminal.type(Self.image + "\n1000 + 1\(answer)00\n")
    #expect(terminal.wait(for: "word\n") != nil, "\(terminal.shown)")
    // The keys before and after the answer, and nothing of the answer.
    #expect(terminal.wait(for: "ltd> 1000 + 100\n1100\nltd> ") != nil, "\(terminal.shown)")
    #expect(terminal.enter("5 * 9", expecting: "45\nltd> ") != nil)
  }

  @Test func kittyGetsPixels() throws {
    let terminal = try start()
    #expect(count(Self.question, in: terminal) == 0, "no terminal is asked where there is no picture")
    try draw(terminal, answer: "\u{1B}_Gi=31;OK\u{1B}\\\u{1B}[6;20;10t" + Self.device)
    let images = terminal.screen.strings.filter { $0.hasPrefix("_Ga=T") }
    #expect(images.count == 1 && images[0].hasPrefix("_Ga=T,C=1,s=320,v=320,c=32,r=16,f=32,o=z,q=2,m=0;"), "\(images)")
    #expect(!terminal.shown.contains("▀"))
    // It is asked once.
    #expect(terminal.enter(Self.image, expecting: "word\n") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(count(Self.question, in: terminal) == 1)
    #expect(terminal.screen.strings.filter { $0.hasPrefix("_Ga=T") }.count == 2)
    #expect(terminal.enter("plot([1, 4])", expecting: "ltd> ") != nil)
  }

  @Test func sixelsNeedTheSizeOfACell() throws {
    let terminal = try start()
    try draw(terminal, answer: "\u{1B}[6;20;10t\u{1B}[?62;4;22c")
    let images = terminal.screen.strings.filter { $0.hasPrefix("P0;1;0q") }
    // Bands of six rows, none of them below the 16 rows of the image.
    #expect(images.count == 1 && images[0].hasPrefix("P0;1;0q\"1;1;320;318"))
    #expect(images.first?.filter { $0 == "-" }.count == 52)
    let other = try start(["COLORTERM": "truecolor"])
    try draw(other, answer: "\u{1B}[?62;4;22c")
    #expect(other.shown.contains("▀") && !other.screen.strings.contains { $0.hasPrefix("P") })
  }

  @Test func aTerminalThatSaysNoGetsBlocks() throws {
    // What the environment says does not count where the terminal has answered.
    let terminal = try start(["KITTY_WINDOW_ID": "1"])
    try draw(terminal, answer: Self.device)
    #expect(terminal.shown.contains("▀") && !terminal.screen.strings.contains { $0.hasPrefix("_Ga=T") })
  }

  @Test func aSilentTerminalIsNotWaitedForAgain() throws {
    let terminal = try start()
    terminal.type(Self.image + "\n")
    #expect(terminal.wait(for: "word\n") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.shown.contains("▀"))
    // An answer that comes too late is nothing that was typed.
    terminal.type("6 \u{1B}_Gi=31;OK\u{1B}\\* \u{1B}[6;20;10t\(Self.device)7\n")
    #expect(terminal.wait(for: "6 * 7\n42\nltd> ") != nil, "\(terminal.shown)")
    #expect(terminal.enter(Self.image, expecting: "word\n") != nil)
    #expect(count(Self.question, in: terminal) == 1)
  }

  @Test(arguments: ["linux", "dumb", "screen-256color"]) func someAreNeverAsked(_ kind: String) throws {
    let terminal = try start(["TERM": kind])
    #expect(terminal.enter(Self.image, expecting: "word\n") != nil)
    #expect(count("\u{1B}[16t", in: terminal) == 0)
    #expect(!terminal.screen.strings.contains { $0.hasPrefix("_") || $0.hasPrefix("P") })
  }

  /// A tmux that says what its server would.
  private func tmux(_ answer: String) throws -> [String: String] {
    let folder = home.appending(path: "bin-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let script = folder.appending(path: "tmux")
    try Data("#!/bin/sh\necho \"\(answer)\"\n".utf8).write(to: script)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script.path)
    return [
      "TERM": "tmux-256color", "TMUX": "/tmp/tmux-0/default,1,0", "TMUX_PANE": "%0", "COLORTERM": "truecolor",
      "PATH": "\(folder.path):/usr/bin:/bin", "LC_ALL": "C.UTF-8",
    ]
  }

  @Test func tmuxHandsPixelsOnAndKnowsWhereTheyStand() throws {
    let terminal = try start(tmux("1 xterm-kitty kitty(0.35.2)"))
    #expect(terminal.enter(Self.image, expecting: "word\n") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    // Nothing raw: tmux gets one string, whose escapes are doubled.
    let strings = terminal.screen.strings
    #expect(strings.count == 1 && strings[0].hasPrefix("Ptmux;\u{1B}\u{1B}_Ga=T,U=1,i="), "\(strings)")
    #expect(strings.first?.hasSuffix("\u{1B}\u{1B}\\") ?? false)
    let id = try #require(strings.first?.components(separatedBy: ",i=").last?.prefix { $0 != "," }).description
    let number = try #require(Int(id))
    let colour = "38;2;\(number >> 16);\(number >> 8 & 255);\(number & 255)"
    // 16 rows of 32 cells, each of which says where it stands.
    let text = String(decoding: terminal.raw, as: UTF8.self)
    #expect(text.unicodeScalars.filter { $0 == "\u{10EEEE}" }.count == 512)
    #expect(text.contains("\u{1B}[\(colour)m\u{10EEEE}\u{305}\u{305}\u{10EEEE}\u{305}\u{30D}"))
    #expect(text.contains("\u{10EEEE}\u{35B}") == false && text.contains("\u{10EEEE}\u{357}\u{305}"))
    #expect(count(Self.question, in: terminal) == 0)
  }

  @Test(arguments: ["0 xterm-kitty kitty(0.35.2)", "1 xterm-256color", "1 xterm-kitty kitty(0.26.5)", "no server"])
  func elsewhereInTmuxThereAreBlocks(_ answer: String) throws {
    let terminal = try start(tmux(answer))
    #expect(terminal.enter(Self.image, expecting: "word\n") != nil)
    #expect(terminal.shown.contains("▀") && terminal.screen.strings.isEmpty)
  }

  @Test func answersAndKeysAreToldApart() {
    func read(_ text: String) -> (TerminalQuery.Answer, String) {
      let (answer, rest) = TerminalQuery.answers(in: Array(text.utf8))
      return (answer, String(decoding: rest, as: UTF8.self))
    }
    #expect(read("ab\u{1B}[Ac").1 == "ab\u{1B}[Ac")
    #expect(read("\u{1B}").1 == "\u{1B}" && read("\u{1B}x\u{1B}").1 == "\u{1B}x\u{1B}")
    let (answer, rest) = read("a\u{1B}_Gi=31;OK\u{1B}\\b\u{1B}[6;18;9t\u{1B}OP\u{1B}[?1;2;4cc\u{3}")
    #expect(rest == "ab\u{1B}OPc\u{3}")
    #expect(answer.takesKitty && answer.takesSixel && answer.isWhole)
    #expect(answer.cellHeight == 18 && answer.cellWidth == 9)
    #expect(!read("\u{1B}_Gi=31;EINVAL:no\u{1B}\\").0.takesKitty && !read("\u{1B}_Gi=7;OK\u{1B}\\").0.takesKitty)
    #expect(read("\u{1B}[?4c").0 == TerminalQuery.Answer(isWhole: true), "a class is no ability")
    // What is not whole is left to whoever gets its end.
    for part in ["x\u{1B}_Gi=31;O", "x\u{1B}[?62;2", "x\u{1B}["] { #expect(read(part).1 == part) }
    #expect(read("\u{1B}[6;99999999999999999999;1t").0.cellWidth == nil)
  }

  @Test func aPlotThatIsTheLastValueIsDrawnForTheNewWidth() throws {
    let terminal = try start()
    #expect(terminal.enter("\"before\"", expecting: "before\"\nltd> ") != nil)
    #expect(terminal.enter("plot([1, 4, 9, 16], title=\"squares\")", expecting: "index\nltd> ") != nil)
    terminal.type("len(")
    #expect(terminal.see("ltd> len("))
    func widest(_ screen: ScreenEmulator) -> Int {
      (0..<screen.rows).map { screen.text(ofRow: $0).filter { $0 == "─" }.count }.max() ?? 0
    }
    let before = widest(terminal.screen)
    terminal.resize(columns: 120, rows: 40)
    #expect(terminal.wait { widest($0) > before + 10 && $0.text(from: 0).contains("ltd> len(") })
    // It is there once, and what stood above it still does.
    let shown = terminal.shown
    #expect(shown.components(separatedBy: "squares").count == 3, "\(shown)")
    #expect(shown.contains("before\"\nltd> plot") && shown.contains("index\nltd> len("), "\(shown)")
    terminal.type("_.data)\n")
    #expect(terminal.wait(for: "4\nltd> ") != nil)
    // Now another value stands above.
    let rows = terminal.shown
    terminal.resize(columns: 110, rows: 40)
    terminal.type("1")
    #expect(terminal.see("ltd> 1"))
    #expect(terminal.shown.components(separatedBy: "squares").count == rows.components(separatedBy: "squares").count)
  }
}
