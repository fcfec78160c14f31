import Base
import Help
import Interpreter
import Platform

/// The conversation at `ltd> `: reads statements and commands, runs them, shows values and errors.
///
/// An editor hands over whole statements; it asks the language where one ends (`EditingSupport`). What begins with `:`, `?`
/// or `!` is a command (Prompt+Commands.swift, Prompt+Help.swift), what begins with a prompt was pasted from a session
/// (`PastedPrompt`), and all else runs in the one session of the runner. Values are kept as `_`, `_1`, `_2`, …, and
/// statements that ran without an error for `:save`. Ctrl-C ends a statement or drops a line, never the prompt, and every
/// variable stays.
package final class Prompt {
  static let text = "ltd> "
  /// How many values `_1`, `_2`, … reach back at the most, and how many bytes they may take together.
  static let valuesKept = 100
  static let valueBytesKept = 256 << 20
  /// How many bytes the figures of all statements may take, which transcripts show.
  static let pictureBytesKept = 64 << 20

  let runner: Runner
  let history: History
  private(set) var editor: LineEditor?
  let colours: Bool
  /// The examples of the page that help has shown last, for `:try`.
  var examples: [Example] = []
  /// The statements that were run, for scripts and transcripts.
  var statements: [RanStatement] = []
  /// Those that ran without an error.
  var succeeded: [String] { statements.filter(\.isSuccess).map(\.text) }
  private(set) var values: [Value] = []
  /// How many bytes each of them takes.
  private var sizes: [Int] = []
  /// What keeps the session from being lost, and what it was before the last statements.
  private(set) lazy var memory = SessionMemory(self)
  /// Kinds of errors whose pages were named.
  private var explained: Set<Diagnostic.Kind> = []
  /// Set by `:quit`.
  var exitStatus: Int32?
  /// The jobs whose end was said.
  var announced: Set<Int> = []
  /// Whether it was said that jobs end when the prompt is left.
  var hasWarnedOfJobs = false
  var followsWidth = true
  /// Whether the start-up file is being read, whose settings hold for its session.
  var isStarting = false
  /// Whether Ctrl-C ended the last statement.
  private var wasInterrupted = false
  /// The picture that was written last, while nothing else has been.
  private var picture: PictureAbove?
  /// How the last entry ended, for the history.
  private var ending = History.Outcome.success

  var session: Session { runner.session }
  var output: StandardOutput { .out }

  /// - Parameter history: where statements are kept.
  package init(runner: Runner, history: History) {
    self.runner = runner
    self.history = history
    colours = Terminal.colours(runner.options.colour, 1)
  }

  var support: EditingSupport {
    let completer = Completer(session: session, commands: Command.all.map(\.page))
    return EditingSupport(
      isComplete: { [unowned self] in isWhole($0) },
      complete: { completer.complete($0, cursor: $1) },
      hint: { completer.hint($0, cursor: $1) },
      unknownNames: { [unowned self] in unknownNames(in: $0) })
  }

  /// Where a statement has names that do not exist, found without running it.
  private func unknownNames(in text: String) -> [Range<Int>] {
    guard let first = text.first(where: { $0 != " " }), !":?!".contains(first), !text.hasSuffix("?") else { return [] }
    let found = session.check(Source(name: "<prompt>", text: continued(text)))
    let shift = continued(text).utf8.count - text.utf8.count
    return found.compactMap { diagnostic in
      guard diagnostic.kind == .name, let span = diagnostic.span else { return nil }
      return max(0, Int(span.start) - shift)..<max(0, Int(span.end) - shift)
    }
  }

  /// Reads and runs until the end of the input or `:quit`.
  /// - Returns: the exit status.
  package func run() -> Int32 {
    let editor = makeEditor()
    self.editor = editor
    // An editor reads it when the first prompt is seen.
    if !(editor is LibeditEditor), let problem = history.load() { note(problem) }
    if runner.options.readsStartupFile {
      readSettings()
      readStartupFile()
    }
    memory.start()
    var saidHistoryProblem = false
    // A terminal that has gone away is not one any more: nobody has asked to leave.
    let wasTerminal = Terminal.isTerminal(0)
    var asked = true
    while exitStatus == nil {
      Interrupts.clear()
      announceJobs()
      output.flush()
      history.refresh()
      (editor as? LibeditEditor)?.above = picture
      picture = nil
      switch editor.read(prompt: Prompt.text) {
      case .end:
        asked = Terminal.isTerminal(0) || !wasTerminal
        if Terminal.isTerminal(0), editor is PlainReader { output.write("\n") }
        if asked, Terminal.isTerminal(0), holdsUpLeaving() { continue }
        exitStatus = ExitStatus.success
      case .cancelled: continue
      case .failed(let problem):
        runner.report([Diagnostic(.io, problem)])
        if !Terminal.isTerminal(0) {
          asked = !wasTerminal
          exitStatus = ExitStatus.failure
        }
      case .statement(let text):
        // Ctrl-C at a line without editing was meant for the line.
        if editor is PlainReader { Interrupts.clear() }
        let text = trimmed(text)
        if text.isEmpty { continue }
        if let problem = history.add(text), !saidHistoryProblem {
          note(problem)
          saidHistoryProblem = true
        }
        let begin = monotonicSeconds()
        ending = .success
        enter(text)
        history.finish(wasInterrupted ? .interrupted : ending, seconds: monotonicSeconds() - begin)
      }
    }
    output.flush()
    memory.leave(isAsked: asked)
    return exitStatus ?? ExitStatus.success
  }

  private func makeEditor() -> LineEditor {
    if Terminal.canEdit,
      let editor = LibeditEditor(
        support: support, prompt: Prompt.text, history: history, colours: colours,
        openEditor: { [unowned self] in editElsewhere($0) })
    {
      output.write("ltd \(Runner.version)   ? for help, Ctrl-D to leave\n")
      TypedAhead.shared.expectReader()
      return editor
    }
    let shows = Terminal.isTerminal(0)
    return PlainReader(
      support: support, nextLine: { readLine(strippingNewline: true) },
      showPrompt: { [output] prompt in
        guard shows else { return }
        output.write(prompt)
        output.flush()
      })
  }

  /// Whether Enter submits: a command is one line, a statement ends where the language says.
  func isWhole(_ text: String) -> Bool {
    let text = continued(text)
    let start = text.drop { $0 == " " }
    if let first = start.first, ":?!".contains(first) { return true }
    let isKnown = { [session] (name: String) in session.outline(of: name) != nil || session[name] != nil }
    if PromptHabits.advice(on: trimmed(start), isKnown: isKnown) != nil { return true }
    if let statements = PastedPrompt.statements(in: text, isComplete: isComplete) {
      return statements.last.map(isComplete) ?? true
    }
    // A documentation comment belongs to the function that follows it.
    if let last = text.split(separator: "\n").last, last.drop(while: { $0 == " " }).hasPrefix("##") { return false }
    return isComplete(text)
  }

  /// `$XDG_CONFIG_HOME/ltd/init.ltd`, or `~/.config/ltd/init.ltd`.
  static var startupPath: String? {
    if let folder = Terminal.environment("XDG_CONFIG_HOME"), folder.hasPrefix("/") { return folder + "/ltd/init.ltd" }
    return Terminal.environment("HOME").map { $0 + "/.config/ltd/init.ltd" }
  }

  // MARK: Running

  /// Runs what was entered: a command, a pasted session, or a statement.
  package func enter(_ text: String) {
    if followsWidth { session.printing.width = Terminal.width() }
    if let first = text.first, ":?!".contains(first) { return command(text) }
    if text == "quit" || text == "exit", session.variables.allSatisfy({ $0.name != text }) {
      if holdsUpLeaving() { return }
      exitStatus = ExitStatus.success
      return
    }
    if text.hasSuffix("?"), let name = bareName(text.dropLast()) ?? expression(text.dropLast()) { return help(name) }
    if let advice = PromptHabits.advice(
      on: text, isKnown: { [session] in session.outline(of: $0) != nil || session[$0] != nil })
    {
      return problem(advice.message, hint: advice.hint)
    }
    if let statements = PastedPrompt.statements(in: text, isComplete: isComplete) {
      wasInterrupted = false
      for statement in statements where exitStatus == nil && !wasInterrupted { enter(trimmed(statement)) }
      return
    }
    execute(continued(text))
  }

  /// A statement that begins with `|>` or `.f()` continues from the last value.
  private func continued(_ text: String) -> String {
    let start = text.drop { $0 == " " }
    let continues = start.hasPrefix("|>") || start.first == "." && start.dropFirst().first?.isLetter == true
    return continues && session["_"] != nil ? "_" + text : text
  }

  /// Runs a statement and shows its value or its errors.
  /// - Returns: whether it ran without an error.
  @discardableResult
  func execute(_ text: String, name: String = "<prompt>") -> Bool {
    if followsWidth { session.printing.width = Terminal.width() }
    // The next prompt needs a line, too.
    session.printing.height = Terminal.height.map { max(6, $0 - 1) } ?? .max
    session.printing.look = Terminal.look(runner.options.colour)
    let (session, pages) = (session, pages)
    memory.begin(text)
    LiveArea.shared.begin()
    defer { memory.end() }
    var shown: String?
    var statement = RanStatement(text)
    session.onWrite = { text in
      if statement.printed.utf8.count < RanStatement.mostPrinted { statement.printed += text }
    }
    session.onDraw = { statement.pictures.append((statement.printed.utf8.count, Value($0))) }
    let start = monotonicSeconds()
    defer { (session.onWrite, session.onDraw) = (nil, nil) }
    let outcome = session.run(Source(name: name, text: text)) { value throws(LTDError) in
      if let outline = pages.outline(of: value) {
        shown = outline
      } else {
        shown = try session.text(of: value) { $0.shown($1) }
      }
    }
    statement.seconds = monotonicSeconds() - start
    return take(outcome, statement, shown)
  }

  /// Shows what a statement led to.
  /// - Returns: whether it ran without an error.
  @discardableResult
  func take(_ outcome: Outcome, _ statement: RanStatement, _ shown: String?) -> Bool {
    var statement = statement
    defer { note(statement) }
    output.flush()
    wasInterrupted = session.endedEarly
    switch outcome {
    case .value(let value, _):
      if let shown {
        statement.shown = shown
        var options = session.printing
        (options.width, options.height, options.look) = (80, .max, PictureLook())
        statement.plain = value.text(options)
        if value.asObject?.isPicture ?? false { statement.figure = value }
        // What a built-in returned although Ctrl-C ended it is shown.
        if session.endedEarly { Interrupts.clear() }
        keep(value)
        write(colours && value.mayShowNonFinite ? NonFinite.marked(shown) : shown)
        if statement.figure != nil, followsWidth, !wasInterrupted { picture = above(value, shown) }
      }
      return true
    case .failure(let diagnostics):
      statement.errors = diagnostics.map(\.message)
      wasInterrupted = diagnostics.contains { $0.kind == .interrupted }
      ending = .failure
      // Ctrl-C may have stopped the output, which must not stop the message.
      Interrupts.clear()
      runner.report(diagnostics)
      explainOnce(diagnostics)
      return false
    case .exit(let code):
      exitStatus = Int32(truncatingIfNeeded: code & 0xFF)
      return true
    }
  }

  /// Keeps a statement for transcripts, and of the figures of all of them as many of the newest as may be held.
  private func note(_ statement: RanStatement) {
    statements.append(statement)
    var left = Self.pictureBytesKept
    for index in statements.indices.reversed() where statements[index].hasPictures {
      left -= statements[index].pictureBytes
      if left < 0 { statements[index].dropPictures() }
    }
  }

  /// Names the page of each kind of error that this session has not shown before.
  private func explainOnce(_ diagnostics: [Diagnostic]) {
    guard !runner.options.jsonErrors else { return }
    let new = diagnostics.map(\.kind).filter { $0 != .interrupted && explained.insert($0).inserted }
    if new.isEmpty { return }
    let verb = new.count == 1 ? "explains this kind" : "explain these kinds"
    let text = "(\(new.map { "?" + $0.code }.joined(separator: ", ")) \(verb) of error)"
    StandardOutput.error.write((PageStyle(isMarked: Terminal.colours(runner.options.colour, 2)).dim(text)) + "\n")
    StandardOutput.error.flush()
  }

  /// Keeps a value as `_`, `ans` and `_1`; the one before becomes `_2`, and so on.
  private func keep(_ value: Value) {
    let before = values.count
    values.insert(value, at: 0)
    sizes.insert(Session.byteCount(of: value), at: 0)
    // The newest stays, whatever its size.
    while values.count > Prompt.valuesKept || values.count > 1 && sizes.reduce(0, +) > Prompt.valueBytesKept {
      values.removeLast()
      sizes.removeLast()
    }
    for index in values.count..<max(values.count, before) { session["_\(index + 1)"] = nil }
    session["_"] = value
    session["ans"] = value
    for (index, value) in values.enumerated() { session["_\(index + 1)"] = value }
  }

  /// Writes a value as it is shown; Ctrl-C ends a long one, and says so.
  private func write(_ text: String) {
    output.write(text.hasSuffix("\n") ? text : text + "\n")
    output.flush()
    guard Interrupts.pending else { return }
    Interrupts.clear()
    wasInterrupted = true
    runner.report([Diagnostic(.interrupted, "interrupted")])
  }

  /// The figure that `_` is, as it stands above the next prompt.
  private func above(_ value: Value, _ text: String) -> PictureAbove? {
    PictureAbove(text, width: session.printing.width) { [unowned self] in
      session.printing.width = Terminal.width()
      var options = session.printing
      options.look = Terminal.look(runner.options.colour)
      return value.text(options)
    }
  }

  func forgetValues() { take(values: []) }

  /// The values of `_1`, `_2`, … of a session that was restored.
  func take(values: [Value]) {
    self.values = values
    sizes = values.map { Session.byteCount(of: $0) }
  }

  // MARK: Writing

  /// A remark that is neither a value nor an error.
  func note(_ text: String) {
    picture = nil
    output.flush()
    StandardOutput.error.write("note: \(text)\n")
  }

  func problem(_ message: String, hint: String? = nil) {
    ending = .failure
    runner.report([Diagnostic(.value, message, hint: hint)])
  }

  /// How pages and remarks are laid out now.
  var style: PageStyle { PageStyle(width: session.printing.width, isMarked: colours) }

  /// The text, if it is an expression and nothing else.
  private func expression(_ text: Substring) -> String? {
    let program = parse(Source(name: "", text: String(text)))
    guard program.diagnostics.isEmpty, program.body.statements.count == 1,
      case .expression? = program.body.statements.first?.kind
    else { return nil }
    return trimmed(text)
  }

  /// The text as a name, if it is nothing else.
  func bareName(_ text: Substring) -> String? {
    let name = trimmed(text)
    let isName = !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || "_.-".contains($0) }
    return isName ? name : nil
  }
}

extension Runner {
  /// Opens the prompt.
  /// - Returns: the exit status.
  public func prompt() -> Int32 { Prompt(runner: self, history: History(path: History.defaultPath)).run() }
}
