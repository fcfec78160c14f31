import Help

extension Prompt {
  private var pages: HelpPages { HelpPages(session, commands: Command.all.map(\.page), style: style) }

  /// `?name`.
  func help(_ name: String) {
    if name.isEmpty || name == "prompt" { overview() } else { show(pages.page(of: name)) }
  }

  /// `??words`.
  func search(_ words: String) { show(pages.search(words)) }

  /// `?`.
  func topics() { show(pages.topics) }

  private func show(_ parts: [HelpPages.Part]) {
    for part in parts {
      switch part {
      case .text(let text): output.write(text)
      case .note(let text): note(text)
      case .problem(let message, let hint): problem(message, hint: hint)
      }
    }
  }

  /// `:help`: the prompt itself.
  private func overview() {
    output.write("\(style.bold("Commands"))\n")
    output.write(style.list(Command.all.map { (":\($0.page.name) \($0.page.form)", $0.page.summary) }))
    output.write("\n\(style.bold("Help"))\n")
    output.write(
      style.list([
        ("?name  name?", "signature, arguments, examples; also of modules, words of the language, ?tour"),
        ("?E-shape", "a kind of error, with an example"), ("??word", "search names and descriptions"),
        ("?", "everything by chapter"), ("!command", "run a command of the shell"),
      ]))
    output.write("\n\(style.bold("Values"))\n")
    output.write(
      style.list([
        ("_  ans", "the last value; _1 is the same, _2 the one before, up to _\(Prompt.valuesKept)"),
        ("x;", "run x and hide its value"),
      ]))
    output.write("\n\(style.bold("Keys"))\n")
    output.write(
      style.list([
        ("Tab", "complete; with the menu open Tab and arrows choose, letters narrow, Esc leaves"),
        ("Up Down", "move within a statement, then through the history: what begins like what is typed"),
        ("Right", "take the grey rest that the history suggests; Alt-F a word of it"),
        ("Ctrl-R", "the history as a list: type what you remember, Enter runs, Tab edits"),
        ("Alt-Enter", "a line break; Ctrl-X Ctrl-E opens the statement in $EDITOR"),
        ("Ctrl-K Ctrl-U", "delete to the end, to the begin of the line; twice: of the statement"),
        ("Ctrl-_ Alt-_", "undo, redo"),
        ("Enter", "run, or continue where the statement is not whole; a blank line runs it anyway"),
        ("Ctrl-C", "drop what is typed; stop what runs and keep every variable"), ("Ctrl-D", "leave"),
      ]))
  }
}
