/// Cells in columns, each as wide as its widest cell: the one layout of tables that are printed.
public struct AlignedText: Sendable {
  /// The side of its column at which a cell stands, the spaces being on the other.
  public enum Side: Sendable { case left, right }

  /// The rows, each with a cell for every column.
  public var rows: [[String]]
  /// The side of each column; columns beyond the last have its side.
  public var sides: [Side]

  /// A table of rows that are equally long.
  public init(_ rows: [[String]], sides: [Side]) {
    (self.rows, self.sides) = (rows, sides)
  }

  /// How many characters each column takes.
  public var widths: [Int] {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], AlignedText.width(cell))
      }
    }
    return widths
  }

  /// The lines of the table, one for each row, without spaces at their ends.
  ///
  /// - Parameters:
  ///   - count: how many columns are shown; nil for all.
  ///   - gap: spaces between two columns.
  ///   - indent: spaces before the first.
  public func lines(columns count: Int? = nil, gap: Int = 2, indent: Int = 0) -> [String] {
    let widths = widths
    return rows.map { row in
      var line = String(repeating: " ", count: indent)
      for (column, cell) in row.prefix(count ?? .max).enumerated() {
        if column > 0 { line += String(repeating: " ", count: gap) }
        let space = String(repeating: " ", count: widths[column] - AlignedText.width(cell))
        let side = column < sides.count ? sides[column] : sides.last ?? .left
        line += side == .left ? cell + space : space + cell
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }

  private static func width(_ text: String) -> Int { text.unicodeScalars.count }
}
