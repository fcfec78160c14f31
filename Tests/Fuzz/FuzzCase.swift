import Interpreter
import Synchronization
import TestSupport

/// One input: the same for the same seed and number.
struct FuzzCase {
  enum Kind {
    /// Anything at all: for lexer, parser and diagnostics.
    case bytes
    /// By the grammar: must parse, and keep its meaning when it is laid out.
    case grammatical
    /// Must run to its end or to an ordinary error, and do the same when it is laid out.
    case meaningful
  }
  let kind: Kind
  let bytes: [UInt8]
  /// Whether the formatter is tried too; it takes longer than all else.
  let isLaidOut: Bool

  init(seed: UInt64, number: UInt64) {
    var mixer = SeededGenerator(seed: seed &* 0x2545_F491_4F6C_DD1D &+ number)
    let own = mixer.next()
    isLaidOut = number % 32 < 8
    switch number % 8 {
    case 0:
      var generator = ProgramGenerator(seed: own)
      kind = .bytes
      bytes = generator.randomBytes()
    case 1:
      var generator = ProgramGenerator(seed: own)
      kind = .bytes
      bytes = generator.mutate(generator.program())
    case 2:
      var generator = ProgramGenerator(seed: own)
      kind = .grammatical
      bytes = Array(generator.program().utf8)
    case 3:
      var generator = ProgramGenerator(seed: own &+ 1)
      kind = .bytes
      var writer = MeaningfulPrograms(seed: own)
      bytes = generator.mutate(writer.program())
    default:
      var writer = MeaningfulPrograms(seed: own)
      kind = .meaningful
      bytes = Array(writer.program().utf8)
    }
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// Puts cases through the language and says what is wrong with the answers.
final class CaseRunner {
  private var parsed = 0
  private var ran = 0
  private var ended = 0
  private var refused = 0

  /// How many cases got how far.
  var summary: String { "\(parsed) parsed, \(ran) checked, \(ran - refused) run, \(ended) without an error" }

  func problem(with item: FuzzCase) -> String? {
    let source = Source(name: "case", bytes: item.bytes)
    let program = parse(source)
    for diagnostic in program.diagnostics { if let problem = problem(with: diagnostic) { return problem } }
    guard program.diagnostics.isEmpty else {
      return item.kind == .bytes ? nil : "does not parse:\n\(program.diagnostics[0].render())"
    }
    parsed += 1
    guard item.isLaidOut else { return run(source).problem }
    guard let laidOut = try? format(source) else { return "cannot be laid out" }
    let again = Source(name: "case", text: laidOut)
    guard let twice = try? format(again), twice == laidOut else { return "laid out twice differs:\n\(laidOut)" }
    let first = run(source)
    if let problem = first.problem { return problem }
    guard item.kind == .meaningful, !first.isCutShort else { return nil }
    let second = run(again)
    return first.text == second.text
      ? second.problem : "the laid out program does something else:\n\(first.text)---\n\(second.text)---\n\(laidOut)"
  }

  private func problem(with diagnostic: Diagnostic) -> String? {
    if diagnostic.kind == .internal { return "internal: \(diagnostic.message)" }
    if diagnostic.message.isEmpty { return "an error without a message" }
    if let span = diagnostic.span, let source = diagnostic.source,
      span.start < 0 || span.end < span.start || Int(span.end) > source.bytes.count
    {
      return "an error outside of the text"
    }
    return diagnostic.render().isEmpty || diagnostic.json.isEmpty ? "an error that prints nothing" : nil
  }

  private struct Run {
    var text: String
    var problem: String?
    /// By a limit: the point of it may differ.
    var isCutShort = false
  }

  private func run(_ source: Source) -> Run {
    let session = Session(table: .core)
    session.limits.steps = 3_000
    session.limits.elements = 1_000
    session.limits.stringBytes = 10_000
    session.limits.callDepth = 60
    session.limits.seconds = 5
    session.limits.allowsFiles = false
    let output = Collected()
    session.output = { output.add($0) }
    ran += 1
    switch session.run(source) {
    case .value(let value, _):
      ended += 1
      return Run(text: output.text + value.text(PrintOptions()))
    case .exit: return Run(text: output.text)
    case .failure(let diagnostics):
      for diagnostic in diagnostics {
        if let problem = problem(with: diagnostic) { return Run(text: "", problem: problem) }
      }
      let first = diagnostics.first
      // Errors found before running come without a trace and without output.
      if output.text.isEmpty, !session.hasRun { refused += 1 }
      return Run(
        text: output.text + (first?.message ?? ""), problem: nil,
        isCutShort: first?.kind == .interrupted || first?.kind == .memory)
    }
  }
}

private final class Collected: Sendable {
  private let parts = Mutex("")
  var text: String { parts.withLock { $0 } }
  func add(_ text: String) { parts.withLock { if $0.utf8.count < 100_000 { $0 += text } } }
}
