import Base

/// A sheet of images in the cells of a terminal: two pixels in each cell as a half block, shades of characters where there
/// are no colours, and real pixels where the terminal takes them.
///
/// Images are as large as lets all of them stand within the window; where not even small ones do, the first are shown, and
/// the last line says how many are not. Soft labels stand beside their images where the window is wide enough.
struct SheetText {
  private let sheet: ImageSheet
  private let width: Int
  private let look: PictureLook

  private static let shades = Array(" .:-=+*#%@".unicodeScalars)
  /// The character that is as light as a share of white.
  static func shade(_ light: Double) -> Unicode.Scalar { shades[min(9, max(0, Int(light * 9.999)))] }
  /// Columns below which an image is not made smaller.
  private static let smallest = 14

  init(_ sheet: ImageSheet, width: Int, look: PictureLook) {
    (self.sheet, self.width, self.look) = (sheet, min(max(width, 1), 1000), look)
  }

  /// Where the images stand.
  private struct Grid {
    var columns: Int
    /// Cells of an image.
    var width: Int
    var height: Int
    /// Cells of the words beside an image; 0 where they stand below.
    var side: Int
    /// Lines of words below each.
    var words: Int
    var shown: Int

    /// Cells from an image to the next.
    var stride: Int { Self.stride(width, side) }
    /// Cells of all columns.
    var whole: Int { columns * stride - (side > 0 ? 2 : 1) }

    static func stride(_ own: Int, _ side: Int) -> Int { side > 0 ? own + 1 + side + 2 : own + 1 }
  }

  func lines() throws(CoreError) -> [String] {
    guard let grid = grid() else { return [Words.cut("  (no image)", to: width)] + notes(shown: 0) }
    let graphics = graphics(for: grid)
    var lines: [String] = []
    if !sheet.heads.isEmpty {
      var line = ""
      for head in sheet.heads.prefix(grid.columns) {
        line += padded(Words.cut(Words.plain(head), to: grid.width), grid.stride)
      }
      lines.append(trimmedEnd(line))
    }
    for first in stride(from: 0, to: grid.shown, by: grid.columns) {
      try StopSignal.poll()
      let row = Array(sheet.pictures[first..<min(first + grid.columns, grid.shown)])
      lines += try images(row, grid, graphics)
      lines += words(row, grid)
    }
    return lines + notes(shown: grid.shown)
  }

  /// How pixels are sent; not at all where the window is too small to go back to the first row of an image.
  private func graphics(for grid: Grid) -> PictureLook.Graphics {
    if look.colours == .none || grid.height >= (look.rows ?? .max) { return .none }
    switch look.graphics() {
    case .placeholders where look.colours != .full || max(grid.width, grid.height) > TerminalGraphics.marks.count:
      return .none
    case let graphics: return graphics
    }
  }

  private func notes(shown: Int) -> [String] {
    let hidden = sheet.pictures.count - shown + sheet.left
    return ((hidden > 0 ? ["… \(hidden) more"] : []) + sheet.notes).map { Words.cut(Words.plain($0), to: width) }
  }

  private func grid() -> Grid? {
    guard let widest = sheet.pictures.map(\.width).max() else { return nil }
    let tallest = sheet.pictures.map { Double($0.height) / Double($0.width) }.max() ?? 1
    let count = sheet.pictures.count
    let budget = max(10, (look.rows ?? 60) - 4)
    let most = min(width, 120)
    // Soft labels stand beside an image where both have room, and below it elsewhere.
    var side = Self.side(of: sheet)
    if side > 0, Grid.stride(16, side) * (sheet.columns ?? 1) > width { side = 0 }
    let words =
      sheet.pictures.map { side > 0 ? 0 : captions(of: $0).count }.max() ?? 0
    // Images of a few pixels are enlarged by whole factors.
    var natural = widest
    while natural * 2 <= 32 { natural *= 2 }
    natural = min(natural, side > 0 ? max(8, width - Grid.stride(0, side) + 2) : most)
    func grid(_ own: Int) -> Grid {
      let gap = side > 0 ? 2 : 1
      let columns = sheet.columns ?? max(1, min(count, (width + gap) / Grid.stride(own, side)))
      let height = max(1, Int((Double(own) * tallest / 2).rounded(.up)))
      return Grid(columns: columns, width: own, height: height, side: side, words: words, shown: count)
    }
    func fits(_ grid: Grid) -> Bool {
      let rows = (count + grid.columns - 1) / grid.columns
      return grid.whole <= width && rows * (grid.height + grid.words) <= budget
    }
    // Words need some room below a small image.
    let least = max(min(natural, Self.smallest), words > 0 ? min(8, most) : 2)
    if let columns = sheet.columns {
      natural = min(natural, max(1, (width + 1) / max(1, columns) - Grid.stride(0, side)))
    }
    var own = max(natural, min(least, natural))
    while own > least, !fits(grid(own)) { own -= 1 }
    var chosen = grid(own)
    if !fits(chosen), sheet.columns == nil {
      // Larger ones, of which fewer are seen.
      chosen = grid(min(natural, max(least, 20)))
    }
    chosen.columns = max(1, min(chosen.columns, max(1, (width + (side > 0 ? 2 : 1)) / chosen.stride)))
    let rows = max(1, budget / (chosen.height + chosen.words))
    chosen.shown = min(count, rows * chosen.columns)
    return chosen
  }

  // MARK: Images

  /// The rows of cells of images that stand beside each other, with the words beside them.
  private func images(
    _ row: [ImageSheet.Picture], _ grid: Grid, _ graphics: PictureLook.Graphics
  ) throws(CoreError) -> [String] {
    var canvas = CellCanvas(width: grid.whole, height: grid.height)
    var (before, after) = ("", "")
    for (column, picture) in row.enumerated() {
      let left = column * grid.stride
      beside(&canvas, picture, left: left + grid.width + 1, grid)
      switch graphics {
      case .none: blocks(&canvas, picture, left: left, grid)
      case .kitty, .sixel: break
      case .placeholders:
        let (sequence, colour) = try TerminalGraphics(graphics, cell: look.cell()).placed(
          picture, width: grid.width, height: grid.height)
        before += sequence
        for y in 0..<grid.height {
          for x in 0..<grid.width {
            canvas.put(
              TerminalGraphics.placeholder, at: left + x, y, ink: colour,
              joined: [TerminalGraphics.marks[y], TerminalGraphics.marks[x]])
          }
        }
      }
    }
    if graphics == .kitty || graphics == .sixel {
      let back = grid.height > 1 ? "\u{1B}[\(grid.height - 1)A" : ""
      after =
        "\r" + back
        + (try TerminalGraphics(graphics, cell: look.cell()).row(
          row, stride: grid.stride, width: grid.width, height: grid.height))
        + back.replacing("A", with: "B")
    }
    var lines = canvas.lines(look.colours)
    lines[0] = before + lines[0]
    lines[lines.count - 1] += after
    return lines
  }

  /// Two pixels in each cell, or a shade.
  private func blocks(_ canvas: inout CellCanvas, _ picture: ImageSheet.Picture, left: Int, _ grid: Grid) {
    let (wide, high) = Self.size(picture, in: grid.width, grid.height * 2)
    let pixels = Pixels(picture, width: wide, height: high)
    let left = left + (grid.width - wide) / 2
    for y in stride(from: 0, to: high, by: 2) {
      for x in 0..<wide {
        let upper = pixels[x, y]
        let lower = y + 1 < high ? pixels[x, y + 1] : nil
        if look.colours == .none {
          let light = (upper.lightness + (lower ?? upper).lightness) / 2
          canvas.put(Self.shade(light), at: left + x, y / 2, ink: nil)
        } else {
          canvas.put("▀", at: left + x, y / 2, ink: upper, ground: lower)
        }
      }
    }
  }

  /// The pixels of an image that keeps its form within a box.
  static func size(_ picture: ImageSheet.Picture, in width: Int, _ height: Int) -> (Int, Int) {
    let ratio = Double(picture.height) / Double(picture.width)
    let high = Double(width) * ratio
    if high <= Double(height) { return (width, max(1, Int(high.rounded()))) }
    return (max(1, Int((Double(height) / ratio).rounded())), height)
  }

  // MARK: Words

  /// Cells of the bar of a share.
  private static let barWidth = 6
  private static let mostShares = 5

  /// Cells that soft labels need beside an image: a name, a bar and a number; 0 where there are none.
  private static func side(of sheet: ImageSheet) -> Int {
    let names = sheet.pictures.flatMap { picture in picture.shares.prefix(mostShares).map { Words.plain($0.name) } }
    guard let longest = names.map({ Words.width($0) }).max() else { return 0 }
    return min(12, longest) + 1 + barWidth + 5
  }

  /// The captions of an image, and below them its soft label, a line for each class, as far as there is room.
  private func beside(_ canvas: inout CellCanvas, _ picture: ImageSheet.Picture, left: Int, _ grid: Grid) {
    guard grid.side > 0 else { return }
    var row = 0
    for caption in picture.captions where !caption.isEmpty && row < grid.height {
      canvas.write(Words.cut(Words.plain(caption), to: grid.side), at: left, row)
      row += 1
    }
    let bar = left + grid.side - Self.barWidth - 5
    for (name, share) in picture.shares.prefix(Self.mostShares) where row < grid.height {
      canvas.write(Words.cut(Words.plain(name), to: bar - left - 1), at: left, row)
      let eighths = Int((min(1, max(0, share)) * Double(Self.barWidth * 8)).rounded())
      for cell in 0..<Self.barWidth where eighths > cell * 8 {
        let filled = min(8, eighths - cell * 8)
        canvas.put(Unicode.Scalar(0x2590 - UInt32(filled)) ?? "█", at: bar + cell, row, ink: Palette.bright[0])
      }
      let text = "\((share * 100).fixed(0))%"
      canvas.write(text, at: left + grid.side - Words.width(text), row)
      row += 1
    }
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
        line += padded(text, grid.stride)
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
