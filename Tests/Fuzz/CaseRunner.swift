import Base
import Builtins
import Stdlib
import Synchronization
import Syntax
import Tensors
import TestSupport

/// Puts cases through the language and says what is wrong with the answers.
///
/// One session serves many cases: it is emptied between them.
final class CaseRunner {
  /// How many cases got how far.
  struct Counts {
    var parsed = 0
    var laidOut = 0
    var ran = 0
    var ended = 0
  }

  private(set) var counts = Counts()
  private let host = FuzzHost()
  private let session: Session
  private static let looks = Atomic<Int>(0)

  /// A tensor takes no more than some hundred thousand elements, and long work ends after some hundred steps.
  private static let memory = 1 << 20
  private static let mostLooks = 3_000

  init() {
    Compute.threads = 1
    Compute.memoryLimit = Self.memory
    session = Session(table: FuzzTable.standard, host: host)
    let stop = session.stop
    stop.atEveryLook { [unowned stop] in
      if CaseRunner.looks.wrappingAdd(1, ordering: .relaxed).newValue > CaseRunner.mostLooks {
        stop.raise(.interrupted)
      }
    }
    session.limits.steps = 2_000
    session.limits.elements = 1_000
    session.limits.stringBytes = 10_000
    session.limits.callDepth = 60
    session.limits.allowsFiles = false
  }

  /// Runs `body` where cases cost least.
  func batch(_ body: @escaping () -> Void) { session.enterThread(body) }

  func problem(with item: FuzzCase) -> String? {
    let source = Source(name: "case", bytes: item.bytes)
    let program = parse(source)
    if item.draw % 16 == 0, let problem = promptProblem(item, source) { return problem }
    guard program.diagnostics.isEmpty else {
      if program.diagnostics.count > 20 { return "too many messages" }
      for diagnostic in program.diagnostics { if let problem = problem(with: diagnostic, item) { return problem } }
      let mustParse = item.kind != .bytes && item.kind != .corpus
      return mustParse ? "does not parse:\n\(program.diagnostics[0].render())" : nil
    }
    counts.parsed += 1
    // The layout of the others has little that is new.
    if (item.draw >> 8) % (item.kind == .meaningful || item.kind == .builtins ? 16 : 4) == 0 {
      counts.laidOut += 1
      if let problem = layoutProblem(of: program) { return problem }
    }
    // Names that nothing sets end a case early, and their hints take long.
    if item.kind == .bytes, (item.draw >> 12) % 2 == 0 { return nil }
    let first = run(source, item)
    if let problem = first.problem { return problem }
    if (item.draw >> 16) % 16 == 0, let problem = checkProblem(source, first) { return problem }
    guard (item.draw >> 24) % 10 == 0, !first.isCutShort, let laidOut = try? format(source) else { return nil }
    let second = run(Source(name: "case", text: laidOut), item)
    return isSame(first.text, second.text) || second.isCutShort
      ? second.problem : "the laid out program does something else:\n\(first.text)---\n\(second.text)---\n\(laidOut)"
  }

  /// A failed assertion quotes its line, which the formatter lays out.
  private func isSame(_ a: String, _ b: String) -> Bool {
    if a == b { return true }
    func plain(_ text: String) -> [UInt8] { text.utf8.filter { $0 > 0x20 && $0 != UInt8(ascii: ",") } }
    return a.contains("the assertion failed") && plain(a) == plain(b)
  }

  /// What the prompt asks while a text is typed.
  private func promptProblem(_ item: FuzzCase, _ source: Source) -> String? {
    var end: Int32 = 0
    for token in tokenize(source).tokens {
      if token.start < end || token.end < token.start || Int(token.end) > item.bytes.count {
        return "token out of order"
      }
      end = token.end
    }
    let text = item.text
    _ = isComplete(text)
    _ = cursorContext(in: text, at: Int(item.draw >> 32) % (text.utf8.count + 1))
    return nil
  }

  /// What can be found without running must be what a run refuses.
  private func checkProblem(_ source: Source, _ run: Run) -> String? {
    session.reset()
    let errors = session.check(source).filter { $0.kind != .warning }
    for diagnostic in errors { if let problem = problem(with: diagnostic, nil) { return problem } }
    return errors.isEmpty == run.isRefused ? "check and run disagree:\n\(render(errors))---\n\(run.text)" : nil
  }

  private func problem(with diagnostic: Diagnostic, _ item: FuzzCase?) -> String? {
    if diagnostic.kind == .internal { return "internal: \(diagnostic.message)" }
    if diagnostic.message.isEmpty { return "an error without a message" }
    if let span = diagnostic.span, let source = diagnostic.source,
      span.start < 0 || span.end < span.start || Int(span.end) > source.bytes.count
    {
      return "an error outside of the text"
    }
    // Showing it takes longer than finding it.
    if let item, (item.draw >> 48) % 8 != 0 { return nil }
    let text = diagnostic.render()
    if text.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" }) {
      return "a control character in an error"
    }
    return text.isEmpty || diagnostic.json.isEmpty ? "an error that prints nothing" : nil
  }

  private struct Run {
    var text: String
    var problem: String?
    /// By a limit: the point of it may differ.
    var isCutShort = false
    /// By the checks before running.
    var isRefused = false
  }

  private func run(_ source: Source, _ item: FuzzCase) -> Run {
    session.reset()
    host.clear()
    Self.looks.store(0, ordering: .relaxed)
    session.stop.clearInterrupt()
    let outcome = session.run(source)
    if session.hasRun { counts.ran += 1 }
    switch outcome {
    case .value(let value, _):
      counts.ended += 1
      return Run(text: host.text + value.text(PrintOptions()))
    case .exit: return Run(text: host.text)
    case .failure(let diagnostics):
      for diagnostic in diagnostics {
        if let problem = problem(with: diagnostic, item) { return Run(text: host.text, problem: problem) }
      }
      let first = diagnostics.first
      return Run(
        text: host.text + (first?.message ?? ""), problem: nil,
        isCutShort: [.interrupted, .limit, .memory].contains(first?.kind), isRefused: !session.hasRun)
    }
  }
}

/// Keeps the beginning of what is printed, and has the library's modules.
private final class FuzzHost: Host {
  private let parts = Locked("")
  var text: String { parts.withLock { $0 } }
  func write(_ text: String) throws(LTDError) { parts.withLock { if $0.utf8.count < 100_000 { $0 += text } } }
  func module(_ name: String) -> String? { Stdlib.source(name) }
  var moduleNames: [String] { Stdlib.names }
  func clear() { parts.withLock { $0.removeAll(keepingCapacity: true) } }
}
