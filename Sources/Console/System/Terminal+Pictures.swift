import Base
import Platform

/// What the terminal shows of pictures: by what it answers, and where it cannot be asked by what the environment says of it.
extension Terminal {
  /// The look of pictures on standard output.
  static func look(_ choice: ColourChoice) -> PictureLook {
    var look = PictureLook()
    look.rows = height
    guard colours(choice, 1) else { return look }
    look.colours = hasAllColours ? .full : .indexed
    guard isTerminal(1) else { return look }
    look.cell = { cell }
    look.graphics = { graphics }
    return look
  }

  /// Whether a terminal shows colours of 24 bits: COLORTERM says so, or it is one that is known to.
  private static var hasAllColours: Bool {
    if let word = environment("COLORTERM"), word == "truecolor" || word == "24bit" { return true }
    let term = environment("TERM") ?? ""
    return term.hasSuffix("-direct") || term.hasPrefix("xterm-kitty") || term.hasPrefix("xterm-ghostty")
      || term.hasPrefix("foot") || term.hasPrefix("alacritty") || term.hasPrefix("wezterm")
  }

  private static func isSet(_ name: String) -> Bool { environment(name).map { !$0.isEmpty } ?? false }

  /// How pixels are sent.
  private static var graphics: PictureLook.Graphics {
    // A multiplexer would put raw pixels somewhere else.
    if ["STY", "ZELLIJ"].contains(where: isSet) { return .none }
    if isSet("TMUX") { return throughTmux }
    if ["tmux", "screen"].contains(where: { (environment("TERM") ?? "").hasPrefix($0) }) { return .none }
    guard let answer = TerminalQuery.shared.answer(), answer.isWhole || answer.takesKitty else { return byName }
    if answer.takesKitty { return .kitty }
    // Where a sixel ends is known only with the size of a cell.
    return answer.takesSixel && cell != nil ? .sixel : .none
  }

  /// What the environment says of a terminal that cannot be asked, or is silent.
  private static var byName: PictureLook.Graphics {
    let term = environment("TERM") ?? ""
    let program = environment("TERM_PROGRAM") ?? ""
    if term.hasPrefix("xterm-kitty") || term.hasPrefix("xterm-ghostty") || isSet("KITTY_WINDOW_ID")
      || program == "ghostty" || program == "WezTerm" || isSet("KONSOLE_VERSION")
    {
      return .kitty
    }
    let hasSixel =
      term.hasPrefix("foot") || term.hasPrefix("mlterm") || term.hasPrefix("contour") || program == "mintty"
    return hasSixel && cell != nil ? .sixel : .none
  }

  /// Whether tmux hands pixels on, to a terminal that knows the characters which say where they stand. It is asked each
  /// time, since another terminal may be there now.
  private static var throughTmux: PictureLook.Graphics {
    guard hasAllColours, let pane = environment("TMUX_PANE") else { return .none }
    let asked = ChildProcess.run(
      "/usr/bin/env",
      ["tmux", "display-message", "-p", "-t", pane, "#{allow-passthrough} #{client_termname} #{client_termtype}"],
      seconds: 0.5, outputLimit: 4096)
    guard asked.ending == .exited(0) else { return .none }
    return takesPlaceholders(asked.output) ? .placeholders : .none
  }

  /// Whether what tmux says is that it hands pixels on to kitty (0.28 or later) or ghostty.
  static func takesPlaceholders(_ answer: String) -> Bool {
    let words = answer.split { $0 == " " || $0 == "\n" }
    guard let passes = words.first, !["0", "off"].contains(passes) else { return false }
    let terminal = words.dropFirst().joined(separator: " ").lowercased()
    if terminal.contains("ghostty") { return true }
    guard terminal.contains("kitty") else { return false }
    guard let version = terminal.firstRange(of: "kitty(") else { return true }
    let numbers = terminal[version.upperBound...].prefix { $0 != ")" }.split(separator: ".").map { Int($0) ?? 0 }
    return numbers.first != 0 || numbers.count > 1 && numbers[1] >= 28
  }

  /// The pixels of a cell; `nil` where the terminal does not say.
  private static var cell: (width: Int, height: Int)? {
    var size = winsize()
    if ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 {
      let cell = (width: Int(size.ws_xpixel) / Int(size.ws_col), height: Int(size.ws_ypixel) / Int(size.ws_row))
      if cell.width > 2, cell.height > 2 { return cell }
    }
    guard let answer = TerminalQuery.shared.known, let width = answer.cellWidth, let height = answer.cellHeight else {
      return nil
    }
    return (width, height)
  }
}
