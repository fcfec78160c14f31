import Base

/// A sheet of images in the cells of a terminal: two pixels in each cell as a half block, shades of characters where there
/// are no colours, and real pixels where the terminal takes them.
///
/// Images are as large as lets all of them stand within the window; where not even small ones do, the first are shown, and
/// the last line says how many are not.
struct SheetText {
  private let sheet: ImageSheet
  private let width: Int
  private let look: PictureLook

  private static let shades = Array(" .:-=+*#%@".unicodeScalars)
  /// Columns below which an image is not made smaller.
  private static let smallest = 14

  init(_ sheet: ImageSheet, width: Int, look: PictureLook) {
    (self.sheet, self.width, self.look) = (sheet, min(max(width, 8), 1000), look)
  }

  /// Where the images stand.
  private struct Grid {
    var columns: Int
    /// Cells of an image.
    var width: Int
    var height: Int
    /// Lines of words below each.
    var words: Int
    var shown: Int
  }

  func lines() throws(CoreError) -> [String] {
    guard let grid = grid() else { return ["  (no image)"] + notes(shown: 0) }
    let graphics = look.colours == .none ? .none : look.graphics()
    var lines: [String] = []
    if !sheet.heads.isEmpty {
      var line = ""
      for (column, head) in sheet.heads.prefix(grid.columns).enumerated() {
        line += padded(Words.cut(Words.plain(head), to: grid.width), grid.width)
        if column + 1 < grid.columns { line += " " }
      }
      lines.append(trimmedEnd(line))
    }
    for first in stride(from: 0, to: grid.shown, by: grid.columns) {
      try StopSignal.poll()
      let row = Array(sheet.pictures[first..<min(first + grid.columns, grid.shown)])
      if graphics == .none {
        lines += blocks(row, grid)
      } else {
        lines.append(TerminalGraphics(graphics, cell: look.cell).row(row, width: grid.width, height: grid.height))
      }
      lines += words(row, grid)
    }
    return lines + notes(shown: grid.shown)
  }

  private func notes(shown: Int) -> [String] {
    let hidden = sheet.pictures.count - shown + sheet.left
    return ((hidden > 0 ? ["… \(hidden) more"] : []) + sheet.notes).map { Words.cut(Words.plain($0), to: width) }
  }

  private func grid() -> Grid? {
    guard let widest = sheet.pictures.map(\.width).max() else { return nil }
    let tallest = sheet.pictures.map { Double($0.height) / Double($0.width) }.max() ?? 1
    let words = sheet.pictures.map { captions(of: $0).count }.max() ?? 0
    let count = sheet.pictures.count
    let budget = max(10, (look.rows ?? 60) - 4)
    let most = min(width, 120)
    // Images of a few pixels are enlarged by whole factors.
    var natural = widest
    while natural * 2 <= 32 { natural *= 2 }
    natural = min(natural, most)
    func grid(_ own: Int) -> Grid {
      let columns = sheet.columns ?? max(1, min(count, (width + 1) / (own + 1)))
      let height = max(1, Int((Double(own) * tallest / 2).rounded(.up)))
      return Grid(columns: columns, width: own, height: height, words: words, shown: count)
    }
    func fits(_ grid: Grid) -> Bool {
      let rows = (count + grid.columns - 1) / grid.columns
      return grid.columns * (grid.width + 1) - 1 <= width && rows * (grid.height + grid.words) <= budget
    }
    // Words need some room below a small image.
    let least = max(min(natural, Self.smallest), words > 0 ? min(8, most) : 2)
    if let columns = sheet.columns { natural = min(natural, max(1, (width + 1) / max(1, columns) - 1)) }
    var own = max(natural, min(least, natural))
    while own > least, !fits(grid(own)) { own -= 1 }
    var chosen = grid(own)
    if !fits(chosen), sheet.columns == nil {
      // Larger ones, of which fewer are seen.
      chosen = grid(min(natural, max(least, 20)))
    }
    chosen.columns = max(1, min(chosen.columns, max(1, (width + 1) / (chosen.width + 1))))
    let rows = max(1, budget / (chosen.height + chosen.words))
    chosen.shown = min(count, rows * chosen.columns)
    return chosen
  }

  /// The rows of cells of images that stand beside each other.
  private func blocks(_ row: [ImageSheet.Picture], _ grid: Grid) -> [String] {
    var canvas = CellCanvas(width: grid.columns * (grid.width + 1) - 1, height: grid.height)
    for (column, picture) in row.enumerated() {
      let (wide, high) = Self.size(picture, in: grid.width, grid.height * 2)
      let pixels = Pixels(picture, width: wide, height: high)
      let left = column * (grid.width + 1) + (grid.width - wide) / 2
      for y in stride(from: 0, to: high, by: 2) {
        for x in 0..<wide {
          let upper = pixels[x, y]
          let lower = y + 1 < high ? pixels[x, y + 1] : nil
          if look.colours == .none {
            let light = (upper.lightness + (lower ?? upper).lightness) / 2
            canvas.put(Self.shades[min(9, Int(light * 9.999))], at: left + x, y / 2, ink: nil)
          } else {
            canvas.put("▀", at: left + x, y / 2, ink: upper, ground: lower)
          }
        }
      }
    }
    return canvas.lines(look.colours)
  }

  /// The pixels of an image that keeps its form within a box.
  static func size(_ picture: ImageSheet.Picture, in width: Int, _ height: Int) -> (Int, Int) {
    let ratio = Double(picture.height) / Double(picture.width)
    let high = Double(width) * ratio
    if high <= Double(height) { return (width, max(1, Int(high.rounded()))) }
    return (max(1, Int((Double(height) / ratio).rounded())), height)
  }

  private func captions(of picture: ImageSheet.Picture) -> [String] {
    picture.captions.filter { !$0.isEmpty }
      + picture.shares.prefix(2).map { name, share in
        "\(name) \((share * 100).fixed(0))%"
      }
  }

  private func words(_ row: [ImageSheet.Picture], _ grid: Grid) -> [String] {
    (0..<grid.words).map { index in
      var line = ""
      for picture in row {
        let captions = captions(of: picture)
        let text = index < captions.count ? Words.cut(Words.plain(captions[index]), to: grid.width) : ""
        line += padded(text, grid.width) + " "
      }
      return trimmedEnd(line)
    }
  }

  private func padded(_ text: String, _ room: Int) -> String {
    text + String(repeating: " ", count: max(0, room - Words.width(text)))
  }

  private func trimmedEnd(_ text: String) -> String {
    var text = text
    while text.last == " " { text.removeLast() }
    return text
  }
}
