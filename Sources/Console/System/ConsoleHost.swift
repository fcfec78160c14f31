import Base
import Builtins
import Devices
import Stdlib
import Tensors

/// The host of sessions on a terminal or in a pipe: standard output and error, lines of progress, files of this machine and
/// the library that is embedded in the program.
///
/// What belongs to the process stays with the process: the outputs (`StandardOutput.out` and `.error`), the terminal
/// (`LiveArea.shared`), its Ctrl-C (`Interrupts.signal`), the descriptors that a child inherits (`ChildProcess.starting`),
/// and the threads and the memory of the compute device (`Compute`). All sessions of this host write to the same outputs,
/// one whole string after the other; nothing else passes between them.
final class ConsoleHost: Host {
  private let options: RunnerOptions
  /// The folder that modules are read from first, for work on the library.
  private let library = Terminal.environment("LTD_STDLIB")

  /// - Parameter options: how errors and progress are shown.
  init(_ options: RunnerOptions) { self.options = options }

  func write(_ text: String) throws(LTDError) {
    if options.isSilent { return }
    StandardOutput.out.write(text)
    try check(.out)
  }

  func writeError(_ text: String) throws(LTDError) {
    if options.isSilent { return }
    StandardOutput.out.flush()
    StandardOutput.error.write(options.jsonErrors ? printedJSON(text) + "\n" : text)
    StandardOutput.error.flush()
    try check(.error)
  }

  func flush() throws(LTDError) {
    StandardOutput.out.flush()
    try check(.out)
  }

  private func check(_ output: StandardOutput) throws(LTDError) {
    if let problem = output.problem { throw problem }
  }

  func warn(_ sentence: String) { report([Diagnostic(.warning, sentence)]) }

  func note(_ sentence: String) {
    if options.isSilent { return }
    StandardOutput.out.flush()
    StandardOutput.error.write(
      options.jsonErrors
        ? JSON.object([.init("severity", .string("note")), .init("message", .string(sentence))]).line + "\n"
        : "note: \(sentence)\n")
    StandardOutput.error.flush()
  }

  /// Writes errors and warnings to standard error, after all that was printed before them.
  func report(_ diagnostics: [Diagnostic]) {
    if options.isSilent { return }
    StandardOutput.out.flush()
    StandardOutput.error.write(
      options.jsonErrors
        ? diagnostics.map { $0.json + "\n" }.joined()
        : render(
          diagnostics, color: Terminal.colours(options.colour, 2), width: Terminal.width(2),
          wraps: Terminal.isTerminal(2)))
    StandardOutput.error.flush()
  }

  func progress() -> any Progress {
    if options.jsonErrors || options.isSilent { return SilentProgress(onWarning: warn) }
    guard Terminal.canDraw(2) else { return PlainProgress() }
    // Keys are for the session that Ctrl-C is for.
    let isSteered =
      Terminal.colours(options.colour, 2) && Terminal.isTerminal(0)
      && StopSignal.wordOfThread == Interrupts.signal.word
    return TerminalProgress(isSteered: isSteered)
  }

  func read(_ path: String) throws(LTDError) -> [UInt8] {
    do throws(CoreError) { return try FileReader.bytes(of: path) } catch { throw LTDError.reporting(error) }
  }

  func module(_ name: String) -> String? {
    if let library, let text = try? FileReader.text(of: "\(library)/\(name).ltd") { return text }
    return Stdlib.source(name)
  }

  var moduleNames: [String] { Stdlib.names }

  func releaseUnusedMemory() { Compute.releaseUnusedMemory() }
}
