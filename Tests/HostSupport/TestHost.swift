import Base
import Interpreter

/// A host for tests: it keeps all that a session writes, and has the files and modules that it is made with.
public final class TestHost: Host {
  private struct State {
    var printed = ""
    var errors = ""
    var warnings: [String] = []
    var notes: [String] = []
  }

  private let state = Locked(State())
  private let files: [String: String]
  private let modules: [String: String]
  private let onWrite: @Sendable (String) -> Void

  /// - Parameters:
  ///   - files: texts of source files by their paths.
  ///   - modules: texts of library modules by their names.
  ///   - onWrite: called with each text that is printed, on the thread that evaluates.
  public init(
    files: [String: String] = [:], modules: [String: String] = [:],
    onWrite: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.files = files
    self.modules = modules
    self.onWrite = onWrite
  }

  /// All that was printed.
  public var printed: String { state.withLock { $0.printed } }
  /// All that was printed to the error output.
  public var errors: String { state.withLock { $0.errors } }
  /// The warnings, in order.
  public var warnings: [String] { state.withLock { $0.warnings } }
  /// The sentences about what was decided, and the lines and the titles of long work, in order.
  public var notes: [String] { state.withLock { $0.notes } }

  public func write(_ text: String) throws(LTDError) {
    state.withLock { $0.printed += text }
    onWrite(text)
  }

  public func writeError(_ text: String) throws(LTDError) { state.withLock { $0.errors += text } }
  public func warn(_ sentence: String) { state.withLock { $0.warnings.append(sentence) } }

  public func read(_ path: String) throws(LTDError) -> [UInt8] {
    guard let text = files[path] else { throw LTDError(.io, "cannot read \(path): there is no such file") }
    return Array(text.utf8)
  }

  public func module(_ name: String) -> String? { modules[name] }
  public var moduleNames: [String] { modules.keys.sorted() }
  public func progress() -> any Progress { NotedProgress(self) }

  public func note(_ line: String) { state.withLock { $0.notes.append(line) } }
}

/// Keeps what long work says with its host.
private final class NotedProgress: Progress {
  private let host: TestHost

  init(_ host: TestHost) { self.host = host }

  func update(
    title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?
  ) {
    host.note(title)
  }

  func note(_ line: String) { host.note(line) }
  func finish() {}
}
