/// A picture that stands right above the prompt, since it is the value of the last statement: it is drawn anew when the
/// width of the window changes.
///
/// What is erased for it are its own rows, as many as they have become by breaking where the window is narrower now, as the
/// painter reckons with its own. A picture of pixels stays as it is: terminals do not agree on what erases it.
struct PictureAbove {
  /// How many columns each of its lines takes.
  private var lines: [Int]
  private var width: Int
  /// Draws it for the window as it is now.
  private let draw: () -> String

  /// - Parameters:
  ///   - text: the picture as it stands.
  ///   - width: of the window that it was drawn for.
  /// - Returns: nil for a picture of pixels.
  init?(_ text: String, width: Int, draw: @escaping () -> String) {
    guard let lines = Self.widths(of: text) else { return nil }
    (self.lines, self.width, self.draw) = (lines, width, draw)
  }

  /// From the begin of the row below it: goes up, erases it and draws it for another width.
  /// - Returns: nil where the width is the same.
  mutating func redrawn(width new: Int) -> [UInt8]? {
    guard new != width, new > 0 else { return nil }
    let rows = lines.reduce(0) { $0 + (new < width ? max(1, ($1 + new - 1) / new) : 1) }
    let text = draw()
    guard let lines = Self.widths(of: text) else { return nil }
    (self.lines, width) = (lines, new)
    return Array("\u{1B}[\(rows)A\r\u{1B}[J\(text)\n".utf8)
  }

  /// The columns of lines that have no other sequences than colours.
  private static func widths(of text: String) -> [Int]? {
    var widths: [Int] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      var shown: [Unicode.Scalar] = []
      var isInSequence = false
      var before: Unicode.Scalar = " "
      for scalar in line.unicodeScalars {
        if before == "\u{1B}", scalar != "[" { return nil }
        if isInSequence {
          if scalar != "[", (0x40...0x7E).contains(scalar.value) {
            if scalar != "m" { return nil }
            isInSequence = false
          }
        } else if scalar == "\u{1B}" {
          isInSequence = true
        } else {
          shown.append(scalar)
        }
        before = scalar
      }
      widths.append(Graphemes.width(shown[...]))
    }
    return widths
  }
}
