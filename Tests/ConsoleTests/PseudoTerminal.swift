import CPseudoTerminal
import Foundation
import TestSupport

/// The built `ltd` program at a terminal, typed to and read from as a person would.
final class PseudoTerminal {
  /// Generous, for busy machines: nothing waits longer than it must.
  static let patience: Double = 30

  private let terminal: Int32
  private let process: pid_t
  /// What is to be seen.
  private(set) var screen: ScreenEmulator
  /// All that was shown, as it came.
  private(set) var raw: [UInt8] = []
  /// Up to where `wait` has read, counted over all lines there ever were.
  private var read = (line: 0, column: 0)
  private var isEnded = false
  private var status: Int32 = 0

  /// All that was ever to be seen, as it stands now.
  var shown: String { screen.text(from: 0) }

  /// - Parameter program: what is run instead, such as a shell that runs it.
  init(
    _ arguments: [String] = [], home: URL, columns: Int = 100, rows: Int = 40, variables: [String: String] = [:],
    without: Set<String> = [], program: String = BuiltProgram.path
  ) throws {
    var environment = [
      "HOME": home.path, "XDG_STATE_HOME": home.appending(path: "state").path,
      "XDG_CONFIG_HOME": home.appending(path: "config").path, "TERM": "xterm", "PATH": "/usr/bin:/bin", "PAGER": "cat",
      "LC_ALL": "C", "EDITRC": home.appending(path: "editrc").path, "LTD_THREADS": "1",
    ]
    if let libraries = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] {
      environment["LD_LIBRARY_PATH"] = libraries
    }
    environment.merge(variables) { $1 }
    environment = environment.filter { !without.contains($0.key) }
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    var settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in words + settings { free(pointer) } }
    var process: pid_t = 0
    terminal = pseudo_terminal_start(program, &words, &settings, Int32(rows), Int32(columns), &process)
    self.process = process
    screen = ScreenEmulator(columns: columns, rows: rows)
    if terminal < 0 { throw CocoaError(.fileReadUnknown) }
  }

  deinit {
    if !isEnded {
      kill(process, SIGKILL)
      waitpid(process, nil, 0)
    }
    close(terminal)
  }

  /// Types text; Enter is `\n`.
  func type(_ text: String) { type(Array(text.utf8)) }

  func type(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(terminal, $0.baseAddress, min($0.count, 512)) }
      if count <= 0 { return }
      rest = rest.dropFirst(count)
      if !rest.isEmpty { take(seconds: 0) }  // or both sides wait for the other to read
    }
  }

  func interrupt() { type("\u{3}") }

  /// Closes the terminal under the program, which whoever asked then waits for.
  func hangUp() -> pid_t {
    isEnded = true
    return process
  }

  /// Lets a time pass, for what may happen at any moment; nothing is waited for in this way.
  func pass(seconds: Double) {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end { take(seconds: end.timeIntervalSinceNow) }
  }

  /// Gives the window another size, as its user would.
  func resize(columns: Int, rows: Int) {
    take(seconds: 0)
    screen.resize(columns: columns, rows: rows)
    pseudo_terminal_resize(terminal, Int32(rows), Int32(columns))
  }

  func signal(_ number: Int32) { kill(process, number) }

  /// Waits until a text is shown after what was last waited for.
  /// - Returns: what was shown up to and with it; nil when it did not come.
  @discardableResult
  func wait(for text: String, seconds: Double = patience) -> String? {
    let end = Date().addingTimeInterval(seconds)
    while true {
      if let found = screen.find(text, from: read.line, column: read.column) {
        read = (found.line, found.column)
        if text.hasSuffix("ltd> ") { waitForEditor() }
        return found.upTo
      }
      if isEnded || Date() > end { return nil }
      take(seconds: 0.1)
    }
  }

  /// Waits until the screen is as it should be; where that is told by a test, not by a text.
  @discardableResult
  func wait(seconds: Double = patience, until isRight: (ScreenEmulator) -> Bool) -> Bool {
    let end = Date().addingTimeInterval(seconds)
    while true {
      if isRight(screen) { return true }
      if isEnded || Date() > end { return false }
      take(seconds: 0.1)
    }
  }

  /// Waits until a text stands somewhere on the screen, which may be gone later.
  @discardableResult
  func see(_ text: String, seconds: Double = patience) -> Bool {
    wait(seconds: seconds) { $0.text(from: $0.scrolledOut.count).contains(text) }
  }

  /// Waits until a text stands nowhere on the screen.
  @discardableResult
  func seeNo(_ text: String, seconds: Double = patience) -> Bool {
    wait(seconds: seconds) { !$0.text(from: $0.scrolledOut.count).contains(text) }
  }

  /// Waits until the editor reads keys: what is typed before is drawn twice, or a Ctrl-C a signal. A plain reader never
  /// does.
  func waitForEditor() {
    for _ in 0..<100 {
      var settings = termios()
      guard tcgetattr(terminal, &settings) == 0, settings.c_lflag & tcflag_t(ICANON) != 0 else { return }
      take(seconds: 0.005)
    }
  }

  /// Whether the terminal gathers lines and echoes them, as a shell leaves it.
  var gathersLines: Bool {
    var settings = termios()
    let usual = tcflag_t(ICANON | ECHO)
    return tcgetattr(terminal, &settings) == 0 && settings.c_lflag & usual == usual
  }

  /// Waits for the prompt, types a line and waits for a text.
  func enter(_ line: String, expecting text: String) -> String? {
    type(line + "\n")
    return wait(for: text)
  }

  /// Waits for the program to end.
  /// - Returns: its exit status; -1 when it did not end or was ended by a signal.
  func end(seconds: Double = patience) -> Int32 {
    let end = Date().addingTimeInterval(seconds)
    while !isEnded, Date() < end { take(seconds: 0.1) }
    return isEnded && status & 0x7F == 0 ? status >> 8 & 0xFF : -1
  }

  private func take(seconds: Double) {
    var poller = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    if poll(&poller, 1, Int32(seconds * 1000)) > 0 {
      let count = Foundation.read(terminal, &chunk, chunk.count)
      if count > 0 {
        raw += chunk[..<count]
        screen.write(chunk[..<count])
        return
      }
      // The other side is closed: the program has ended or is about to.
      if waitpid(process, &status, 0) == process { isEnded = true }
    } else if waitpid(process, &status, WNOHANG) == process {
      isEnded = true
    }
  }
}
