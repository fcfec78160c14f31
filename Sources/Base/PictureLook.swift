/// What the reader of a text can see of pictures: colours, graphics, and how many rows there are.
///
/// It stands beside the width of a line among the options of printing, so that a figure is drawn for the terminal that
/// shows it. A pipe has no colours, and gets plain characters.
public struct PictureLook: Sendable {
  /// The colours of a cell.
  public enum Colours: Sendable {
    /// Characters alone.
    case none
    /// The 256 colours of xterm.
    case indexed
    /// 24 bits.
    case full
  }

  /// Ways to send pixels to a terminal.
  public enum Graphics: Sendable, Equatable {
    case none, kitty, sixel
    /// As kitty takes them, through tmux: characters say where the image stands.
    case placeholders
  }

  /// The colours of a cell.
  public var colours = Colours.none
  /// Rows of the terminal; nil where nothing limits the height.
  public var rows: Int?
  /// Pixels of a cell, where they are known; asked after `graphics`.
  public var cell: @Sendable () -> (width: Int, height: Int)? = { nil }
  /// How pixels are sent; asked when a picture is drawn, since the terminal may have to be asked.
  public var graphics: @Sendable () -> Graphics = { .none }

  /// The look of a pipe.
  public init() {}
}
