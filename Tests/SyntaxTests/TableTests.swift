import Platform
import Syntax
import Testing

/// What the language names in a table is named alike wherever it is written again.
@Suite struct TableTests {
  private var grammar: String {
    get throws {
      let path = #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/Sources/Syntax/GRAMMAR.md"
      let file = try #require(fopen("/" + path, "r"))
      defer { fclose(file) }
      var bytes: [UInt8] = []
      while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// Words between backquotes in the paragraph that begins with a title.
  private func words(after title: String) throws -> [String] {
    let lines = try grammar.split(separator: "\n")
    let first = try #require(lines.firstIndex { $0.hasPrefix(title) })
    let paragraph = lines[first...].prefix { $0 == lines[first] || $0.hasPrefix("  ") }.joined(separator: " ")
    let quoted = paragraph.split(separator: "`", omittingEmptySubsequences: false)
    return quoted.indices.filter { $0 % 2 == 1 }.flatMap { quoted[$0].split(separator: " ").map(String.init) }
  }

  @Test func theGrammarNamesEveryKeyword() throws {
    let named = try words(after: "- **Keywords**")
    #expect(Array(named.prefix(Token.Kind.keywords.count)) == Token.Kind.keywords)
  }

  @Test func theGrammarNamesEveryAugmentedOperator() throws {
    let line = try #require(try grammar.split(separator: "\n").first { $0.hasPrefix("    augmented   = ") })
    let named = line.split(separator: "\"").filter { $0.hasSuffix("=") && !$0.hasSuffix("= ") }.map(String.init)
    #expect(named == operators.map { $0 + "=" }.filter { kind(of: $0) != nil })
    #expect(named.count == operators.count)
  }

  private let operators = ["+", "-", "*", "/", "//", "%", "**", "@"]

  private func kind(of text: String) -> Token.Kind? {
    let tokens = tokenize(Source(name: "", text: text)).tokens
    return tokens.count == 2 ? tokens[0].kind : nil
  }

  /// The lexer reads every word and sign as the kind that spells it.
  @Test(arguments: Token.Kind.allCases)
  func everyKindIsReadAsItIsSpelled(_ kind: Token.Kind) {
    let isSign = kind.rawValue.utf8.allSatisfy { !UInt8.isLetterOrSpace($0) }
    guard kind.isKeyword || isSign, !kind.rawValue.isEmpty else { return }
    #expect(self.kind(of: kind.rawValue) == kind)
  }
}

extension UInt8 {
  fileprivate static func isLetterOrSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x61...0x7A).contains(byte | 0x20)
  }
}
