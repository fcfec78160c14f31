import Base
import Builtins
import Interpreter
import Platform

extension Prompt {
  // MARK: Files of the session

  /// `:save file`.
  func save(_ path: String) {
    if path.isEmpty { return problem(":save takes a file", hint: ":save experiment.ltds; :script writes a script") }
    if path.hasSuffix(".ltd") {
      return problem(
        "\(path) is the name of a script, and :save writes values",
        hint: ":script \(path), or :save \(path)s")
    }
    if let status = FileStatus(path), status.isRegular, (try? SessionFile.remarks(of: path)) == nil {
      return problem("\(path) is there already, and is no saved session", hint: "choose another name")
    }
    guard let (graph, bytes) = written(to: path) else { return }
    // `_1` and the like are kept as well, and are no variables of the user's.
    let lost = Set(graph.omitted.map(\.name))
    let count = memory.moment.userVariables.filter { !lost.contains($0) }.count
    note("\(count.of("variable")) written to \(path), \(byteText(bytes))")
    for line in graph.omittedLines { note("not saved: \(line)") }
  }

  private func written(to path: String) -> (SavedGraph, Int)? {
    do throws(CoreError) {
      let graph = try session.stop.carry { () throws(CoreError) in
        let graph = try session.saved(extras: SessionKeeper.extras(statements))
        try SessionFile.write(
          graph, to: path, remarks: KeptSession.remarks(of: memory.moment, ":save", without: graph), mode: 0o666)
        return graph
      }
      return (graph, FileStatus(path)?.size ?? 0)
    } catch {
      Interrupts.clear()
      runner.report([LTDError.reporting(error).diagnostic])
      return nil
    }
  }

  /// `:restore [file]`.
  func restore(_ path: String) {
    var path = path
    var kept: KeptSession?
    if path.isEmpty {
      let folder = SessionKeeper.defaultFolder
      kept = KeptSession.all(in: folder).first
      guard let found = kept?.path ?? KeptSession.lastRestored(in: folder) else {
        return problem(
          "no session was kept that ended unasked", hint: ":restore experiment.ltds, of a file that :save wrote")
      }
      path = found
    }
    memory.begin(":restore")
    var isRestored = false
    defer { memory.end(whole: isRestored) }
    do throws(CoreError) {
      let before = memory.moment.userVariables.count
      let extras = try session.stop.carry { () throws(CoreError) in
        try session.restore(try SessionFile.read(path))
      }
      isRestored = true
      statements = extras["statements"]?.asList?.compactMap { RanStatement($0) } ?? []
      var values: [Value] = []
      while let value = session["_\(values.count + 1)"], values.count < Prompt.valuesKept { values.append(value) }
      take(values: values)
      kept?.markRestored()
      let names = session.variables.map(\.name).filter { !$0.hasPrefix("_") && $0 != "ans" }
      note(
        "\(names.count.of("variable")) restored"
          + (before > 0 ? "; :undo brings back the \(before) of before" : ""))
    } catch {
      Interrupts.clear()
      var diagnostic = LTDError.reporting(error).diagnostic
      if !diagnostic.message.contains(path) {
        diagnostic.message = "'\(path)' cannot be restored: \(diagnostic.message)"
      }
      runner.report([diagnostic])
    }
  }

  /// `:script [file] [names]`.
  func script(_ rest: String) {
    var words = rest.split(separator: " ").map(String.init)
    var path: String?
    if let first = words.first, first.contains(".") || first.contains("/") { path = words.removeFirst() }
    for name in words where session[name] == nil {
      let near = nearestNames(to: name, in: memory.moment.userVariables).first
      return problem("there is no variable \(name)", hint: near.map { "did you mean \($0)?" })
    }
    if let path, access(path, F_OK) == 0 { return problem("\(path) is there already", hint: "choose another name") }
    let wanted = Set(words.isEmpty ? memory.moment.userVariables : words)
    let chosen = ShortestScript.statements(statements, for: wanted)
    let text = chosen.map { $0.text + "\n" }.joined()
    if chosen.isEmpty { return note("no statement of this session has set a variable") }
    if let path {
      guard write(text, to: path) else { return }
      let all = statements.filter(\.isSuccess).count
      note("\(chosen.count) of \(all) statements written to \(path)")
    } else {
      output.write(text)
    }
    check(text, wanted)
  }

  /// Runs a script in a session of its own, and says what comes out otherwise.
  private func check(_ text: String, _ wanted: Set<String>) {
    let other = Session(table: session.table, host: QuietHost(session.host), stop: session.stop)
    other.limits = session.limits
    switch other.run(Source(name: "<script>", text: text)) {
    case .exit: note("it was not checked: it ends with exit")
    case .failure(let diagnostics):
      Interrupts.clear()
      if diagnostics.contains(where: { $0.kind == .interrupted }) { return note("it was not checked") }
      problem("the script does not run by itself: \(diagnostics.first?.message ?? "")")
    case .value:
      var different: [String] = []
      for name in wanted.sorted() {
        guard let mine = try? session.saved([name], comparing: true), mine.omitted.isEmpty else {
          different.append("\(name) (it cannot be compared)")
          continue
        }
        guard let others = try? other.saved([name], comparing: true), SessionFile.isSame(mine, others) else {
          different.append(name)
          continue
        }
      }
      if different.isEmpty {
        note("it was run: every value comes out the same")
      } else {
        problem(
          "it was run, and comes out otherwise: \(different.joined(separator: ", "))",
          hint: "what depends on time, on files that have changed, or on values of an interrupted statement does")
      }
    }
  }

  /// `:transcript file`.
  func transcript(_ path: String) {
    guard let ending = Transcript.endings.first(where: { path.hasSuffix($0) }) else {
      return problem(
        path.isEmpty
          ? ":transcript takes a file" : "a transcript is written to \(Transcript.endings.joined(separator: ", "))",
        hint: ":transcript report.md, report.html, or test.ltd for ltd test")
    }
    if access(path, F_OK) == 0 { return problem("\(path) is there already", hint: "choose another name") }
    if statements.isEmpty { return note("nothing was run yet") }
    do throws(CoreError) {
      let written = try session.stop.carry { () throws(CoreError) in
        try Transcript.write(statements, to: path, ending: ending)
      }
      let count = statements.count
      var words = "\(count.of("statement")) written to \(path)"
      if let first = written.first, let last = written.last {
        words += ", its pictures to " + (written.count == 1 ? first : "\(first) … \(last)")
      }
      note(words + (ending == ".ltd" ? "; ltd test \(path) runs it" : ""))
    } catch {
      Interrupts.clear()
      runner.report([LTDError.reporting(error).diagnostic])
    }
  }

  // MARK: Going back

  /// `:undo [name]`.
  func undo(_ name: String) {
    if !name.isEmpty { return undoVariable(name) }
    guard let step = memory.undo.takeLast() else {
      return problem("there is nothing to take back", hint: "what statements set is kept until it is more than 256 MiB")
    }
    defer { memory.look() }
    if let whole = step.whole {
      whole.restoreAll(in: session)
      return note("taken back: \(firstLine(step.text))")
    }
    for change in step.changes { put(change) }
    for point in step.points { point.restore() }
    var names = step.changes.map(\.name)
    for point in step.points { names += memory.moment.names(reaching: point.owner) }
    let list = Set(names).sorted().joined(separator: ", ")
    note("taken back: \(firstLine(step.text))\(list.isEmpty ? "" : "  (\(list))")")
    for name in step.lost { note("\(name) stays as it is: what it was before was too large to be kept") }
  }

  private func undoVariable(_ name: String) {
    guard let (text, change) = memory.undo.takeChange(of: name) else {
      return problem(
        session[name] == nil ? "there is no variable \(name)" : "no statement that is still known has set \(name)",
        hint: ":undo takes back the last statement")
    }
    put(change)
    memory.look()
    note("\(name) is as it was before: \(firstLine(text))")
  }

  private func put(_ change: VariableUndo.Change) {
    if let variable = change.before { session.set(variable) } else { session.unset(change.name) }
  }

  private func firstLine(_ text: String) -> String {
    let line = text.split(separator: "\n").first.map(String.init) ?? ""
    return line.count > 60 || text.contains("\n") ? line.prefix(60) + " …" : line
  }

  /// `:reset`.
  func reset() {
    let count = memory.moment.userVariables.count
    memory.begin(":reset")
    session.reset()
    forgetValues()
    statements = []
    memory.end()
    memory.undo.clear()
    session.host.releaseUnusedMemory()
    note("\(count.of("variable")) forgotten")
  }
}

/// A number of bytes in the unit that suits it: `14.2 MiB`.
func byteText(_ bytes: Int) -> String {
  let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
  var (size, unit) = (Double(bytes), 0)
  while size >= 1024, unit < units.count - 1 {
    size /= 1024
    unit += 1
  }
  return unit == 0 ? "\(bytes) bytes" : "\(size.fixed(size >= 100 ? 0 : 1)) \(units[unit])"
}

/// A host that shows nothing, and reads what another one reads.
private final class QuietHost: Host {
  private let inner: any Host
  init(_ inner: any Host) { self.inner = inner }
  func read(_ path: String) throws(LTDError) -> [UInt8] { try inner.read(path) }
  func module(_ name: String) -> String? { inner.module(name) }
  var moduleNames: [String] { inner.moduleNames }
}
