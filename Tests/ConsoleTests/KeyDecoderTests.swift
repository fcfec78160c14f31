import Foundation
import Testing

@testable import Console

/// Bytes to keys.
@Suite
struct KeyDecoderTests {
  /// Bytes that are there, then nothing.
  final class Bytes: KeySource {
    var rest: [UInt8]
    init(_ bytes: [UInt8]) { rest = bytes }
    func byte(within milliseconds: Int32) -> UInt8? { rest.isEmpty ? nil : rest.removeFirst() }
    func bytes() -> [UInt8] {
      defer { rest = [] }
      return rest
    }
    func putBack(_ bytes: ArraySlice<UInt8>) { rest = bytes + rest }
  }

  func keys(_ text: String) -> [Key] { keys(Array(text.utf8)) }

  func keys(_ bytes: [UInt8]) -> [Key] {
    let source = Bytes(bytes)
    var keys: [Key] = []
    while let first = source.byte(within: 0) {
      keys.append(KeyDecoder(longestPaste: 1000).key(first, from: source))
    }
    return keys
  }

  @Test func keysOfManyTerminals() {
    #expect(keys("a\u{1}é漢😀") == [.character("a"), .control(1), .character("é"), .character("漢"), .character("😀")])
    #expect(
      keys("\u{1B}[A\u{1B}OB\u{1B}[1;5C\u{1B}[1;2D") == [
        .named(.up), .named(.down), .named(.right, .control), .named(.left, .shift),
      ])
    #expect(
      keys("\u{1B}[H\u{1B}[1~\u{1B}[4~\u{1B}[3~\u{1B}[3;5~") == [
        .named(.home), .named(.home), .named(.end), .named(.delete), .named(.delete, .control),
      ])
    #expect(keys("\u{1B}b\u{1B}\r\u{1B}\u{1B}[D") == [.meta("b"), .meta("\r"), .named(.left, .alt)])
    #expect(keys("\u{1B}[13;3u\u{1B}[97;5u\u{1B}[27;2;13~") == [.meta("\r"), .control(1), .meta("\r")])
    #expect(keys("\u{1B}") == [.escape])
    #expect(keys("\u{1B}_") == [.meta("_")])
  }

  @Test func whatMeansNothingIsSwallowedWhole() {
    for junk in [
      "\u{1B}[15~", "\u{1B}[[A", "\u{1B}[M !!", "\u{1B}[<0;12;7M", "\u{1B}[?62;4c", "\u{1B}]11;rgb:00/00/00\u{7}",
      "\u{1B}P1$r0m\u{1B}\\", "\u{1B}_Gi=1;OK\u{1B}\\", "\u{1B}[24;5~", "\u{1B}Oz",
    ] { #expect(keys(junk + "x") == [.ignored, .character("x")], "\(junk.debugDescription)") }
    #expect(keys([0xFF, 0x61]) == [.ignored, .character("a")])
    #expect(keys([0xC3, 0x61]) == [.ignored, .character("a")])
    #expect(keys([0xC2, 0x85, 0x61]) == [.ignored, .character("a")])
  }

  @Test func lineBreaks() {
    #expect(keys("\r\n\n\rx") == [.control(13), .control(10), .control(13), .character("x")])
    #expect(
      keys("\u{1B}[200~a\r\nb\rc\nd\u{1B}[201~e") == [
        .paste(Array("a\nb\nc\nd".unicodeScalars)), .character("e"),
      ])
    #expect(keys("\u{1B}[200~ab\u{3}cd") == [.paste(Array("ab".unicodeScalars)), .character("c"), .character("d")])
    let long = String(repeating: "x", count: 2000)
    #expect(keys("\u{1B}[200~\(long)\u{1B}[201~e") == [.pasteTooLong, .character("e")])
  }

  /// Whatever comes, each key takes at least a byte and nothing traps.
  @Test func anyBytes() {
    var random = SystemRandomNumberGenerator()
    let interesting = Array("\u{1B}\u{1B}[[O~;0123ABMu?<_P]\u{7}\\".utf8) + [0xC3, 0xFF, 0x80, 0xE2, 0x0D, 0x0A]
    for _ in 0..<3000 {
      let bytes = (0..<Int.random(in: 1...24, using: &random)).map { _ in interesting.randomElement(using: &random) ?? 0
      }
      #expect(keys(bytes).count <= bytes.count)
    }
  }
}
