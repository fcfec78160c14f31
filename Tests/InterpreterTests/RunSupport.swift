import HostSupport
import Interpreter

/// What a source prints, followed by the value of its last statement or its errors, one line each.
func run(
  _ text: String, limits: Limits = Limits(), table: BuiltinTable = .core, files: [String: String] = [:],
  modules: [String: String] = [:]
) -> String {
  let host = TestHost(files: files, modules: modules)
  let session = Session(table: table, host: host)
  session.limits = limits
  let result = lines(session.run(Source(name: "test.ltd", text: text)), session)
  return host.printed + result
}

/// Runs entries one after the other in one session, as at the prompt.
func converse(_ entries: String...) -> [String] {
  let session = Session(table: .core)
  return entries.map { lines(session.run(Source(name: "<prompt>", text: $0)), session) }
}

func lines(_ outcome: Outcome, _ session: Session) -> String {
  switch outcome {
  case .value(let value, _): value.isNone ? "" : value.text(session.printing)
  case .exit(let code): "exit \(code)"
  case .failure(let diagnostics): diagnostics.map(summary).joined(separator: "\n")
  }
}

/// `type 1:5 "x": message (hint)`
func summary(_ diagnostic: Diagnostic) -> String {
  var text = diagnostic.kind.rawValue
  if let source = diagnostic.source, let span = diagnostic.span {
    let position = source.position(at: Int(span.start))
    text += " \(position.line):\(position.column) \"\(source.text(span))\""
  }
  text += ": " + diagnostic.message
  if let hint = diagnostic.hint { text += " (\(hint))" }
  return text
}
