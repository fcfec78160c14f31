import Foundation
import Testing

@testable import Console

/// NaN and infinities in what is shown.
@Suite
struct NonFiniteTests {
  @Test(arguments: [
    ("nan", "‹nan›"), ("[1, inf, -inf, nan]", "[1, ‹inf›, ‹-inf›, ‹nan›]"), ("1.5", "1.5"),
    ("tensor f32 [2]  nan 0.5", "tensor f32 [2]  ‹nan› 0.5"),
    ("  min 0  mean 1  max 2  NaN 3  infinite 12", "  min 0  mean 1  max 2  ‹NaN 3›  ‹infinite 12›"),
    ("{nan: 1, inf: \"inf nan\", a: \"\\\"nan\", b: inf}", "{nan: 1, inf: \"inf nan\", a: \"\\\"nan\", b: ‹inf›}"),
    ("banana inform info nano x.inf infinite", "banana inform info nano x.inf infinite"),
    ("\"open\nnan", "\"open\n‹nan›"), ("é nan", "é ‹nan›"), ("-nan", "-nan"), ("", ""), ("in", "in"), ("-", "-"),
  ])
  func marks(_ text: String, _ marked: String) {
    let wanted = marked.replacing("‹", with: "\u{1B}[31m").replacing("›", with: "\u{1B}[0m")
    #expect(NonFinite.marked(text) == wanted)
  }

  @Test(arguments: [false, true]) func thePromptMarksThem(_ isPlain: Bool) throws {
    let home = FileManager.default.temporaryDirectory.appending(path: "ltd-nan-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    let terminal = try PseudoTerminal(home: home, variables: isPlain ? ["NO_COLOR": "1"] : [:])
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("tensor([1.0, nan, inf]) * 2", expecting: "2 nan inf\nltd> ") != nil)
    #expect(terminal.enter("x = zeros([9, 9]); x[0, 0] = -inf; x", expecting: "infinite 1") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("\"nan\"", expecting: "\n\"nan\"\nltd> ") != nil)
    let raw = String(decoding: terminal.raw, as: UTF8.self)
    for word in ["nan", "inf", "infinite 1", "-inf"] { #expect(raw.contains("\u{1B}[31m\(word)\u{1B}[0m") != isPlain) }
    #expect(!raw.contains("\"\u{1B}[31mnan"), "a string is no number")
  }
}
