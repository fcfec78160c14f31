import Base

/// A field of numbers in the cells of a terminal: a coloured cell for each, with its number where there is room; large
/// fields as half blocks, each the mean of what it covers.
struct FieldText {
  private let chart: Chart
  private let field: NumberField
  private let width: Int
  private let height: Int
  private let colours: PictureLook.Colours

  /// From nothing to everything, where there are no colours.
  private static let shades = Array(" .:-=+*#%@".unicodeScalars)

  init(_ chart: Chart, _ field: NumberField, width: Int, height: Int, colours: PictureLook.Colours) {
    (self.chart, self.field, self.width, self.height, self.colours) = (chart, field, width, height, colours)
  }

  func lines() -> [String] {
    guard field.width > 0, field.height > 0 else { return heading + [Words.cut("  (nothing to draw)", to: width)] }
    let texts = ChartText.numbers(field.values.count <= 2500 ? field.values : [])
    let own = max(2, texts.map { Words.width($0) }.max() ?? 2)
    let heads = field.columns.map { Words.plain($0) }
    let left = min(width / 3, field.rows.map { Words.width(Words.plain($0)) }.max() ?? 0)
    let cell = max(own, min(10, heads.map { Words.width($0) }.max() ?? 0)) + 1
    let hasRoom = !texts.isEmpty && field.width <= (width - left - 1) / (own + 1) && field.height <= max(height, 30)
    return heading + (hasRoom ? numbered(texts, left, min(cell, (width - left - 1) / field.width)) : shaded(left))
      + scale
  }

  private var heading: [String] { ChartText(chart, width: width, height: height, colours: colours).heading() }

  private func share(_ value: Double) -> Double {
    let (low, high) = field.range
    return Scale(low: low, high: high).place(value) ?? .nan
  }

  /// Each number in a cell of its own.
  private func numbered(_ texts: [String], _ left: Int, _ cell: Int) -> [String] {
    let hasHeads = !field.columns.isEmpty
    var canvas = CellCanvas(width: left + 1 + field.width * cell, height: field.height + (hasHeads ? 1 : 0))
    for (column, name) in field.columns.prefix(field.width).enumerated() {
      let text = Words.cut(Words.plain(name), to: cell - 1)
      canvas.write(text, at: left + 1 + column * cell + cell - Words.width(text), 0)
    }
    for row in 0..<field.height {
      let y = row + (hasHeads ? 1 : 0)
      if row < field.rows.count { canvas.write(Words.cut(Words.plain(field.rows[row]), to: left), at: 0, y) }
      for column in 0..<field.width {
        let index = row * field.width + column
        let x = left + 1 + column * cell
        var ink: Colour?
        if colours != .none {
          let ground = Palette.field(share(field.values[index]))
          for k in 0..<cell { canvas.put(" ", at: x + k, y, ink: nil, ground: ground) }
          ink = Colour(ground.lightness > 0.5 ? 0x000000 : 0xFFFFFF)
        }
        let text = texts[index]
        canvas.write(
          text, at: x + cell - Words.width(text) - (colours == .none ? 0 : min(1, cell - own(text))), y, ink: ink)
      }
    }
    return canvas.lines(colours)
  }

  private func own(_ text: String) -> Int { Words.width(text) }

  /// Two rows of means in each line, or one shade.
  private func shaded(_ left: Int) -> [String] {
    let columns = min(field.width * (field.width <= (width - left) / 2 ? 2 : 1), width - left - 1)
    let perLine = colours == .none ? 1 : 2
    let rows = max(1, min(field.height, height * perLine))
    let lines = (rows + perLine - 1) / perLine
    var canvas = CellCanvas(width: left + 1 + columns, height: lines)
    let means = means(columns: columns, rows: rows)
    for line in 0..<lines {
      // A name where the line is that of one row.
      let row = line * perLine * field.height / rows
      if row < field.rows.count, line == 0 || rows == field.height && perLine == 1 || (line * perLine) % 4 == 0 {
        canvas.write(Words.cut(Words.plain(field.rows[row]), to: left), at: 0, line)
      }
      for column in 0..<columns {
        let upper = share(means[line * perLine * columns + column])
        if colours == .none {
          let shade = upper.isFinite ? Self.shades[min(9, max(0, Int(upper * 9.999)))] : "?"
          canvas.put(shade, at: left + 1 + column, line, ink: nil)
          continue
        }
        let next = line * perLine + 1
        let lower = next < rows ? Palette.field(share(means[next * columns + column])) : nil
        canvas.put("▀", at: left + 1 + column, line, ink: Palette.field(upper), ground: lower)
      }
    }
    return canvas.lines(colours)
  }

  private func means(columns: Int, rows: Int) -> [Double] {
    var means: [Double] = []
    means.reserveCapacity(columns * rows)
    for row in 0..<rows {
      let (top, bottom) = (
        row * field.height / rows, max(row * field.height / rows + 1, (row + 1) * field.height / rows)
      )
      for column in 0..<columns {
        let (first, last) = (
          column * field.width / columns, max(column * field.width / columns + 1, (column + 1) * field.width / columns)
        )
        var (sum, count) = (0.0, 0.0)
        for y in top..<min(bottom, field.height) {
          for x in first..<min(last, field.width) {
            let value = field.values[y * field.width + x]
            guard value.isFinite else { continue }
            count += 1
            sum += (value - sum) / count
          }
        }
        means.append(count > 0 ? sum : .nan)
      }
    }
    return means
  }

  /// The ends of the colours, and what they measure; as much of it as has room.
  private var scale: [String] {
    let (low, high) = field.range
    let ends = ChartText.numbers([low, high])
    let words = ends.reduce(4) { $0 + Words.width($1) }
    let steps = min(colours == .none ? 10 : 20, width - words)
    guard steps >= 2 else { return [Words.cut("\(ends[0])…\(ends[1])", to: width)] }
    var canvas = CellCanvas(width: width, height: 1)
    let start = "  \(ends[0]) "
    canvas.write(start, at: 0, 0)
    var x = Words.width(start)
    for step in 0..<steps {
      let share = Double(step) / Double(steps - 1)
      if colours == .none {
        canvas.put(Self.shades[min(9, Int(share * 9.999))], at: x, 0, ink: nil)
      } else {
        canvas.put(" ", at: x, 0, ink: nil, ground: Palette.field(share))
      }
      x += 1
    }
    canvas.write(" \(ends[1])", at: x, 0)
    x += 1 + Words.width(ends[1]) + 3
    canvas.write(Words.cut(Words.plain(chart.x.label), to: width - x), at: x, 0)
    return canvas.lines(colours)
  }
}
