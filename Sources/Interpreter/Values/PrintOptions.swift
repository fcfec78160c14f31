import Base

/// The room that printing has. Elements that are not shown are never touched.
public struct PrintOptions {
  /// Characters in a line.
  public var width = 80
  /// Lines that a table or a tensor should need at most; a terminal's at the prompt, as many as it takes elsewhere.
  public var height = Int.max
  /// Items of a list, rows of a table, at most.
  public var items = 100
  /// Characters of a string within another value, at most.
  public var characters = 1_000
  /// Nesting of lists and records, at most.
  public var depth = 20
  /// Bytes in all, at most, or little more.
  public var bytes = 1_000_000
  /// Significant digits of a float; `nil` prints as many as read back as the same float.
  public var digits: Int?
  /// What the reader can see of pictures.
  public var look = PictureLook()
  /// Asked from time to time while a long string is written, which ends early when the answer is true.
  public var mustStop: (() -> Bool)?

  /// The room of the prompt, for 80 columns.
  public init() {}

  /// Nothing left out: `str(x)`, saving.
  public static var full: PrintOptions {
    var options = PrintOptions()
    options.width = .max
    options.items = .max
    options.characters = .max
    options.depth = 200
    options.bytes = 100_000_000
    return options
  }
}
