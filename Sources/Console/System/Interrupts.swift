import Base
import CEditline

/// Ctrl-C while a statement runs.
public enum Interrupts {
  /// What Ctrl-C raises, in the sessions of a program that has installed it.
  static let signal = StopSignal()
  nonisolated(unsafe) private(set) static var isInstalled = false

  /// From now on Ctrl-C raises the signal; the third press in a row ends the process with status 130. To be called before
  /// any session is made.
  public static func install() {
    isInstalled = true
    ltd_interrupt_install(signal.word)
  }

  /// Whether Ctrl-C was pressed since the last `clear`.
  public static var pending: Bool { ltd_interrupt_pending() }

  public static func clear() {
    signal.clearInterrupt()
    ltd_interrupt_clear()
  }
}
