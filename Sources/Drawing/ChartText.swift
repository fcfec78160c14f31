import Base

/// A chart in the cells of a terminal: braille for lines and points, blocks for bars, coloured cells for fields.
///
/// Without colours, series are told apart by letters on their lines, which the legend repeats.
struct ChartText {
  let chart: Chart
  let width: Int
  let height: Int
  let colours: PictureLook.Colours

  /// Between which widths charts are drawn.
  static let widths = 1...400
  /// Below which width there are no axes and no signs before names: all columns are for the data.
  private static let narrow = 12

  init(_ chart: Chart, width: Int, height: Int, colours: PictureLook.Colours) {
    (self.chart, self.colours) = (chart, colours)
    self.width = min(max(width, Self.widths.lowerBound), Self.widths.upperBound)
    self.height = min(max(height, 6), 200)
  }

  func lines() throws(CoreError) -> [String] {
    if let field = chart.field {
      return FieldText(chart, field, width: width, height: height, colours: colours).lines()
    }
    if chart.series.contains(where: { $0.form == .bars }) { return try barLines() }
    return try plotLines()
  }

  private func colour(_ index: Int) -> Colour? { colours == .none ? nil : Palette.bright[index % Palette.bright.count] }

  /// Whether series are told apart by letters.
  private var hasLetters: Bool { colours == .none && chart.series.count > 1 }

  private func letter(_ index: Int) -> Unicode.Scalar {
    Unicode.Scalar(UInt8(ascii: "a") + UInt8(index % 26))
  }

  // MARK: Lines, points, histograms

  private func plotLines() throws(CoreError) -> [String] {
    // The labels of the y axis decide how much room is left, and are known when the room for ticks is.
    let yCount = max(2, height / 3)
    let guess = try ChartLayout(chart, columns: 2, rows: 2, xTicks: 4, yTicks: yCount)
    let hasAxes = width >= Self.narrow
    let left = hasAxes ? min(width / 3, guess.yTicks.map { Words.width($0.label) }.max() ?? 0) + 2 : 0
    let inner = width - left
    let layout = try ChartLayout(
      chart, columns: inner * 2, rows: height * 4, xTicks: max(2, inner / 10), yTicks: yCount)
    let head = heading()
    var canvas = CellCanvas(width: width, height: height + (hasAxes ? 2 : 0))
    if hasAxes { axes(&canvas, layout, left: left) }
    let (dotColumns, dotRows) = (inner * 2, height * 4)
    func dot(_ point: ChartLayout.Point) -> (x: Int, y: Int) {
      (
        left * 2 + min(dotColumns - 1, max(0, Int((point.x * Double(dotColumns - 1)).rounded()))),
        min(dotRows - 1, max(0, Int(((1 - point.y) * Double(dotRows - 1)).rounded())))
      )
    }
    for (index, marks) in layout.marks.enumerated() {
      let ink = colour(index)
      let isSparse = marks.count <= 60
      for mark in marks {
        switch mark {
        case .line(let points):
          var last = dot(points[0])
          canvas.dot(last.x, last.y, ink: ink)
          for point in points.dropFirst() {
            let next = dot(point)
            canvas.line(from: last, to: next, ink: ink)
            last = next
          }
        case .point(let point):
          let place = dot(point)
          canvas.dot(place.x, place.y, ink: ink)
          if isSparse {
            let (x, y) = (place.x ^ 1, place.y ^ 1)
            canvas.dot(x, place.y, ink: ink)
            canvas.dot(place.x, y, ink: ink)
            canvas.dot(x, y, ink: ink)
          }
        case .error(let from, let to): canvas.line(from: dot(from), to: dot(to), ink: ink)
        case .box(let from, let to): column(&canvas, from, to, left: left, inner: inner, ink: ink)
        }
      }
    }
    if hasLetters {
      for (index, marks) in layout.marks.enumerated() {
        for mark in marks { letters(&canvas, mark, index, dot) }
      }
    }
    return head + canvas.lines(colours) + footing()
  }

  /// Letters on a line: at its end, and at some places between, which differ from series to series.
  private func letters(
    _ canvas: inout CellCanvas, _ mark: ChartLayout.Mark, _ index: Int, _ dot: (ChartLayout.Point) -> (x: Int, y: Int)
  ) {
    var places: [ChartLayout.Point] = []
    switch mark {
    case .line(let points):
      let count = min(points.count, 4)
      for k in 0..<count {
        let share = (Double(k) + (Double(index % 5) + 0.5) / 5) / Double(count)
        places.append(points[min(points.count - 1, Int(share * Double(points.count)))])
      }
    case .point(let point): places = [point]
    default: break
    }
    for place in places {
      let at = dot(place)
      canvas.put(letter(index), at: at.x / 2, at.y / 4, ink: nil)
    }
  }

  /// A standing bar of a histogram.
  private func column(
    _ canvas: inout CellCanvas, _ from: ChartLayout.Point, _ to: ChartLayout.Point, left: Int, inner: Int, ink: Colour?
  ) {
    let first = Int((from.x * Double(inner)).rounded())
    let last = max(first + 1, Int((to.x * Double(inner)).rounded()))
    let (low, high) = (min(from.y, to.y), max(from.y, to.y))
    let (bottom, top) = (Int((low * Double(height * 8)).rounded()), Int((high * Double(height * 8)).rounded()))
    guard top > bottom || high > low else { return }
    for x in first..<min(last, inner) {
      for row in 0..<height {
        // Eighths of this cell, counted from its lower end.
        let ground = (height - 1 - row) * 8
        let filled = min(8, max(top, bottom + 1) - ground)
        guard filled > 0, bottom < ground + 8 else { continue }
        canvas.put(Unicode.Scalar(0x2580 + UInt32(filled)) ?? "█", at: left + x, row, ink: ink)
      }
    }
  }

  private func axes(_ canvas: inout CellCanvas, _ layout: ChartLayout, left: Int) {
    let inner = width - left
    for row in 0..<height { canvas.put("│", at: left - 1, row, ink: nil) }
    var used: Set<Int> = []
    for tick in layout.yTicks {
      let row = min(height - 1, max(0, Int(((1 - tick.place) * Double(height * 4 - 1)).rounded()) / 4))
      guard used.insert(row).inserted else { continue }
      let label = Words.cut(Words.plain(tick.label), to: left - 2)
      canvas.write(label, at: left - 2 - Words.width(label), row)
      canvas.put("┤", at: left - 1, row, ink: nil)
    }
    canvas.put("└", at: left - 1, height, ink: nil)
    for x in 0..<inner { canvas.put("─", at: left + x, height, ink: nil) }
    var free = 0
    for tick in layout.xTicks {
      let place = left + min(inner - 1, max(0, Int((tick.place * Double(inner * 2 - 1)).rounded()) / 2))
      let label = Words.cut(Words.plain(tick.label), to: max(4, inner / 2))
      let size = Words.width(label)
      let start = min(width - size, max(0, place - size / 2))
      guard start >= free, start >= 0 else { continue }
      canvas.put("┬", at: place, height, ink: nil)
      canvas.write(label, at: start, height + 1)
      free = start + size + 1
    }
  }

  // MARK: Bars

  /// A line for each bar: its name, the bar, its length as a number, and the ends of its error bar.
  private func barLines() throws(CoreError) -> [String] {
    let bars = chart.series.enumerated().filter { $1.form == .bars }
    let names = chart.y.categories ?? []
    let perCategory = max(1, bars.count)
    let most = max(1, min(names.count, max(height, 12) * 2 / perCategory))
    let layout = try ChartLayout(chart, columns: width * 8, rows: 2, xTicks: 4, yTicks: names.count)
    var values: [[String?]] = []
    for (_, series) in bars {
      var texts = [String?](repeating: nil, count: names.count)
      let written = Self.numbers(series.x + (series.low ?? []) + (series.high ?? []))
      let count = series.x.count
      for (place, (value, category)) in zip(series.x, series.y).enumerated() {
        guard let index = Int(exactly: category), texts.indices.contains(index) else { continue }
        var text = value.isFinite ? written[place] : "\(value)"
        if let low = series.low, let high = series.high, place < low.count, place < high.count, low[place].isFinite {
          text += " (\(written[count + place])–\(written[count + low.count + place]))"
        }
        texts[index] = text
      }
      values.append(texts)
    }
    let left = min(width / 3, names.prefix(most).map { Words.width(Words.plain($0)) }.max() ?? 0)
    var right = values.flatMap { $0.prefix(most) }.compactMap { $0.map(Words.width) }.max() ?? 0
    // Letters that tell series apart stand between the names and the bars.
    let origin = left + (hasLetters ? 3 : 1)
    // A number is written whole or not at all.
    if width - origin - right - 1 < 4 { right = 0 }
    let inner = max(1, width - origin - right - 1)
    let ground = layout.x.place(layout.x.isLog ? layout.x.low : 0) ?? 0
    var canvas = CellCanvas(width: width, height: most * perCategory)
    for category in 0..<most where category < names.count {
      canvas.write(Words.cut(Words.plain(names[category]), to: left), at: 0, category * perCategory)
      for (order, (index, series)) in bars.enumerated() {
        let row = category * perCategory + order
        guard let place = series.y.firstIndex(of: Double(category)), place < series.x.count else { continue }
        let end = layout.x.place(series.x[place]) ?? ground
        let (from, to) = (min(ground, end) * Double(inner * 8), max(ground, end) * Double(inner * 8))
        let (start, stop) = (Int(from.rounded()), Int(to.rounded()))
        var last = Self.bar(&canvas, from: start, to: stop, at: origin, row, colour(index))
        if let low = series.low, let high = series.high, place < low.count, place < high.count,
          let p = layout.x.place(low[place]), let q = layout.x.place(high[place])
        {
          let cells = [p, q].map { min(inner - 1, max(0, Int($0 * Double(inner)))) }.sorted()
          errorBar(&canvas, cells[0]...cells[1], over: start / 8..<max(start / 8, stop / 8), at: origin, row, index)
          last = max(last, origin + cells[1] + 1)
        }
        if hasLetters { canvas.put(letter(index), at: left + 1, row, ink: nil) }
        guard right > 0, let text = values[order][category] else { continue }
        canvas.write(text, at: min(max(last, origin) + 1, width - Words.width(text)), row)
      }
    }
    var lines = heading() + canvas.lines(colours)
    if names.count > most { lines.append(Words.cut("… \(names.count - most) more", to: width)) }
    return lines + (chart.x.label.isEmpty ? [] : [centred(chart.x.label)]) + legend()
  }

  /// An error bar from one cell to another: a line, dark on the bar as far as that reaches, without colours a lighter part
  /// of the bar. Where the bar ends within a cell, its end stays to be seen.
  private func errorBar(
    _ canvas: inout CellCanvas, _ cells: ClosedRange<Int>, over bar: Range<Int>, at left: Int, _ row: Int, _ index: Int
  ) {
    for cell in cells {
      let sign: Unicode.Scalar =
        cells.count == 1 ? "┼" : cell == cells.lowerBound ? "├" : cell == cells.upperBound ? "┤" : "─"
      if !bar.contains(cell) {
        if canvas.isEmpty(left + cell, row) { canvas.put(sign, at: left + cell, row, ink: colour(index)) }
      } else if let colour = colour(index) {
        canvas.put(sign, at: left + cell, row, ink: Colour(0x000000), ground: colour)
      } else {
        canvas.put("▓", at: left + cell, row, ink: nil)
      }
    }
  }

  /// A lying bar between two eighths.
  /// - Returns: the column after its end.
  private static func bar(
    _ canvas: inout CellCanvas, from: Int, to: Int, at left: Int, _ row: Int, _ ink: Colour?
  ) -> Int {
    var column = from / 8
    while column * 8 < to {
      let filled = to - column * 8
      canvas.put(filled >= 8 ? "█" : Unicode.Scalar(0x2590 - UInt32(filled)) ?? "█", at: left + column, row, ink: ink)
      column += 1
    }
    if from == to { canvas.put("▏", at: left + column, row, ink: ink) }
    return left + max(column, from / 8 + (from == to ? 1 : 0))
  }

  /// Numbers of one kind, in as many digits as tell them apart, at most four.
  static func numbers(_ values: [Double]) -> [String] {
    let finite = values.filter(\.isFinite)
    if finite.allSatisfy({ $0 == $0.rounded() && abs($0) < 1e9 }) {
      return values.map { $0.isFinite ? $0.fixed(0) : "\($0)" }
    }
    let most = finite.map(\.magnitude).max() ?? 0
    if most >= 1e6 || most < 1e-3 { return values.map { Scale.short($0.general(4)) } }
    let places = most >= 100 ? 1 : most >= 10 ? 2 : most >= 0.1 ? 3 : 5
    return values.map { $0.isFinite ? $0.fixed(places) : "\($0)" }
  }

  // MARK: Words

  private func centred(_ text: String) -> String {
    let text = Words.cut(Words.plain(text), to: width)
    return String(repeating: " ", count: max(0, (width - Words.width(text)) / 2)) + text
  }

  func heading() -> [String] {
    var lines: [String] = []
    if !chart.title.isEmpty {
      let title = centred(chart.title)
      lines.append(colours == .none ? title : "\u{1B}[1m\(title)\u{1B}[0m")
    }
    if !chart.y.label.isEmpty { lines.append(Words.cut(Words.plain(chart.y.label), to: width)) }
    return lines
  }

  private func footing() -> [String] { (chart.x.label.isEmpty ? [] : [centred(chart.x.label)]) + legend() }

  /// The names of the series, beside what they are drawn with, over as many lines as they take.
  private func legend() -> [String] {
    guard chart.showsLegend, chart.series.count > 1 || chart.series.first.map({ !$0.name.isEmpty }) ?? false else {
      return []
    }
    if chart.series.count == 1, [chart.y.label, chart.x.label].contains(chart.series[0].name) { return [] }
    var lines: [String] = []
    var (line, used) = ("", 0)
    let isNarrow = width < Self.narrow
    for (index, series) in chart.series.enumerated() {
      if lines.count >= 6 {
        line = Words.cut("  … \(chart.series.count - index) more", to: width)
        break
      }
      let sign = series.form == .line ? "──" : series.form == .points ? "●" : "█"
      let before = isNarrow ? 0 : 3 + (hasLetters ? 1 : Words.width(sign))
      let name = Words.cut(Words.plain(series.name), to: min(max(8, width / 2 - 6), width - before))
      var entry = "  "
      if isNarrow {
        entry = name
      } else if let colour = colour(index) {
        let code = colours == .full ? "2;\(colour.red);\(colour.green);\(colour.blue)" : "5;\(colour.indexed)"
        entry += "\u{1B}[38;\(code)m\(sign)\u{1B}[0m \(name)"
      } else {
        entry += hasLetters ? "\(letter(index)) \(name)" : "\(sign) \(name)"
      }
      let size = before + Words.width(name)
      if used + size > width, used > 0 {
        lines.append(line)
        (line, used) = ("", 0)
      }
      line += entry
      used += size
    }
    return lines + [line]
  }
}
