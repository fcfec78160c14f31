import CEditline

/// Ctrl-C while a statement runs.
public enum Interrupts {
  /// From now on Ctrl-C sets a flag; the third press in a row ends the process with status 130.
  public static func install() { ltd_interrupt_install() }
  /// Whether Ctrl-C was pressed since the last `clear`.
  public static var pending: Bool { ltd_interrupt_pending() }
  public static func clear() { ltd_interrupt_clear() }
}
