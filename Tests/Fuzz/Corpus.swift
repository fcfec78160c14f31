import Builtins
import Foundation
import Stdlib
import Syntax
import TestSupport

/// The real programs of the repository, cut into statements and tokens: Tests/scripts, examples, stdlib, and the examples
/// of the built-ins.
struct Corpus: Sendable {
  /// A statement of a file with all statements of the file that it needs, in their order.
  struct Piece: Sendable {
    var tokens: [Word]
    /// The functions that it defines, with the number of arguments that they need.
    var functions: [(name: String, arguments: Int)]
  }

  struct Word: Sendable {
    var kind: Token.Kind
    /// The white space and comments before it.
    var space: ArraySlice<UInt8>
    var text: ArraySlice<UInt8>
  }

  private(set) var pieces: [Piece] = []
  /// Every token of every file: the common ones come often.
  private(set) var words: [Word] = []
  private(set) var wordsOfKind: [Token.Kind: [Word]] = [:]

  static let standard = Corpus()

  private init() {
    for text in Self.texts() { add(Source(name: "corpus", text: text)) }
    wordsOfKind = Dictionary(grouping: words, by: \.kind)
  }

  private static func texts() -> [String] {
    var texts = Stdlib.names.sorted().compactMap { Stdlib.source($0) }
    for folder in ["Tests/scripts", "examples"] {
      let root = SharedFiles.packageRoot.appending(path: folder)
      let paths = FileManager.default.subpaths(atPath: root.path) ?? []
      for path in paths.sorted() where path.hasSuffix(".ltd") {
        if let text = try? String(contentsOf: root.appending(path: path), encoding: .utf8) { texts.append(text) }
      }
    }
    for builtin in BuiltinTable.standard.functions.values.sorted(by: { $0.name < $1.name }) {
      texts.append(contentsOf: builtin.examples.map(\.code))
    }
    return texts
  }

  private mutating func add(_ source: Source) {
    let stream = tokenize(source)
    let program = parse(source)
    guard program.diagnostics.isEmpty, source.bytes.count < 40_000 else { return }
    let all = stream.tokens.dropLast()
    let fileWords = all.indices.map { index in
      Word(
        kind: all[index].kind, space: source.bytes[(index == 0 ? 0 : Int(all[index - 1].end))..<Int(all[index].start)],
        text: source.bytes[all[index].span.range])
    }
    words.append(contentsOf: fileWords)

    // Statements as ranges of tokens, with the names that they set and those that they mention.
    var statements: [Range<Int>] = []
    var token = 0
    for statement in program.body.statements {
      let first = token
      while token < all.count, all[token].start < statement.span.end { token += 1 }
      while token < all.count, all[token].kind == .semicolon { token += 1 }
      statements.append(first..<token)
    }
    let mentioned = statements.map { range in
      Set(range.filter { all[$0].kind == .identifier }.map { source.text(all[$0].span) })
    }
    var setters: [String: [Int]] = [:]
    for (place, statement) in program.body.statements.enumerated() {
      for name in Self.names(setBy: statement) { setters[name, default: []].append(place) }
    }
    for place in statements.indices {
      var needed: Set<Int> = []
      var open = [place]
      while let next = open.popLast() {
        guard needed.insert(next).inserted else { continue }
        for name in mentioned[next] {
          open.append(contentsOf: (setters[name] ?? []).filter { $0 <= place || $0 == next })
        }
      }
      let chosen = needed.sorted()
      let bytes = chosen.reduce(0) { $0 + source.text(program.body.statements[$1].span).utf8.count }
      if bytes > 2_500 { continue }
      let functions = chosen.compactMap { index -> (String, Int)? in
        guard case .function(let function) = program.body.statements[index].kind, let name = function.name else {
          return nil
        }
        return (name.text, function.parameters.count { $0.defaultValue == nil && $0.kind == .normal })
      }
      pieces.append(Piece(tokens: chosen.flatMap { fileWords[statements[$0]] }, functions: functions))
    }
  }

  private static func names(setBy statement: Stmt) -> [String] {
    switch statement.kind {
    case .assign(_, let pattern, _): pattern.names.map(\.text) + pattern.changedNames
    case .augmentedAssign(_, let target, _, _): target.rootName.map { [$0] } ?? []
    case .function(let function): function.name.map { [$0.text] } ?? []
    case .import(let item): [item.name.text]
    case .for(let pattern, _, let block):
      pattern.names.map(\.text) + pattern.changedNames + block.statements.flatMap { names(setBy: $0) }
    case .while(_, let block): block.statements.flatMap { names(setBy: $0) }
    default: []
    }
  }
}
