import CEditline
import Platform

/// Edits whole statements on a terminal: reads keys, lets `StatementEditor` and libedit act on them, and draws.
///
/// libedit asks for its next key when it is done with the last one (`nextKey`). That is where all happens: what it made of
/// the line is taken over, keys are read until one is for libedit, and the picture is brought up to date, unless more
/// input waits already, so that a paste costs one picture.
package final class LibeditEditor: LineEditor {
  private let editing: StatementEditor
  private let history: History
  private let terminal: EditingTerminal
  private let openEditor: (String) -> String?
  private let colours: Bool
  private var painter: FramePainter
  private let decoder = KeyDecoder(longestPaste: longestStatement)
  private var engine: OpaquePointer?
  /// Keys that libedit gets next.
  private var queue: [Int32] = []
  /// Whether libedit's line is to be taken over when it has done them.
  private var isEngineAtWork = false
  private var result: LineEditorResult?
  private var filled = ""
  private var isFirstFrame = true
  /// The picture that stands right above the prompt of the next statement, if there is one.
  var above: PictureAbove?

  /// The longest statement that is taken, in bytes.
  static let longestStatement = 4 << 20
  /// After how many milliseconds without a key names are looked up.
  private static let lookUpDelay: Int32 = 500

  /// - Parameters:
  ///   - support: where a statement ends, and what can stand at the cursor.
  ///   - prompt: what stands before each statement.
  ///   - history: what Up and Ctrl-R reach.
  ///   - colours: whether the text is coloured.
  ///   - openEditor: edits a text with another program.
  /// - Returns: nil where libedit cannot work.
  package init?(
    support: EditingSupport, prompt: String, history: History, colours: Bool, openEditor: @escaping (String) -> String?
  ) {
    self.history = history
    self.colours = colours
    self.openEditor = openEditor
    terminal = EditingTerminal()
    painter = FramePainter(colours: colours)
    editing = StatementEditor(support: support, prompt: prompt, history: history)
    let context = Unmanaged.passUnretained(self).toOpaque()
    engine = ltd_editor_open("ltd", context) { context in
      guard let context else { return -1 }
      return Unmanaged<LibeditEditor>.fromOpaque(context).takeUnretainedValue().nextKey()
    }
    guard let engine else { return nil }
    if let own = ltd_editor_own_keys(engine), let usual = ltd_editor_usual_keys(engine) {
      editing.bindings = KeyBindings(usual: String(cString: usual), own: String(cString: own))
    }
  }

  deinit {
    if let engine { ltd_editor_close(engine) }
  }

  package func fill(_ text: String) { filled = text }

  /// Reads one statement with editing, the history and completion.
  package func read(prompt: String) -> LineEditorResult {
    guard let engine else { return .failed("the terminal cannot be read") }
    editing.begin(with: filled)
    filled = ""
    queue = []
    isEngineAtWork = false
    result = nil
    isFirstFrame = true
    terminal.enter()
    defer {
      terminal.leave()
      // A child process may read what was typed ahead itself.
      if case .statement(let text)? = result, !text.hasPrefix("!") { terminal.passOnInterrupt() }
    }
    // libedit begins each line by inserting.
    editing.mode = ltd_editor_mode(engine) == LTD_EMACS ? .emacs : .viInsert
    while result == nil {
      ltd_editor_run(engine)
      // A key that ~/.editrc bound to a function that ends the line.
      if result == nil, isEngineAtWork {
        isEngineAtWork = false
        result = .statement(editing.statement.text)
      }
    }
    showFrame(isFinal: true)
    terminal.write(painter.leave())
    return result ?? .end
  }

  // MARK: Between libedit and the keys

  /// The next key for libedit; below 0 when the reading is over.
  private func nextKey() -> Int32 {
    guard let engine, result == nil else { return -1 }
    if !queue.isEmpty { return queue.removeFirst() }
    if isEngineAtWork {
      isEngineAtWork = false
      updateMode(engine)
      takeLine(engine)
    }
    while result == nil {
      terminal.typed = []
      guard let key = readKey(engine) else {
        result = terminal.isAtEnd ? .end : .failed("the terminal cannot be read")
        break
      }
      switch editing.press(key, typed: terminal.typed) {
      case .stay: break
      case .engine(let keys):
        giveLine(engine)
        queue = keys
        let isInCommands = ltd_editor_mode(engine) == LTD_VI_COMMAND || keys.contains(Int32(LTD_KEY_COMMANDS.rawValue))
        if isInCommands, editing.pending == .nothing {
          queue.append(Int32(LTD_KEY_PROBE.rawValue))
        }
        isEngineAtWork = true
        return queue.removeFirst()
      case .submit:
        ltd_interrupt_clear()  // from here on Ctrl-C is meant for the statement
        result = .statement(editing.statement.text)
      case .cancel: result = .cancelled
      case .end: result = .end
      case .suspend: suspend()
      case .clearScreen:
        terminal.write(Array("\u{1B}[H\u{1B}[2J".utf8))
        painter.forget()
      case .openEditor: editElsewhere()
      case .tooLong: result = .failed(Self.tooLong)
      }
      if case .statement(let text)? = result, text.utf8.count > Self.longestStatement { result = .failed(Self.tooLong) }
    }
    return -1
  }

  private static let tooLong =
    "the statement is longer than \(longestStatement >> 20) MiB; put it in a file and use :load"

  private func updateMode(_ engine: OpaquePointer) {
    editing.mode =
      switch ltd_editor_mode(engine) {
      case LTD_VI_INSERT: editing.pending == .nothing ? .viInsert : .viCommand
      case LTD_VI_COMMAND: .viCommand
      default: .emacs
      }
  }

  private func takeLine(_ engine: OpaquePointer) {
    var text: UnsafePointer<Int32>?
    var cursor = 0
    let count = ltd_editor_line(engine, &text, &cursor)
    var line: [Unicode.Scalar] = []
    line.reserveCapacity(count)
    var place = cursor
    for index in 0..<count {
      // libedit puts no line break into a line; what a macro inserts is none of its own.
      guard let scalar = text.flatMap({ Unicode.Scalar(UInt32(bitPattern: $0[index])) }), scalar != "\n" else {
        if index < cursor { place -= 1 }
        continue
      }
      line.append(scalar)
    }
    editing.engineDid(line: line, cursor: place)
  }

  private func giveLine(_ engine: OpaquePointer) {
    let line = editing.statement.current.map { Int32(bitPattern: $0.value) }
    var text: UnsafePointer<Int32>?
    var cursor = 0
    let count = ltd_editor_line(engine, &text, &cursor)
    if cursor == editing.statement.column, count == line.count, line.indices.allSatisfy({ text?[$0] == line[$0] }) {
      return
    }
    line.withUnsafeBufferPointer {
      ltd_editor_set_line(engine, $0.baseAddress, $0.count, editing.statement.column)
    }
  }

  // MARK: Reading

  /// The next key, with the picture up to date before it is waited for; nil when there is none any more.
  private func readKey(_ engine: OpaquePointer) -> Key? {
    let returned = ltd_editor_returned_key(engine)
    if returned > 0 { return .control(UInt8(truncatingIfNeeded: returned)) }
    if !editing.pushed.isEmpty { return editing.pushed.removeFirst() }
    var looksUp = true
    while true {
      if !terminal.hasInput { showFrame() }
      if !history.isLoaded, let problem = history.load() {
        editing.note = problem
        showFrame()
      }
      switch terminal.wait(milliseconds: looksUp ? Self.lookUpDelay : -1) {
      case .input:
        guard let first = terminal.byte(within: -1) else { return nil }
        return decoder.key(first, from: terminal)
      case .resized: redrawAbove()
      case .continued:
        // Stopped by somebody else: the shell had the terminal meanwhile.
        terminal.enter()
        above = nil
        painter.forget()
      case .nothing:
        looksUp = false
        if colours, editing.markUnknownNames() { showFrame() }
      }
    }
  }

  // MARK: Drawing

  private func showFrame(isFinal: Bool = false) {
    let size = Terminal.size()
    let frame = editing.frame(width: size.columns, height: size.rows, colours: colours, isFinal: isFinal)
    var bytes: [UInt8] = []
    if isFirstFrame {
      bytes = freshLine(width: size.columns)
      painter.forget()
      isFirstFrame = false
    }
    bytes += painter.paint(frame, width: size.columns)
    terminal.write(bytes)
  }

  /// To the begin of a line, below output that did not end one. Where the cursor is nobody knows without asking the
  /// terminal: so a mark and spaces as wide as the screen, which go on in the next line unless they began in the first
  /// column, where the prompt is then written over them.
  private func freshLine(width: Int) -> [UInt8] {
    let mark = colours ? "\u{1B}[2m⏎\u{1B}[0m" : "⏎"
    return Array((mark + String(repeating: " ", count: max(0, width - 1)) + "\r").utf8)
  }

  private func redrawAbove() {
    let width = Terminal.size().columns
    guard !isFirstFrame, let picture = above?.redrawn(width: width) else { return }
    terminal.write(painter.erase(width: width) + picture)
  }

  // MARK: Leaving the terminal to others

  private func suspend() {
    above = nil
    showFrame(isFinal: true)
    terminal.write(painter.leave())
    terminal.leave()
    raise(SIGTSTP)
    terminal.forgetChanges()
    terminal.enter()
    isFirstFrame = true
  }

  private func editElsewhere() {
    above = nil
    editing.menu = nil
    showFrame(isFinal: true)
    terminal.write(painter.leave())
    terminal.leave()
    let text = openEditor(editing.statement.text)
    terminal.enter()
    isFirstFrame = true
    guard let text else {
      editing.note = "the text is as it was"
      return
    }
    let before = editing.statement
    editing.statement = Statement(text)
    editing.undoable(before)
  }
}
