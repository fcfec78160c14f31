import TestSupport

/// Writes real programs with a few tokens changed.
struct CorpusPrograms {
  private var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// - Parameter mutations: whether tokens are changed; without, the pieces are as they are.
  mutating func program(mutations: Bool = true) -> [UInt8] {
    let corpus = Corpus.standard
    var piece = pick(corpus.pieces)
    if chance(6) {
      let other = pick(corpus.pieces)
      piece.tokens += [Corpus.Word(kind: .invalid, space: [UInt8(ascii: "\n")], text: [])] + other.tokens
      piece.functions += other.functions
    }
    var tokens = piece.tokens
    if mutations, !tokens.isEmpty {
      // Many in a long tail; most leave a program that still parses.
      let keepsGrammar = chance(2)
      for _ in 0..<(chance(8) ? 4 + below(12) : 1 + below(3)) where !tokens.isEmpty {
        if keepsGrammar { replace(&tokens) } else { change(&tokens) }
      }
    }
    var bytes: [UInt8] = []
    for token in tokens {
      bytes += token.space
      bytes += token.text
    }
    for function in piece.functions.suffix(3) {
      let count = chance(6) ? below(4) : function.arguments
      let arguments = (0..<count).map { _ in pick(Self.arguments) }.joined(separator: ", ")
      bytes += Array("\ntry { print(\(function.name)(\(arguments))) } catch e { print(e.message) }".utf8)
    }
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }

  /// Puts a token in the place of one like it.
  private mutating func replace(_ tokens: inout [Corpus.Word]) {
    let at = below(tokens.count)
    let kind = tokens[at].kind
    switch kind {
    case .int, .float, .rawString, .true, .false, .none:
      tokens[at].text = pick(Self.plainValues)
    case .plus, .minus, .star, .slash, .slashSlash, .percent, .starStar, .at, .equalEqual, .bangEqual, .less,
      .lessEqual,
      .greater, .greaterEqual, .and, .or, .in:
      tokens[at].text = pick(Self.operators)
    case .identifier where chance(4):
      tokens[at].text = pick(Self.plainValues)
    case .identifier where !chance(3):
      // Of the same program: a name that is known.
      let other = tokens[below(tokens.count)]
      tokens[at].text = other.kind == .identifier ? other.text : tokens[at].text
    default:
      if let words = Corpus.standard.wordsOfKind[kind] { tokens[at].text = pick(words).text }
    }
  }

  private mutating func change(_ tokens: inout [Corpus.Word]) {
    let at = below(tokens.count)
    switch below(10) {
    case 0: tokens.remove(at: at)
    case 1: tokens.insert(tokens[at], at: at)
    case 2: tokens.swapAt(at, below(tokens.count))
    case 3:
      // A run of tokens somewhere else.
      let end = min(at + 1 + below(6), tokens.count)
      tokens.insert(contentsOf: Array(tokens[at..<end]), at: below(tokens.count))
    case 4:
      let end = min(at + 1 + below(6), tokens.count)
      tokens.removeSubrange(at..<end)
    case 5: tokens.insert(spaced(pick(Corpus.standard.words).text), at: at)
    case 6: tokens[at] = spaced(pick(Self.values))
    case 7: tokens[at] = tokens[below(tokens.count)]
    default: tokens[at] = spaced(pick(Corpus.standard.words).text)
    }
  }

  private func spaced(_ text: ArraySlice<UInt8>) -> Corpus.Word {
    Corpus.Word(kind: .invalid, space: [UInt8(ascii: " ")], text: text)
  }

  private mutating func below(_ n: Int) -> Int { Int.random(in: 0..<n, using: &random) }
  private mutating func chance(_ n: Int) -> Bool { below(n) == 0 }
  private mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }

  private static let arguments = [
    "1", "0", "-1", "2.5", "\"a b\"", "\"\"", "[1, 2, 3]", "[]", "[{a: 1, b: \"x\"}, {a: 2, b: \"y\"}]", "none",
    "x => x", "\"a\"", "{a: 1}", "1..3", "[1.5, 2.5]", "tensor([1.0, 2])", "[\"a\", \"b\"]", "[[1, 2], [3, 4]]", "nan",
    "true", "(a, b) => a", "\"2026-11-24\"",
  ]
  private static let plainValues: [ArraySlice<UInt8>] =
    (arguments + ["9223372036854775807", "-9223372036854775808", "1e308", "inf", "0.5", "2", "3", "10"]).map {
      Array($0.utf8)[...]
    }
  private static let operators: [ArraySlice<UInt8>] =
    ["+", "-", "*", "/", "//", "%", " ** ", "@", "==", "!=", "<", "<=", ">", ">=", " and ", " or ", " in ", " not in "]
    .map {
      Array($0.utf8)[...]
    }
  private static let values: [ArraySlice<UInt8>] =
    (arguments + [
      "9223372036854775807", "-9223372036854775808", "1e308", "inf", "\"τ日\"", "xs", "x", "\n", ";", "[0]", ".T", "()",
      "(\n", "# c\n", "...", "*", "**", "|> print", "=> {", "} else {", "r\"", "'",
    ]).map { Array($0.utf8)[...] }
}
