import Base

/// A field of terminal cells that is painted and then written as lines.
///
/// A cell holds a character, or eight dots of braille, with a colour each for it and for its background. Dots of two
/// colours in one cell take the later one. Colours are written as the terminal has them, and left out where it has none.
struct CellCanvas {
  private struct Cell {
    var scalar: Unicode.Scalar = " "
    var ink: Colour?
    var ground: Colour?
    var isBold = false
    var isDim = false
    /// The right half of a wide character.
    var isTaken = false
    /// A mark that joins the character.
    var joined: [Unicode.Scalar] = []
  }

  let width: Int
  let height: Int
  private var cells: [Cell]

  init(width: Int, height: Int) {
    (self.width, self.height) = (max(0, width), max(0, height))
    cells = [Cell](repeating: Cell(), count: self.width * self.height)
  }

  private func index(_ column: Int, _ row: Int) -> Int? {
    column >= 0 && column < width && row >= 0 && row < height ? row * width + column : nil
  }

  /// Writes a text from a column on; what does not fit is left out.
  mutating func write(
    _ text: String, at column: Int, _ row: Int, ink: Colour? = nil, bold: Bool = false, dim: Bool = false
  ) {
    var column = column
    for scalar in text.unicodeScalars {
      let own = Words.width(scalar)
      if own == 0 {
        if let index = index(column - 1, row) { cells[index].joined.append(scalar) }
        continue
      }
      if own == 2, index(column + 1, row) == nil { return }
      if let index = index(column, row) {
        cells[index] = Cell(scalar: scalar, ink: ink, ground: cells[index].ground, isBold: bold, isDim: dim)
      }
      if own == 2, let index = index(column + 1, row) { cells[index].isTaken = true }
      column += own
    }
  }

  /// Puts a character of a colour on a background.
  mutating func put(
    _ scalar: Unicode.Scalar, at column: Int, _ row: Int, ink: Colour?, ground: Colour? = nil,
    joined: [Unicode.Scalar] = []
  ) {
    guard let index = index(column, row) else { return }
    cells[index] = Cell(scalar: scalar, ink: ink, ground: ground, joined: joined)
  }

  /// Whether nothing stands in a cell.
  func isEmpty(_ column: Int, _ row: Int) -> Bool {
    index(column, row).map { cells[$0].scalar == " " && cells[$0].ground == nil && !cells[$0].isTaken } ?? false
  }

  /// Sets a dot of braille, counted in halves of a column and quarters of a row.
  mutating func dot(_ x: Int, _ y: Int, ink: Colour?) {
    guard x >= 0, y >= 0, let index = index(x / 2, y / 4) else { return }
    let bit: UInt32 = y % 4 == 3 ? (x % 2 == 0 ? 0x40 : 0x80) : 1 << UInt32(y % 4 + (x % 2) * 3)
    let old = cells[index].scalar.value
    let dots = (0x2800...0x28FF).contains(old) ? old - 0x2800 : 0
    guard cells[index].scalar == " " || dots > 0 else { return }
    cells[index].scalar = Unicode.Scalar(0x2800 + (dots | bit)) ?? " "
    cells[index].ink = ink
  }

  /// A line of dots between two.
  mutating func line(from a: (x: Int, y: Int), to b: (x: Int, y: Int), ink: Colour?) {
    let (dx, dy) = (abs(b.x - a.x), -abs(b.y - a.y))
    let (sx, sy) = (a.x < b.x ? 1 : -1, a.y < b.y ? 1 : -1)
    var (x, y, error) = (a.x, a.y, dx + dy)
    while true {
      dot(x, y, ink: ink)
      if x == b.x, y == b.y { return }
      let twice = 2 * error
      if twice >= dy {
        error += dy
        x += sx
      }
      if twice <= dx {
        error += dx
        y += sy
      }
    }
  }

  /// The rows as text, without spaces at their ends.
  func lines(_ colours: PictureLook.Colours) -> [String] {
    (0..<height).map { row in
      var last = width
      while last > 0 {
        let cell = cells[row * width + last - 1]
        guard cell.scalar == " ", cell.ground == nil, !cell.isTaken else { break }
        last -= 1
      }
      var text = ""
      var style = ""
      for cell in cells[row * width..<row * width + last] where !cell.isTaken {
        let wanted = colours == .none ? "" : Self.style(cell.ink, cell.ground, cell.isBold, cell.isDim, colours)
        if wanted != style {
          text += style.isEmpty ? wanted : "\u{1B}[0m" + wanted
          style = wanted
        }
        text.unicodeScalars.append(cell.scalar)
        text.unicodeScalars.append(contentsOf: cell.joined)
      }
      return style.isEmpty ? text : text + "\u{1B}[0m"
    }
  }

  private static func style(
    _ ink: Colour?, _ ground: Colour?, _ bold: Bool, _ dim: Bool, _ colours: PictureLook.Colours
  ) -> String {
    var codes: [String] = []
    if bold { codes.append("1") }
    if dim { codes.append("2") }
    func code(_ colour: Colour, _ kind: Int) -> String {
      colours == .full
        ? "\(kind);2;\(colour.red);\(colour.green);\(colour.blue)" : "\(kind);5;\(colour.indexed)"
    }
    if let ink { codes.append(code(ink, 38)) }
    if let ground { codes.append(code(ground, 48)) }
    return codes.isEmpty ? "" : "\u{1B}[" + codes.joined(separator: ";") + "m"
  }
}
