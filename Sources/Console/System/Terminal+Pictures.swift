import Base
import Platform

/// What the terminal shows of pictures, by what the environment says of it.
extension Terminal {
  /// The look of pictures on standard output.
  static func look(_ choice: ColourChoice) -> PictureLook {
    var look = PictureLook()
    guard colours(choice, 1) else {
      look.rows = height
      return look
    }
    look.colours = hasAllColours ? .full : .indexed
    look.rows = height
    look.cell = cell
    let isDrawn = isTerminal(1)
    look.graphics = { isDrawn ? graphics : .none }
    return look
  }

  /// Whether a terminal shows colours of 24 bits: COLORTERM says so, or it is one that is known to.
  private static var hasAllColours: Bool {
    if let word = environment("COLORTERM"), word == "truecolor" || word == "24bit" { return true }
    let term = environment("TERM") ?? ""
    return term.hasSuffix("-direct") || term.hasPrefix("xterm-kitty") || term.hasPrefix("xterm-ghostty")
      || term.hasPrefix("foot") || term.hasPrefix("alacritty") || term.hasPrefix("wezterm")
  }

  /// Whether a multiplexer stands between this process and the terminal: it would misplace raw graphics.
  private static var isMultiplexed: Bool {
    ["TMUX", "STY", "ZELLIJ"].contains { environment($0).map { !$0.isEmpty } ?? false }
      || ["tmux", "screen"].contains { (environment("TERM") ?? "").hasPrefix($0) }
  }

  /// How pixels are sent: never where a multiplexer is in between.
  private static var graphics: PictureLook.Graphics {
    if isMultiplexed { return .none }
    let term = environment("TERM") ?? ""
    let program = environment("TERM_PROGRAM") ?? ""
    if term.hasPrefix("xterm-kitty") || term.hasPrefix("xterm-ghostty") || environment("KITTY_WINDOW_ID") != nil
      || program == "ghostty" || program == "WezTerm" || environment("KONSOLE_VERSION") != nil
    {
      return .kitty
    }
    // Where a sixel ends is known only with the size of a cell.
    guard cell != nil else { return .none }
    if term.hasPrefix("foot") || term.hasPrefix("mlterm") || term.hasPrefix("contour") || term.contains("sixel")
      || program == "mintty"
    {
      return .sixel
    }
    return .none
  }

  /// The pixels of a cell; `nil` where the terminal does not say.
  private static var cell: (width: Int, height: Int)? {
    var size = winsize()
    guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return nil }
    let cell = (width: Int(size.ws_xpixel) / Int(size.ws_col), height: Int(size.ws_ypixel) / Int(size.ws_row))
    return cell.width > 2 && cell.height > 2 ? cell : nil
  }
}
