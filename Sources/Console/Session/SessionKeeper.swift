import Base
import Builtins
import CEditline
import Interpreter
import Platform

/// Keeps what a session has from being lost: when the terminal hangs up, when the process is told to end, and at the third
/// Ctrl-C, the variables are written into a file that the next start offers.
///
/// A thread of its own waits for these. The prompt tells when a statement begins and hands over a moment of the session
/// (`SessionMoment`) when it has ended. If a statement is running when the word comes, it is interrupted and has two
/// seconds to end with what it has. If it does not, stuck in something that looks at no signal, the moment before it is
/// written: values are copied before they are changed, so that nothing of that moment can be touched by what still runs.
final class SessionKeeper: Sendable {
  private struct State {
    var moment: SessionMoment?
    var statements: [RanStatement] = []
    var isRunning = false
    var isLeaving = false
  }
  private let state = Locked(State())
  private let session: @Sendable () -> Session
  private let folder: String?
  private let terminal: termios?

  /// - Parameter folder: where sessions that ended unasked are kept; nil where there is no home.
  init(_ session: Session, folder: String?) {
    nonisolated(unsafe) let session = session
    self.session = { session }
    self.folder = folder
    var settings = termios()
    terminal = tcgetattr(0, &settings) == 0 ? settings : nil
  }

  /// `$XDG_STATE_HOME/ltd/sessions`, or `~/.local/state/ltd/sessions`.
  static var defaultFolder: String? { History.defaultPath.map { Folder.of($0) + "sessions" } }

  // MARK: What the prompt tells

  /// A statement begins; a process that is being ended begins none.
  func begin() {
    if state.withLock({ state -> Bool in
      if !state.isLeaving { state.isRunning = true }
      return state.isLeaving
    }) {
      waitForEnd()
    }
  }

  /// What was said of the session when it was saved.
  private let said = Locked<String?>(nil)

  /// No statement runs, and the session is as this moment has it.
  func end(_ moment: SessionMoment, _ statements: [RanStatement]) {
    state.withLock { state in
      state.moment = moment
      state.statements = statements
      state.isRunning = false
    }
  }

  /// What a saved session has beside its variables.
  static func extras(_ statements: [RanStatement]) -> [(String, Value)] {
    [("statements", Value(statements.map(\.saved)))]
  }

  /// The prompt is about to return; a session that is just being written is written first.
  func leave() { if state.withLock({ $0.isLeaving }) { waitForEnd() } }

  private func waitForEnd() -> Never { while true { pause() } }

  // MARK: The thread

  /// From now on hang-ups, the signal to end and the third Ctrl-C save the session.
  func start() {
    guard ltd_rescue_install() else { return }
    _ = startDetachedThread { self.wait() }
  }

  private func wait() {
    let number = ltd_rescue_wait()
    // What runs is given the chance to end with what it has.
    Interrupts.signal.raise(.interrupted)
    let deadline = monotonicSeconds() + 2
    while state.withLock({ $0.isRunning }), monotonicSeconds() < deadline { usleep(5000) }
    let isStuck = state.withLock { state -> Bool in
      state.isLeaving = true
      return state.isRunning
    }
    let reason = number == SIGINT ? "Ctrl-C" : number == SIGHUP ? "a hang-up" : "a signal to end"
    let words = save(reason, isStuck: isStuck)
    if number != SIGHUP {
      if var terminal { tcsetattr(0, TCSANOW, &terminal) }
      // Pastes are marked while a statement is edited.
      let text = (terminal == nil ? "\n" : "\u{1B}[?2004l\n") + words + "\n"
      _ = text.withCString { write(2, $0, strlen($0)) }
    }
    if number == SIGINT { _exit(ExitStatus.interrupted) }
    signal(number, SIG_DFL)
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    kill(getpid(), number)
    while true { pause() }
  }

  /// Writes the session where the next start finds it, once: of two threads that find the terminal gone, the second waits
  /// for the first.
  ///
  /// - Returns: what to say.
  func save(_ reason: String, isStuck: Bool = false) -> String {
    said.withLock { said in
      let words = said ?? store(reason, isStuck: isStuck)
      said = words
      return words
    }
  }

  private func store(_ reason: String, isStuck: Bool) -> String {
    let (moment, statements) = state.withLock { state -> (SessionMoment?, [RanStatement]) in
      (state.moment, state.statements)
    }
    let extras = Self.extras(statements)
    guard let moment, let folder, !moment.userVariables.isEmpty else { return "there was nothing to save" }
    do throws(CoreError) {
      try Folder.make(folder, mode: 0o700)
      let path = "\(folder)/\(KeptSession.stamp())-\(getpid()).ltds"
      let graph = try session().saved(extras: extras, at: moment, isAtWork: isStuck)
      try SessionFile.write(graph, to: path, remarks: KeptSession.remarks(of: moment, reason, without: graph))
      KeptSession.prune(folder)
      var words = "the session is saved: ltd, then :restore brings it back (\(path))"
      if isStuck { words += "\nit is as it was before the statement that did not stop" }
      for line in graph.omittedLines { words += "\nnot saved: \(line)" }
      return words
    } catch {
      return "error: the session could not be saved: \(error.message)"
    }
  }
}

/// A session that ended unasked, in the folder where these are kept.
struct KeptSession {
  let path: String
  let remarks: [String: String]

  /// How many are kept.
  private static let most = 5

  /// Those that nobody has brought back, the newest first.
  static func all(in folder: String?) -> [KeptSession] {
    guard let folder, let names = try? Folder.names(in: folder) else { return [] }
    return names.filter { $0.hasSuffix(".ltds") && !$0.hasSuffix(restored) }.sorted(by: >).compactMap { name in
      let path = "\(folder)/\(name)"
      return (try? SessionFile.remarks(of: path)).map { KeptSession(path: path, remarks: $0) }
    }
  }

  private static let restored = ".restored.ltds"

  /// The newest that was brought back before.
  static func lastRestored(in folder: String?) -> String? {
    guard let folder, let names = try? Folder.names(in: folder) else { return nil }
    return names.filter { $0.hasSuffix(restored) }.max().map { "\(folder)/\($0)" }
  }

  /// It is not offered again, and stays for a while.
  func markRestored() { rename(path, path.dropLast(".ltds".count) + Self.restored) }

  /// One line for the next start.
  func offer(others: Int) -> String {
    var words = "a session that ended by \(remarks["ltd.reason"] ?? "a signal")"
    if let time = remarks["ltd.time"] { words += " on \(time)" }
    words += " was kept"
    if let names = remarks["ltd.variables"] { words += " (\(names))" }
    words += ": :restore brings it back"
    return others > 0 ? words + "; there \(others == 1 ? "is" : "are") \(others.of("older one"))" : words
  }

  static func remarks(of moment: SessionMoment, _ reason: String, without graph: SavedGraph) -> [String: String] {
    let lost = Set(graph.omitted.map(\.name))
    let names = moment.userVariables.filter { !lost.contains($0) }
    var shown = names.prefix(4).joined(separator: ", ")
    if names.count > 4 { shown += " and \(names.count - 4) more" }
    return ["ltd.reason": reason, "ltd.time": stamp("%d %b %H:%M"), "ltd.variables": shown]
  }

  /// The time now.
  static func stamp(_ form: String = "%Y%m%d-%H%M%S") -> String {
    var now = time(nil)
    guard var parts = localtime(&now)?.pointee else { return "" }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      guard let start = buffer.baseAddress, strftime(start, 64, form, &parts) > 0 else { return "" }
      return String(cString: start)
    }
  }

  /// Leaves the newest.
  static func prune(_ folder: String) {
    guard let names = try? Folder.names(in: folder) else { return }
    for name in names.filter({ $0.hasSuffix(".ltds") }).sorted(by: >).dropFirst(most) { unlink("\(folder)/\(name)") }
  }
}
