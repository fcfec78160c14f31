import Interpreter

extension Prompt {
  /// `?name`: all that is known about a function, a constant or a variable.
  func help(_ name: String) {
    if name.isEmpty { return overview() }
    if let command = Command.all.first(where: { ":" + $0.name == name }) {
      return output.write("\(bold(":\(command.name)")) \(command.form)\n\(command.summary)\n")
    }
    if name == "prompt" { return overview() }
    if name == "help" { return topics() }
    if let value = session[name] {
      switch value {
      case .function, .module: break
      default: return show(name, value)
      }
    }
    if let (path, member) = member(at: name) { return show(path, member) }
    let kind = session.table.kinds[name].flatMap { $0.members.isEmpty ? nil : $0 }
    if let documentation = session.documentation(of: name) {
      show(documentation)
      if let kind { show(kind) }
      return
    }
    let guide = Guide()
    if name == "tour" { return show(guide) }
    let errors = Guide.errors
    if let section = errors[name] { return show(section) }
    // A chapter of the tour, a family of built-ins and a module may share a name.
    let section = guide[name]
    let family = session.table.families.first { $0.name == name }
    let module = session.moduleDocumentation(of: name)
    if let section { show(section) }
    if let family {
      if section != nil || module != nil { output.write("\(bold("built in"))\n\n") }
      list(family.functions.map { ($0.name, $0.summary) })
      if module != nil { output.write("\n") }
    }
    if let module { show(module) }
    if let kind { show(kind) }
    if section != nil || family != nil || module != nil || kind != nil { return }
    if let advice = session.table.advice[name] { output.write(paragraphs("\(name): \(advice)") + "\n") }
    let found = ManualSearch(session)(name)
    if !found.isEmpty {
      note("nothing has just this name; ??\(name) finds")
      return show(found)
    }
    if session.table.advice[name] != nil { return }
    let words = guide.sections.flatMap(\.words) + errors.sections.map(\.title)
    let near = nearestNames(to: name, in: session.names + session.host.moduleNames + words).first
    problem("there is no help on \(name)", hint: near.map { "did you mean ?\($0)?" } ?? "? lists the topics")
  }

  /// What a variable holds, and what stands behind a point.
  private func show(_ name: String, _ value: Value) {
    output.write("\(bold(name)) is \(value.described)\n")
    let members = session.members(of: value)
    if members.contains(where: { !$0.summary.isEmpty }) { return show(members, of: name) }
    if members.isEmpty { return }
    let text =
      members.prefix(50).map { "\(name).\($0.name)" }.joined(separator: ", ") + (members.count > 50 ? ", …" : "")
    output.write(wrapped(text, session.printing.width).joined(separator: "\n") + "\n")
  }

  private func show(_ kind: Kind) {
    output.write("\n\(bold(kind.name)): \(paragraphs(kind.summary))\n")
    show(kind.members, of: kind.name)
  }

  private func show(_ members: [Member], of name: String) {
    output.write("\n" + described(members.map { ("\(name).\($0.name): \($0.type)", $0.summary) }) + "\n")
  }

  private func show(_ path: String, _ member: Member) {
    output.write("\(bold("\(path): \(member.type)"))\n\n\(paragraphs(member.summary))\n")
  }

  /// `net.size`, of a variable, or `model.size`, of a kind of value.
  private func member(at path: String) -> (String, Member)? {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else { return nil }
    let members = session[parts[0]].map { session.members(of: $0) } ?? session.table.kinds[parts[0]]?.members ?? []
    return members.first { $0.name == parts[1] && !$0.summary.isEmpty }.map { (path, $0) }
  }

  private func show(_ page: Documentation) {
    let width = session.printing.width
    let signature = wrapped(page.qualifiedSignature, width - 2).map { bold($0) }.joined(separator: "\n  ")
    var parts = [
      signature, paragraphs(page.summary), described(page.arguments.map { ($0.text, $0.summary) }),
      paragraphs(page.details),
    ]
    parts += page.examples.map { example in
      let code = lines(of: example.code).enumerated().map { dim($0.offset == 0 ? "  ltd> " : "       ") + $0.element }
      return (code + lines(of: example.result).map { "  \($0)" }).joined(separator: "\n")
    }
    if !page.seeAlso.isEmpty { parts.append(paragraphs("see also: " + page.seeAlso.joined(separator: ", "))) }
    output.write(parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n")
  }

  /// One line or more for each argument or member: as in a signature, then what it is.
  private func described(_ items: [(text: String, summary: String)]) -> String {
    let column = min(26, session.printing.width / 3, items.map(\.text.count).max() ?? 0)
    let room = max(12, min(session.printing.width, 100) - column - 4)
    return items.flatMap { argument -> [String] in
      let text = wrapped(argument.summary, room)
      let margin = String(repeating: " ", count: column + 4)
      if argument.text.count > column { return ["  " + argument.text] + text.map { margin + $0 } }
      let first = "  " + padded(argument.text, column) + "  " + (text.first ?? "")
      return [trimmedEnd(first)] + text.dropFirst().map { margin + $0 }
    }.joined(separator: "\n")
  }

  private func trimmedEnd(_ text: String) -> String { String(text.reversed().drop { $0 == " " }.reversed()) }

  /// Paragraphs as wide as the terminal; an item of a list keeps its line.
  private func paragraphs(_ text: String) -> String {
    text.split(separator: "\n\n").map { paragraph in
      let lines = paragraph.split(separator: "\n").reduce(into: [String]()) { lines, line in
        if lines.isEmpty || line.hasPrefix("- ") {
          lines.append(String(line))
        } else {
          lines[lines.count - 1] += " " + line
        }
      }
      return lines.flatMap { line in
        wrapped(line, min(session.printing.width, 100) - 2).enumerated().map {
          $0.offset > 0 && line.hasPrefix("- ") ? "  " + $0.element : $0.element
        }
      }.joined(separator: "\n")
    }.joined(separator: "\n\n")
  }

  /// The words of a text in lines of at most so many characters.
  private func wrapped(_ text: String, _ room: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      if let last = lines.last, last.count + 1 + word.count <= room {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  /// `?tour`: the first section, and what the others are about.
  private func show(_ guide: Guide) {
    output.write("\(bold("A tour of ltd"))\n\n")
    output.write(paragraphs(guide.introduction) + "\n\n")
    list(guide.sections.map { ("?\($0.words.first ?? $0.title)", $0.title) })
    output.write("\n")
    if let first = guide.sections.first { show(first) }
  }

  private func show(_ section: Guide.Section) {
    output.write("\(bold(section.title))\n")
    for block in section.text.split(separator: "\n\n") {
      let isCode = block.drop { $0 == "\n" }.hasPrefix("    ")
      let lines =
        isCode
        ? block.split(separator: "\n").map { String($0.dropFirst(2)) }
        : wrapped(String(block), min(session.printing.width, 100))
      if !lines.isEmpty { output.write("\n" + lines.joined(separator: "\n") + "\n") }
    }
    output.write("\n")
  }

  private func show(_ page: ModuleDocumentation) {
    output.write("\(bold(page.importStatement))\n")
    if !page.summary.isEmpty { output.write("\n\(paragraphs(page.summary))\n") }
    for paragraph in page.details.split(separator: "\n\n") {
      output.write("\n\(wrapped(String(paragraph), min(session.printing.width, 100)).joined(separator: "\n"))\n")
    }
    output.write("\n")
    list(page.functions.map { ("\(page.name).\($0.name)", $0.summary) })
  }

  private func lines(of text: String) -> [Substring] {
    text.isEmpty ? [] : text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// `??words`: whatever in the manual has all of them, or as many as can be.
  func search(_ words: String) {
    if words.isEmpty { return problem("?? takes a word", hint: "??distillation") }
    let isKnown = session.table.functions[words] != nil
    let advice = isKnown ? nil : session.table.advice[words] ?? session.table.advice[words.lowercased()]
    if let advice { output.write(paragraphs("\(words): \(advice)") + "\n") }
    let found = ManualSearch(session)(words)
    if !found.isEmpty { return show(found) }
    if advice != nil { return }
    let near = nearestNames(to: words, in: session.pages.flatMap { [$0.name] + $0.search } + session.table.advice.keys)
      .first
    note("nothing has \(words) in its description; " + (near.map { "did you mean ??\($0)?" } ?? "? lists the topics"))
  }

  private func show(_ found: [ManualSearch.Result]) {
    list(found.prefix(ManualSearch.shown).map { ($0.name, $0.summary) })
    let more = found.count - ManualSearch.shown
    if more > 0 { output.write(dim("  … \(more) more; a second word narrows the search") + "\n") }
  }

  /// `?`: the chapters and what is in them.
  func topics() {
    output.write(
      paragraphs(
        "New here? ?tour takes ten minutes. ?name explains, ??word searches, :help is about the prompt itself.") + "\n")
    for family in session.table.families {
      output.write("\n\(bold(family.name))\n")
      let names = family.functions.map(\.name)
      for line in columns(names, width: max(20, session.printing.width - 2)).split(separator: "\n") {
        output.write("  \(line)\n")
      }
    }
    output.write("\n\(bold("modules"))\n")
    output.write(paragraphs("(import tables, then tables.pivot(…); ?tables lists what is in it)") + "\n")
    list(
      session.host.moduleNames.compactMap { name in
        session.moduleDocumentation(of: name).map { (name, $0.summary) }
      })
  }

  private func overview() {
    output.write("\(bold("Commands"))\n")
    list(Command.all.map { (":\($0.name) \($0.form)", $0.summary) })
    output.write("\n\(bold("Help"))\n")
    list([
      ("?name  name?", "signature, arguments, examples; also of modules, words of the language, ?tour"),
      ("?E-shape", "a kind of error, with an example"), ("??word", "search names and descriptions"),
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

  /// Names and what they are, in two columns; on a narrow terminal the second begins below the first.
  private func list(_ rows: [(String, String)]) {
    let width = min(28, session.printing.width / 3, rows.map(\.0.count).max() ?? 0)
    let room = max(12, min(session.printing.width, 120) - width - 4)
    let margin = String(repeating: " ", count: width + 4)
    for (name, summary) in rows {
      let text = wrapped(summary, room)
      let first = name.count > width ? "  \(name)\n\(margin)" : "  \(padded(name, width))  "
      output.write(trimmedEnd(first + text.joined(separator: "\n" + margin)) + "\n")
    }
  }
}
