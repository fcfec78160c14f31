import Base
import Builtins
import Help
import Interpreter
import Platform

extension Prompt {
  /// Runs what begins with `:`, `?` or `!`.
  func command(_ text: String) {
    switch text.first {
    case "?":
      let word = trimmed(text.drop { $0 == "?" })
      return text.hasPrefix("??") ? search(word) : word.isEmpty ? topics() : help(helped(word))
    case "!": return shell(trimmed(text.dropFirst()))
    default: break
    }
    let words = text.dropFirst()
    let word = words.prefix { !$0.isWhitespace }
    // `:try!` is `:try !`, for a command that takes it.
    let isLoud = word.hasSuffix("!")
    let name = String(isLoud ? word.dropLast() : word)
    let rest = trimmed(words.dropFirst(name.count))
    let commands = Command.all.filter { !isLoud || $0.page.form.contains("[!]") }
    if let command = commands.first(where: { $0.name == name }) { return command.run(self, rest) }
    let started = commands.filter { $0.name.hasPrefix(name) }
    if started.count == 1, !name.isEmpty { return started[0].run(self, rest) }
    let near = started.first?.name ?? nearestNames(to: name, in: Command.all.map(\.name)).first
    problem("there is no command :\(word)", hint: near.map { "did you mean :\($0)?" } ?? ":help lists the commands")
  }

  // MARK: Variables

  func listVariables(_ rest: String) {
    let wanted = rest.split(separator: " ").map(String.init)
    var shown = session.variables.filter { !$0.name.hasPrefix("_") && $0.name != "ans" }
    if !wanted.isEmpty { shown = session.variables.filter { wanted.contains($0.name) } }
    let unknown = wanted.filter { name in !shown.contains { $0.name == name } }
    for name in unknown {
      let near = nearestNames(to: name, in: session.variables.map(\.name)).first
      problem("there is no variable \(name)", hint: near.map { "did you mean \($0)?" })
    }
    if shown.isEmpty, wanted.isEmpty, values.isEmpty { return note("there are no variables yet") }
    let moment = memory.moment
    let sizes = Dictionary(shown.map { ($0.name, moment.byteCount(of: $0.name)) }) { first, _ in first }
    // Of equal size, as numbers are, in the order of the alphabet.
    shown.sort { (sizes[$1.name] ?? 0, $0.name) < (sizes[$0.name] ?? 0, $1.name) }
    let nameWidth = min(24, shown.map(\.name.count).max() ?? 0)
    let kinds = shown.map { kind(of: $0.value) }
    let kindWidth = min(36, kinds.map(\.count).max() ?? 0)
    for (variable, kind) in zip(shown, kinds) {
      if Interrupts.pending { return }
      let size = sizes[variable.name] ?? 0
      let bytes = padded(size > 0 ? byteText(size) : "", 10, right: true)
      let start = padded(variable.name, nameWidth) + "  " + padded(kind, kindWidth) + "  " + bytes + "  "
      let room = max(10, session.printing.width - start.count)
      output.write(start + shortened(variable.value.shortText(oneLine(room)), room) + "\n")
    }
    guard wanted.isEmpty, !values.isEmpty else { return }
    let held = values.reduce(0) { $0 + Session.byteCount(of: $1) }
    let names = values.count == 1 ? "_1 holds" : "_1 … _\(values.count) hold"
    output.write(style.dim("\(names) \(byteText(held))\n"))
  }

  private func kind(of value: Value) -> String {
    switch value {
    case .object(let object): object.summary
    case .list(let list): "list of \(list.items.count)"
    case .record(let record): "record of \(record.count)"
    default: value.typeName
    }
  }

  private func oneLine(_ room: Int) -> PrintOptions {
    var options = session.printing
    options.width = room
    options.items = 8
    options.characters = room
    options.depth = 3
    return options
  }

  private func shortened(_ text: String, _ room: Int) -> String {
    let line = text.prefix { $0 != "\n" }
    return line.count > room ? line.prefix(room - 1) + "…" : String(line)
  }

  // MARK: Time

  func time(_ text: String) {
    if text.isEmpty { return problem(":time takes a statement", hint: ":time sum(1..1000)") }
    let begin = monotonicSeconds()
    if execute(text) { output.write(style.dim("\(duration(monotonicSeconds() - begin))\n")) }
  }

  /// Runs a statement many times, as if it were typed each time.
  func timeRepeatedly(_ text: String) {
    if text.isEmpty { return problem(":timeit takes a statement", hint: ":timeit sum(1..1000)") }
    memory.begin(text)
    defer { memory.end() }
    switch session.timed(Source(name: "<prompt>", text: text)) {
    case .failure(let error):
      Interrupts.clear()
      runner.report([error.diagnostic])
    case .success(let runs):
      let sorted = runs.sorted()
      let median = sorted[sorted.count / 2]
      let spread = runs.map { abs($0 - median) }.sorted()[runs.count / 2]
      output.write("\(duration(median)) median, ± \(duration(spread)) (MAD), \(runs.count) runs\n")
    }
  }

  // MARK: Files

  func load(_ path: String) {
    if path.isEmpty { return problem(":load takes a file", hint: ":load experiment.ltd") }
    if let text = runner.text(ofScript: path) { execute(text, name: path) }
  }

  /// Writes a file, or says why not.
  func write(_ text: String, to path: String, mode: mode_t = 0o666) -> Bool {
    do throws(CoreError) {
      try AtomicFile.replace(path, parts: [Array(text.utf8)], mode: mode)
      return true
    } catch {
      problem(error.message, hint: error.hint)
      return false
    }
  }

  func edit(_ path: String) {
    var file = path
    if path.isEmpty {
      file = "\(Terminal.environment("TMPDIR") ?? "/tmp")/ltd-\(getpid()).ltd"
      guard write((succeeded.last ?? "") + "\n", to: file, mode: 0o600) else { return }
    }
    defer { if path.isEmpty { unlink(file) } }
    let program = Terminal.environment("VISUAL") ?? Terminal.environment("EDITOR") ?? "vi"
    guard foreground("\(program) \"$1\"", file) == 0 else { return problem("\(program) did not end well") }
    guard let text = try? FileReader.text(of: file), !trimmed(text).isEmpty else { return }
    if path.isEmpty {
      if let found = history.add(trimmed(text)) { note(found) }
    }
    execute(text, name: path.isEmpty ? "<prompt>" : path)
  }

  private func shell(_ text: String) {
    if text.isEmpty { return problem("! takes a command of the shell", hint: "!ls") }
    if text == "true" || text == "false" || session[text] != nil || text.hasPrefix("=") {
      return problem(
        "! runs a command of the shell, and is no operator here", hint: "the opposite is written not \(text)")
    }
    let status = foreground(text, "")
    if status != 0 { note("exit status \(status)") }
  }

  /// Runs a line of the shell on this terminal; Ctrl-C is its own meanwhile.
  func foreground(_ line: String, _ argument: String) -> Int32 {
    output.flush()
    return ChildProcess.foreground("/bin/sh", ["-c", line, "ltd", argument])
  }

  // MARK: Settings

  func set(_ rest: String) {
    let words = rest.split(separator: " ").map(String.init)
    guard let name = words.first else {
      for setting in Setting.allCases {
        let start = padded(setting.rawValue, 8) + "  " + padded(value(of: setting), 6)
        output.write("\(start)  \(style.dim(setting.summary))\n")
      }
      return
    }
    guard let setting = Setting(rawValue: name) else {
      let near = nearestNames(to: name, in: Setting.names).first
      return problem(
        "there is no setting \(name)",
        hint: near.map { "did you mean \($0)?" } ?? "the settings are \(Setting.names.joined(separator: ", "))")
    }
    guard words.count > 1 else { return output.write("\(value(of: setting))\n") }
    if change(setting, to: words[1]) {
      keep(setting, words[1])
    } else {
      problem("\(name) cannot be \(words[1])", hint: "\(name): \(setting.summary)")
    }
  }

  /// Sets a setting.
  /// - Returns: whether it can be that.
  func change(_ setting: Setting, to word: String) -> Bool {
    let number = Int(word)
    switch setting {
    case .digits where word == "auto": session.printing.digits = nil
    case .width where word == "auto": followsWidth = true
    case .digits where (1...17).contains(number ?? 0): session.printing.digits = number
    case .items where (1...1_000_000).contains(number ?? 0): session.printing.items = number ?? 0
    case .width where (20...10_000).contains(number ?? 0):
      followsWidth = false
      session.printing.width = number ?? 0
    case .history where (0...1_000_000).contains(number ?? -1):
      history.size = number ?? 0
    default: return false
    }
    return true
  }

  private func value(of setting: Setting) -> String {
    switch setting {
    case .digits: session.printing.digits.map { "\($0)" } ?? "auto"
    case .items: "\(session.printing.items)"
    case .width: followsWidth ? "auto" : "\(session.printing.width)"
    case .history: "\(history.size)"
    }
  }
}

/// A time in the unit that suits it, in three significant digits.
func duration(_ seconds: Double) -> String {
  let units: [(Double, String)] = [(1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")]
  if seconds >= 100 { return "\(Int(seconds.rounded())) s" }
  for (size, name) in units where seconds >= size || name == "ns" {
    let number = seconds / size
    let places = number >= 100 ? 0 : number >= 10 ? 1 : 2
    return "\(number.fixed(places)) \(name)"
  }
  return "0 s"
}
