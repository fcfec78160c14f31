extension Session {
  /// What the prompt shows when code is entered: what it prints, then its value or `error: message`. The examples of
  /// help pages and of the tour are written like this.
  public func transcript(of code: String, name: String = "example") -> String {
    let before = captured
    captured = ""
    var isShown = true
    let outcome = run(Source(name: name, text: code)) { _ throws(LTDError) in isShown = false }
    var text = captured ?? ""
    captured = before
    func add(_ line: String) {
      if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
      text += line
    }
    switch outcome {
    case .value(let value, let isHidden): if !isHidden, !isShown { add(value.shown(printing)) }
    case .failure(let diagnostics): for diagnostic in diagnostics { add("error: \(diagnostic.message)") }
    case .exit(let code): add("exit \(code)")
    }
    while text.hasSuffix("\n") { text.removeLast() }
    return text
  }
}

extension Value {
  /// The value as the prompt shows it: as `print` writes it, but a string of one line in quotes.
  public func shown(_ options: PrintOptions) -> String {
    if case .string(let text) = self, !text.text.contains("\n") { return shortText(options) }
    return text(options)
  }
}
