import Foundation
import Syntax
import TestSupport
import Testing

/// Random programs and random bytes. `LTD_FUZZ_SEED` and `LTD_FUZZ_CASES` choose others; a failure names its seed:
/// `LTD_FUZZ_SEED=<seed> LTD_FUZZ_CASES=1` repeats it.
@Suite struct FuzzTests {
  static let firstSeed = UInt64(ProcessInfo.processInfo.environment["LTD_FUZZ_SEED"] ?? "") ?? 1
  /// The seeds to try: as many as `LTD_FUZZ_CASES` says, else a number that keeps the suite quick.
  static func seeds(_ count: UInt64) -> Range<UInt64> {
    let asked = UInt64(ProcessInfo.processInfo.environment["LTD_FUZZ_CASES"] ?? "")
    return firstSeed..<firstSeed &+ (asked ?? count)
  }

  @Test func grammaticalProgramsParse() {
    for seed in Self.seeds(2000) {
      var generator = ProgramGenerator(seed: seed)
      let text = generator.program()
      let program = parse(Source(name: "seed \(seed)", text: text))
      if !program.diagnostics.isEmpty {
        Issue.record("seed \(seed):\n\(render(Array(program.diagnostics.prefix(1))))\n\(text)")
        return
      }
      if !isComplete(text) {
        Issue.record("seed \(seed) is not complete:\n\(text)")
        return
      }
    }
  }

  @Test func anyBytesAreAnswered() {
    for seed in Self.seeds(2000) {
      var generator = ProgramGenerator(seed: seed)
      let bytes = seed % 4 == 0 ? generator.randomBytes() : generator.mutate(generator.program())
      if let problem = Self.problem(with: bytes, cursor: Int(seed &* 7919 % 997)) {
        Issue.record("seed \(seed): \(problem)\n\(String(decoding: bytes, as: UTF8.self))")
        return
      }
    }
  }

  /// Keys at random places of a program: what was read before a key changes nothing of what is found after it.
  @Test func tokensOfTypedTextAreThoseOfTheText() {
    let keys = [
      "\n", "\r\n", "\"", "\"\"\"", "{", "}", "(", ")", "[", "#", "'", "x", "1.", " ", "é", ":", "++", "0x",
      "fit(net, ",
    ]
    for seed in Self.seeds(200) {
      var generator = ProgramGenerator(seed: seed)
      var random = SeededGenerator(seed: seed)
      let typed = TypedTokens()
      var bytes = Array(generator.program().utf8)
      var cursor = bytes.count
      for key in 0..<60 {
        if Int.random(in: 0..<4, using: &random) == 0 { cursor = Int.random(in: 0...bytes.count, using: &random) }
        if cursor > 0, Int.random(in: 0..<3, using: &random) == 0 {
          let count = min(cursor, Int.random(in: 1...8, using: &random))
          bytes.removeSubrange(cursor - count..<cursor)
          cursor -= count
        } else {
          let key = Array((keys.randomElement(using: &random) ?? "x").utf8)
          bytes.insert(contentsOf: key, at: cursor)
          cursor += key.count
        }
        // What is typed is always UTF-8.
        let text = Source(name: "typed", text: String(decoding: bytes, as: UTF8.self))
        bytes = text.bytes
        cursor = min(cursor, bytes.count)
        let (found, right) = (typed.tokens(of: text, cursor: cursor), tokenize(text))
        let isSame =
          found.tokens == right.tokens && found.partners == right.partners && found.comments == right.comments
          && found.diagnostics.map(\.message) == right.diagnostics.map(\.message) && found.source === text
        if !isSame {
          Issue.record("seed \(seed), key \(key), cursor \(cursor):\n\(String(decoding: bytes, as: UTF8.self))")
          return
        }
      }
    }
  }

  /// What is wrong with the answers of lexer, parser and diagnostics for a text; nil if nothing is.
  static func problem(with bytes: [UInt8], cursor: Int) -> String? {
    let source = Source(name: "fuzz", bytes: bytes)
    let stream = tokenize(source)
    var end: Int32 = 0
    for token in stream.tokens {
      if token.start < end || token.end < token.start || Int(token.end) > bytes.count { return "token out of order" }
      end = token.end
    }
    let program = parse(source)
    if program.diagnostics.count > 20 { return "too many messages" }
    for diagnostic in program.diagnostics {
      guard let span = diagnostic.span, span.start >= 0, span.end >= span.start, Int(span.end) <= bytes.count else {
        return "message without a place"
      }
      let text = diagnostic.render()
      let reaches = text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" }
      if reaches { return "control character in a message" }
    }
    let text = String(decoding: bytes, as: UTF8.self)
    _ = isComplete(text)
    _ = cursorContext(in: text, at: cursor)
    if program.diagnostics.isEmpty, bytes.count < 10_000 { return FormatterTests.problem(with: text) }
    return nil
  }

  @Test(arguments: [
    "(", "[", "{", "{a:", "x=>", "x=>{", "if a {", "fn f(){", "-", "not ", "\"{", "f(", "x[", "2**", "try{", "(x,",
    "a|>(", "\"\"\"{",
    "fn f(a:list[", "for (", "for [", "{x:{", "if a{}else ", "1+", "a.b", "a and ", "a<", "x=", "[a for a in ", "...",
    "\\", "'",
    "#\n", "\n", ";", "}", ")", "]", "\"", "}{", ")(", "é", "a\u{301}", "x = 1\n", "x = \"a\"\n", "f(x)\n", "\u{0}",
    "1..",
  ])
  func repetitionIsNoProblem(piece: String) {
    let bytes = Array(String(repeating: piece, count: 4000).utf8)
    #expect(Self.problem(with: bytes, cursor: bytes.count) == nil)
    let halves = Array((String(repeating: piece, count: 1000) + "x" + String(repeating: ")]}\"", count: 1000)).utf8)
    #expect(Self.problem(with: halves, cursor: 500) == nil)
  }
}
