import Help
import Interpreter

extension Prompt {
  var pages: HelpPages { HelpPages(session, commands: Command.all.map(\.page), style: style) }

  /// `?name`.
  func help(_ name: String) {
    if name.isEmpty || name == "prompt" { return overview() }
    let pages = pages
    show(pages.page(of: name))
    let examples = pages.examples(of: name)
    if examples.isEmpty { return }
    self.examples = examples
    guard editor is LibeditEditor else { return }
    let others =
      examples.count > 1
      ? ":try 2 edits the second example" : ":try edits the example"
    output.write(style.dim("(\(others); :try! runs it)") + "\n")
  }

  /// What `?` is asked about: of a call without arguments the function, of other expressions all.
  func helped(_ word: String) -> String {
    guard let parenthesis = word.firstIndex(of: "(") else { return word }
    let name = String(word[..<parenthesis])
    // A whole call, and one that is not closed, is asked about its function; what is done with a result, about that.
    var depth = 0
    for index in word[parenthesis...].indices {
      if word[index] == "(" { depth += 1 }
      if word[index] == ")" { depth -= 1 }
      if depth == 0 { return word.index(after: index) == word.endIndex ? name : word }
    }
    return name
  }

  /// `:try 2` and `:try 2!`.
  func tryExample(_ rest: String) {
    guard let last = examples.last else {
      return problem(":try takes an example of a page of help", hint: "?pgd, then :try 2")
    }
    let runs = rest.hasSuffix("!")
    let number = trimmed(rest.filter { $0 != "!" }[...])
    guard let place = number.isEmpty ? 1 : Int(number), examples.indices.contains(place - 1) else {
      return problem(
        "there is no example \(number)",
        hint: examples.count == 1
          ? "the page has one: :try"
          : "the page has \(examples.count): :try \(examples.count) is \(last.code.prefix { $0 != "\n" })")
    }
    let code = examples[place - 1].code
    if !runs {
      editor?.fill(code)
      if editor is PlainReader { output.write(code + "\n") }
      return
    }
    output.write(style.dim(Prompt.text) + code.split(separator: "\n").joined(separator: "\n     ") + "\n")
    if let found = history.add(code) { note(found) }
    execute(code)
  }

  /// `??words`.
  func search(_ words: String) { show(pages.search(words)) }

  /// `?`.
  func topics() { show(pages.topics) }

  private func show(_ parts: [HelpPages.Part]) {
    let all = parts.map { if case .text(let text) = $0 { text } else { "" } }.joined()
    if page(all) { return }
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
        ("f(x)?", "what an expression is, without running it"),
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
        ("Ctrl-Y Alt-Y", "put in what was deleted, in its place what was deleted before that"),
        ("Ctrl-_ Alt-_", "undo, redo"),
        ("Enter", "run, or continue where the statement is not whole; a blank line runs it anyway"),
        ("Ctrl-C", "drop what is typed; stop what runs and keep every variable"), ("Ctrl-D", "leave"),
      ]))
  }
}
