import Platform

/// When to colour what is written: `auto` colours a terminal that is not dumb, unless NO_COLOR is set.
public enum ColourChoice: String, Sendable, CaseIterable {
  case auto, always, never
}

/// What is known of the terminal this process writes to.
public enum Terminal {
  /// Whether a file descriptor is a terminal.
  public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Whether a line editor can work here: input and output are a terminal that can move its cursor.
  public static var canEdit: Bool { isTerminal(0) && isTerminal(1) && !isDumb }

  /// Whether a line on a descriptor can be drawn again.
  static func canDraw(_ descriptor: Int32) -> Bool { isTerminal(descriptor) && !isDumb }

  static var isDumb: Bool { environment("TERM").map { $0 == "dumb" } ?? true }

  /// The columns of the terminal of a descriptor; those of COLUMNS, or 80, where that is not known.
  public static func width(_ descriptor: Int32 = 1) -> Int {
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    if let columns = environment("COLUMNS").flatMap({ Int($0) }), (1...10_000).contains(columns) { return columns }
    return 80
  }

  /// The lines of the terminal on standard output; `nil` where it is no terminal, or says nothing of its size.
  static var height: Int? {
    var size = winsize()
    guard isTerminal(1), ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return nil }
    return Int(size.ws_row)
  }

  /// The columns and rows of the terminal of a descriptor; 80 and 24 where that is not known.
  static func size(_ descriptor: Int32 = 1) -> (columns: Int, rows: Int) {
    var size = winsize()
    let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 && size.ws_row > 0
    return isKnown ? (Int(size.ws_col), Int(size.ws_row)) : (width(), 24)
  }

  /// Whether to colour what goes to a descriptor: `--color` first, then `NO_COLOR`, then whether a terminal reads it.
  public static func colours(_ choice: ColourChoice, _ descriptor: Int32) -> Bool {
    switch choice {
    case .always: true
    case .never: false
    case .auto: isTerminal(descriptor) && !isDumb && (environment("NO_COLOR") ?? "").isEmpty
    }
  }

  /// A variable of the environment; nil where it is unset.
  public static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
