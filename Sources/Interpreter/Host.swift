import Base

/// The surroundings of a session: where its output and its warnings go, who sees how far long work is, and where modules
/// and imported files come from. A console, a notebook kernel and a language server each have a conformer of their own.
///
/// A session reaches the world through its host alone, so that several sessions with different hosts can run in one process,
/// each on a thread of its own. All functions are called on the thread that evaluates, which carries the session's stop
/// signal: what takes long must look at `StopSignal.reasonOfThread`. Two sessions that share a host may call it at the same
/// time. What a conformer leaves out does nothing: nothing is shown, no file can be read, and there is no module.
public protocol Host: AnyObject, Sendable {
  /// Takes what `print` writes.
  /// - Throws: `io` where it cannot be written, which ends the run.
  func write(_ text: String) throws(LTDError)

  /// Takes what `print(…, to="error")` writes, after all that was written before it.
  /// - Throws: `io` where it cannot be written.
  func writeError(_ text: String) throws(LTDError)

  /// Hands on what `write` has gathered, and waits until it has been taken.
  /// - Throws: `io` where it cannot be written.
  func flush() throws(LTDError)

  /// Takes a sentence that the user should read although the run continues.
  func warn(_ sentence: String)

  /// Takes a sentence that says what was decided in the user's place, such as which network a file is read as.
  func note(_ sentence: String)

  /// Makes the progress display for a piece of long work, from its beginning to its end.
  func progress() -> any Progress

  /// Reads a source file that a program imports.
  /// - Returns: its bytes.
  /// - Throws: `io` where it cannot be read.
  func read(_ path: String) throws(LTDError) -> [UInt8]

  /// The source of a library module; `nil` where there is none of that name.
  func module(_ name: String) -> String?

  /// The names of all library modules, in the order in which they are listed.
  var moduleNames: [String] { get }

  /// Gives memory that is only kept for reuse back to the system, before a run is stopped for its memory.
  func releaseUnusedMemory()
}

extension Host {
  /// Drops what is printed.
  public func write(_ text: String) throws(LTDError) {}
  /// Drops what is printed.
  public func writeError(_ text: String) throws(LTDError) {}
  /// Does nothing: nothing has been gathered.
  public func flush() throws(LTDError) {}
  /// Drops the warning.
  public func warn(_ sentence: String) {}
  /// Drops the sentence.
  public func note(_ sentence: String) {}
  /// Shows nothing.
  public func progress() -> any Progress { SilentProgress() }
  /// Refuses every file.
  public func read(_ path: String) throws(LTDError) -> [UInt8] { throw LTDError(.io, "cannot read \(path)") }
  /// Has no module.
  public func module(_ name: String) -> String? { nil }
  /// Has no module.
  public var moduleNames: [String] { [] }
  /// Does nothing: no memory is kept for reuse.
  public func releaseUnusedMemory() {}
}

/// A host that shows nothing and has nothing to read.
public final class SilentHost: Host {
  /// Makes one; it has no state.
  public init() {}
}
