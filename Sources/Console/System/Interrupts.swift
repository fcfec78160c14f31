import Base
import CEditline

/// Ctrl-C while a statement runs. A process has one handler of it, which raises one signal: that of the session in the
/// foreground. Other sessions have signals of their own.
public enum Interrupts {
  /// What Ctrl-C raises once the handler is installed.
  public static let signal = StopSignal()

  /// From now on Ctrl-C raises the signal; the third press in a row ends the process with status 130.
  public static func install() { ltd_interrupt_install(signal.word) }

  /// From now on SIGTERM and SIGUSR1 raise the signal too, so that a script that is told to stop keeps what it has: a
  /// training writes its checkpoint, an evaluation its ledger.
  public static func heedRequestsToStop() { ltd_stop_requests_install(signal.word) }

  /// Whether SIGTERM or SIGUSR1 has come.
  public static var isToldToStop: Bool { ltd_stop_requested() }

  /// Whether Ctrl-C was pressed since the last `clear`.
  public static var pending: Bool { ltd_interrupt_pending() }

  /// Takes the presses back, before the next statement.
  public static func clear() {
    signal.clearInterrupt()
    ltd_interrupt_clear()
  }
}
