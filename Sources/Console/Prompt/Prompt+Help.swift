import Interpreter

extension Prompt {
  /// `?name`: all that is known about a function, a constant or a variable.
  func help(_ name: String) {
    if name.isEmpty { return overview() }
    if let command = Command.all.first(where: { ":" + $0.name == name }) {
      return output.write("\(bold(":\(command.name)")) \(command.form)\n\(command.summary)\n")
    }
    if name == "prompt" { return overview() }
    if let value = session[name] {
      if case .function = value {} else { return output.write("\(bold(name)) is \(value.described)\n") }
    }
    if let documentation = session.documentation(of: name) { return show(documentation) }
    if let family = session.table.families.first(where: { $0.name == name }) {
      return list(family.functions.map { ($0.name, $0.summary) })
    }
    let near = nearestNames(to: name, in: session.names).first
    problem(
      "there is no help on \(name)",
      hint: near.map { "did you mean ?\($0)?" } ?? "??\(name) searches; ? lists the topics")
  }

  private func show(_ page: Documentation) {
    var parts = [bold(page.signature), page.summary, page.details]
    parts += page.examples.map { example in
      let code = lines(of: example.code).enumerated().map { dim($0.offset == 0 ? "  ltd> " : "       ") + $0.element }
      return (code + lines(of: example.result).map { "  \($0)" }).joined(separator: "\n")
    }
    if !page.seeAlso.isEmpty { parts.append("see also: " + page.seeAlso.joined(separator: ", ")) }
    output.write(parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n")
  }

  private func lines(of text: String) -> [Substring] {
    text.isEmpty ? [] : text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// `??word`: functions whose name, summary, search words or details have it.
  func search(_ word: String) {
    if word.isEmpty { return problem("?? takes a word", hint: "??distillation") }
    let wanted = word.lowercased()
    let found = session.names.compactMap { session.documentation(of: $0) }.compactMap { page -> (Int, Documentation)? in
      if page.name.lowercased().contains(wanted) { return (0, page) }
      if page.search.contains(where: { $0.lowercased().contains(wanted) }) { return (1, page) }
      if page.summary.lowercased().contains(wanted) { return (2, page) }
      return page.details.lowercased().contains(wanted) ? (3, page) : nil
    }
    if found.isEmpty { return note("nothing has \(word) in its description") }
    list(found.sorted { ($0.0, $0.1.name) < ($1.0, $1.1.name) }.map { ($0.1.name, $0.1.summary) })
  }

  /// `?`: the chapters and what is in them.
  func topics() {
    output.write("?name explains a function, ??word searches, :help is about the prompt itself.\n")
    for family in session.table.families {
      output.write("\n\(bold(family.name))\n")
      let names = family.functions.map(\.name)
      for line in columns(names, width: max(20, session.printing.width - 2)).split(separator: "\n") {
        output.write("  \(line)\n")
      }
    }
  }

  private func overview() {
    output.write("\(bold("Commands"))\n")
    list(Command.all.map { (":\($0.name) \($0.form)", $0.summary) })
    output.write("\n\(bold("Help"))\n")
    list([
      ("?name  name?", "signature, arguments, examples"), ("??word", "search names and descriptions"),
      ("?", "everything by chapter"), ("!command", "run a command of the shell"),
    ])
    output.write("\n\(bold("Values"))\n")
    list([
      ("_  ans", "the last value; _1 is the same, _2 the one before, up to _\(Prompt.valuesKept)"),
      ("x;", "run x and hide its value"),
    ])
    output.write("\n\(bold("Keys"))\n")
    list([
      ("Tab", "complete a name, a member, a named argument, a file"),
      ("Up Down", "move within a statement, then through the history"), ("Ctrl-R", "search the history"),
      ("Enter", "run, or go on where the statement is not whole; a blank line runs it anyway"),
      ("Ctrl-C", "drop what is typed; stop what runs and keep every variable"), ("Ctrl-D", "leave"),
    ])
  }

  private func list(_ rows: [(String, String)]) {
    let width = min(28, rows.map(\.0.count).max() ?? 0)
    for (name, summary) in rows { output.write("  \(padded(name, width))  \(summary)\n") }
  }
}
