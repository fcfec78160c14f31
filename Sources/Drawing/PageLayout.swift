import Base

/// A figure on a page: charts with axes outside of a frame, sheets of images with words below, one panel below the other.
struct PageLayout {
  private let figure: Figure
  private let width: Double
  private let chartHeight: Double
  let height: Double

  private static let margin = 14.0
  private static let ink = Colour(0x222222)
  private static let faint = Colour(0xDDDDDD)

  init(_ figure: Figure, width: Double, height: Double) {
    (self.figure, self.width, chartHeight) = (figure, width, height)
    var total = Self.margin * 2 + (figure.title.isEmpty ? 0 : 24)
    for (index, panel) in figure.panels.enumerated() {
      if index > 0 { total += Self.margin }
      switch panel {
      case .chart(let chart): total += Self.height(of: chart, height)
      case .images(let sheet): total += SheetPlace(sheet, width: width - 2 * Self.margin).height
      }
    }
    self.height = total.rounded(.up)
  }

  func draw(on page: Page) throws(CoreError) {
    var y = Self.margin
    if !figure.title.isEmpty {
      page.text(
        page.cut(figure.title, to: width - 2 * Self.margin, size: 14), width / 2, y + 13, size: 14, anchor: 0.5,
        Self.ink, .bold)
      y += 24
    }
    for (index, panel) in figure.panels.enumerated() {
      if index > 0 { y += Self.margin }
      switch panel {
      case .chart(let chart):
        let own = Self.height(of: chart, chartHeight)
        try ChartPage(chart: chart, left: Self.margin, top: y, width: width - 2 * Self.margin, height: own).draw(
          on: page)
        y += own
      case .images(let sheet):
        let place = SheetPlace(sheet, width: width - 2 * Self.margin)
        try place.draw(on: page, left: Self.margin, top: y)
        y += place.height
      }
    }
  }

  /// Charts of many bars are taller.
  private static func height(of chart: Chart, _ height: Double) -> Double {
    let bars = chart.series.filter { $0.form == .bars }.count
    guard bars > 0, let names = chart.y.categories else { return height }
    return max(min(height, 110 + Double(names.count * bars) * 34), 90 + Double(min(names.count, 200) * bars) * 12)
  }
}

/// A chart in a box of a page.
private struct ChartPage {
  let chart: Chart
  let left: Double
  let top: Double
  let width: Double
  let height: Double

  private static let ink = Colour(0x222222)
  private static let faint = Colour(0xE4E4E4)
  /// Bars and names beyond these are not drawn.
  private static let mostBars = 200

  func draw(on page: Page) throws(CoreError) {
    var chart = chart
    var note: String?
    if let names = chart.y.categories, names.count > Self.mostBars {
      note = "… \(names.count - Self.mostBars) more"
      chart.y.categories = Array(names.prefix(Self.mostBars))
    }
    var y = top
    if !chart.title.isEmpty {
      page.text(
        page.cut(chart.title, to: width, size: 12), left + width / 2, y + 11, size: 12, anchor: 0.5, Self.ink, .bold)
      y += 20
    }
    let legend = legend(on: page)
    var bottom = top + height - Double(legend.count) * 17 - (legend.isEmpty ? 0 : 4)
    for (row, entries) in legend.enumerated() { drawLegend(entries, on: page, y: bottom + 15 + Double(row) * 17) }
    if !chart.x.label.isEmpty || note != nil {
      let label = [chart.x.label, note ?? ""].filter { !$0.isEmpty }.joined(separator: "   ")
      page.text(page.cut(label, to: width), left + width / 2, bottom - 3, anchor: 0.5, Self.ink)
      bottom -= 18
    }
    if let field = chart.field {
      return draw(field, chart, on: page, top: y, bottom: bottom)
    }
    let yCount = max(2, Int((bottom - y) / 45))
    let guess = try ChartLayout(chart, columns: 2, rows: 2, xTicks: 4, yTicks: yCount)
    let widest = guess.yTicks.map { page.width(of: $0.label) }.max() ?? 0
    let hasLabel = !chart.y.label.isEmpty
    let x = left + min(width / 3, widest) + 8 + (hasLabel ? 18 : 0)
    let (inner, tall) = (left + width - 12 - x, bottom - 18 - y)
    guard inner > 10, tall > 10 else { return }
    // Of very many points those are drawn that are further apart than they are large.
    let apart = chart.series.contains { $0.form == .points && $0.x.count > 5000 } ? 2.0 : 1
    let layout = try ChartLayout(
      chart, columns: Int(inner / apart), rows: Int(tall / apart), xTicks: max(2, Int(inner / 80)), yTicks: yCount)
    if hasLabel {
      page.text(page.cut(chart.y.label, to: tall), left + 11, y + tall / 2, anchor: 0.5, Self.ink, upward: true)
    }
    func at(_ point: ChartLayout.Point) -> (Double, Double) { (x + point.x * inner, y + (1 - point.y) * tall) }
    for tick in layout.yTicks {
      let place = y + (1 - tick.place) * tall
      if chart.y.categories == nil { page.line([(x, place), (x + inner, place)], Self.faint, width: 0.8) }
      page.text(page.cut(tick.label, to: width / 3), x - 6, place + 4, anchor: 1, Self.ink)
    }
    var free = left
    for tick in layout.xTicks {
      let place = x + tick.place * inner
      page.line([(place, y), (place, y + tall)], Self.faint, width: 0.8)
      let label = page.cut(tick.label, to: inner / 2)
      let half = page.width(of: label) / 2
      if place - half >= free {
        page.text(label, place, y + tall + 15, anchor: 0.5, Self.ink)
        free = place + half + 6
      }
    }
    page.line([(x, y), (x, y + tall), (x + inner, y + tall)], Self.ink, width: 1)
    for (index, marks) in layout.marks.enumerated() {
      let colour = Palette.series[index % Palette.series.count]
      let dash = Double(index / Palette.series.count) * 4
      let radius = marks.count > 400 ? 1.2 : 3
      for mark in marks {
        switch mark {
        case .line(let points):
          page.line(points.map(at), colour, width: 1.8, dash: dash)
          if points.count <= 40 { for point in points { page.disc(at(point).0, at(point).1, radius: 2.4, colour) } }
        case .point(let point): page.disc(at(point).0, at(point).1, radius: radius, colour, opacity: 0.8)
        case .box(let from, let to):
          let (a, b) = (at(from), at(to))
          let gap = chart.series[index].form == .histogram && abs(b.0 - a.0) > 3 ? 0.5 : 0
          page.box(
            min(a.0, b.0) + gap, min(a.1, b.1), max(0, abs(b.0 - a.0) - 2 * gap), abs(b.1 - a.1), colour, opacity: 0.9)
        case .error(let from, let to):
          let (a, b) = (at(from), at(to))
          let isUpward = from.x == to.x
          // On a bar its own colour would not be seen; elsewhere it says whose error bar it is.
          let ink = chart.series[index].form == .bars ? Self.ink : colour
          page.line([a, b], ink, width: 1)
          for end in [a, b] {
            page.line(
              isUpward ? [(end.0 - 3, end.1), (end.0 + 3, end.1)] : [(end.0, end.1 - 3), (end.0, end.1 + 3)], ink,
              width: 1)
          }
        }
      }
    }
  }

  private func draw(_ field: NumberField, _ chart: Chart, on page: Page, top: Double, bottom: Double) {
    guard field.width > 0, field.height > 0 else { return }
    let hasLabel = !chart.y.label.isEmpty
    let widest = min(width / 3, field.rows.prefix(400).map { page.width(of: $0) }.max() ?? 0)
    let x = left + widest + 8 + (hasLabel ? 18 : 0)
    let (inner, tall) = (left + width - 70 - x, bottom - (field.columns.isEmpty ? 4 : 18) - top)
    guard inner > 4, tall > 4 else { return }
    let (low, high) = field.range
    let scale = Scale(low: low, high: high)
    var pixels = Pixels(width: min(field.width, 2000), height: min(field.height, 2000))
    for row in 0..<pixels.height {
      for column in 0..<pixels.width {
        let value = field.values[row * field.height / pixels.height * field.width + column * field.width / pixels.width]
        pixels.colours[row * pixels.width + column] = Palette.field(scale.place(value) ?? .nan)
      }
    }
    page.image(pixels, x, top, inner, tall)
    let (cellWidth, cellHeight) = (inner / Double(field.width), tall / Double(field.height))
    let texts = field.values.count <= 1600 ? ChartText.numbers(field.values) : []
    let longest = texts.map { page.width(of: $0, size: 9) }.max() ?? 0
    if !texts.isEmpty, longest + 4 < cellWidth, cellHeight > 11 {
      for (index, text) in texts.enumerated() {
        let light = Palette.field(scale.place(field.values[index]) ?? .nan).lightness
        page.text(
          text, x + (Double(index % field.width) + 0.5) * cellWidth,
          top + (Double(index / field.width) + 0.5) * cellHeight + 3.2, size: 9, anchor: 0.5,
          Colour(light > 0.5 ? 0x000000 : 0xFFFFFF))
      }
    }
    let everyRow = max(1, Int((12 / cellHeight).rounded(.up)))
    for row in stride(from: 0, to: min(field.rows.count, field.height), by: everyRow) {
      page.text(
        page.cut(field.rows[row], to: width / 3), x - 6, top + (Double(row) + 0.5) * cellHeight + 4, anchor: 1, Self.ink
      )
    }
    var free = x - 40
    for column in 0..<min(field.columns.count, field.width) {
      let label = page.cut(field.columns[column], to: max(40, cellWidth - 2))
      let half = page.width(of: label) / 2
      let place = x + (Double(column) + 0.5) * cellWidth
      guard place - half >= free else { continue }
      page.text(label, place, top + tall + 14, anchor: 0.5, Self.ink)
      free = place + half + 4
    }
    if hasLabel {
      page.text(page.cut(chart.y.label, to: tall), left + 11, top + tall / 2, anchor: 0.5, Self.ink, upward: true)
    }
    // The scale of colours.
    let (bar, steps) = (x + inner + 14, 64)
    for step in 0..<steps {
      let share = Double(step) / Double(steps - 1)
      page.box(
        bar, top + (1 - Double(step + 1) / Double(steps)) * tall, 12, tall / Double(steps) + 0.5, Palette.field(share))
    }
    for tick in scale.ticks(4) { page.text(tick.label, bar + 16, top + (1 - tick.place) * tall + 4, size: 9, Self.ink) }
  }

  private func legend(on page: Page) -> [[(index: Int, name: String)]] {
    guard chart.showsLegend, chart.series.count > 1 || chart.series.first.map({ !$0.name.isEmpty }) ?? false else {
      return []
    }
    if chart.series.count == 1, [chart.y.label, chart.x.label].contains(chart.series[0].name) { return [] }
    var rows: [[(index: Int, name: String)]] = [[]]
    var used = 0.0
    for (index, series) in chart.series.enumerated().prefix(40) {
      let name = page.cut(series.name, to: width / 2)
      let size = page.width(of: name) + 40
      if used + size > width, used > 0 {
        rows.append([])
        used = 0
      }
      rows[rows.count - 1].append((index, name))
      used += size
    }
    return rows
  }

  private func drawLegend(_ entries: [(index: Int, name: String)], on page: Page, y: Double) {
    var x = left + (width - entries.reduce(0) { $0 + page.width(of: $1.name) + 40 }) / 2
    for (index, name) in entries {
      let colour = Palette.series[index % Palette.series.count]
      switch chart.series[index].form {
      case .line:
        page.line([(x, y - 4), (x + 18, y - 4)], colour, width: 2, dash: Double(index / Palette.series.count) * 4)
      case .points: page.disc(x + 9, y - 4, radius: 3, colour)
      case .bars, .histogram: page.box(x + 4, y - 9, 10, 10, colour)
      }
      page.text(name, x + 24, y, Self.ink)
      x += page.width(of: name) + 40
    }
  }
}

/// A sheet of images in a box of a page, with soft labels beside the images and other words below.
private struct SheetPlace {
  private let sheet: ImageSheet
  private let columns: Int
  private let tile: Double
  private let tall: Double
  /// Room for soft labels beside an image; 0 for none.
  private let side: Double
  /// Room for the names of classes within it.
  private let names: Double
  private let words: Int
  private let shown: Int
  let height: Double

  private static let most = 400
  private static let line = 12.0
  private static let gap = 8.0
  private static let mostShares = 5
  private static let bar = 40.0

  init(_ sheet: ImageSheet, width: Double) {
    self.sheet = sheet
    shown = min(Self.most, sheet.pictures.count)
    let natural = Double(sheet.pictures.map(\.width).max() ?? 1) * 2
    let wanted = min(max(natural, 64), 200)
    let shares = sheet.pictures.map { min(Self.mostShares, $0.shares.count) }.max() ?? 0
    let longest = sheet.pictures.flatMap { $0.shares.prefix(Self.mostShares).map { Words.width($0.name) } }.max() ?? 0
    names = min(66, Double(longest) * 5.6 + 2)
    let side = shares > 0 ? 6 + names + 4 + Self.bar + 44 : 0
    columns = max(1, sheet.columns ?? min(max(1, shown), Int((width + Self.gap) / (wanted + side + Self.gap))))
    let room = (width + Self.gap) / Double(columns) - Self.gap
    // Where images would become too small, words go below.
    self.side = side > 0 && room - side >= 48 ? side : 0
    tile = min(sheet.columns == nil ? wanted : max(wanted, 120), room - self.side)
    let own = tile * min(4, sheet.pictures.map { Double($0.height) / Double($0.width) }.max() ?? 1)
    tall = self.side > 0 ? max(own, Double(shares) * Self.line) : own
    let isBeside = self.side > 0
    words =
      sheet.pictures.prefix(Self.most).map { $0.captions.count + (isBeside ? 0 : min(3, $0.shares.count)) }.max() ?? 0
    let rows = (shown + columns - 1) / columns
    let notes = sheet.notes.count + (sheet.pictures.count > shown || sheet.left > 0 ? 1 : 0)
    height =
      Double(rows) * (tall + 8 + Double(words) * Self.line) + (sheet.heads.isEmpty ? 0 : 16) + Double(notes) * 15
  }

  func draw(on page: Page, left: Double, top: Double) throws(CoreError) {
    let stride = tile + side + Self.gap
    var y = top
    if !sheet.heads.isEmpty {
      for (column, head) in sheet.heads.prefix(columns).enumerated() {
        page.text(page.cut(head, to: tile), left + Double(column) * stride + tile / 2, y + 10, anchor: 0.5)
      }
      y += 16
    }
    for (index, picture) in sheet.pictures.prefix(shown).enumerated() {
      try StopSignal.poll()
      let x = left + Double(index % columns) * stride
      let row = y + Double(index / columns) * (tall + 8 + Double(words) * Self.line)
      let ratio = Double(picture.height) / Double(picture.width)
      let (w, h) = tile * ratio <= tall ? (tile, tile * ratio) : (tall / ratio, tall)
      page.image(
        Pixels(picture, width: min(picture.width, 1024), height: min(picture.height, 1024)), x + (tile - w) / 2, row, w,
        h)
      var captions = picture.captions
      if side > 0 {
        drawShares(of: picture, on: page, left: x + tile + 6, top: row)
      } else {
        captions += picture.shares.prefix(3).map { "\($0.name) \(($0.share * 100).fixed(1)) %" }
      }
      for (line, text) in captions.enumerated() {
        page.text(page.cut(text, to: tile + side, size: 9), x, row + tall + 10 + Double(line) * Self.line, size: 9)
      }
    }
    let rows = (shown + columns - 1) / columns
    y += Double(rows) * (tall + 8 + Double(words) * Self.line)
    let hidden = sheet.pictures.count - shown + sheet.left
    for (line, note) in ((hidden > 0 ? ["… \(hidden) more"] : []) + sheet.notes).enumerated() {
      page.text(note, left, y + 11 + Double(line) * 15)
    }
  }

  /// A soft label: for each class its name, a bar and its share.
  private func drawShares(of picture: ImageSheet.Picture, on page: Page, left: Double, top: Double) {
    for (place, (name, share)) in picture.shares.prefix(Self.mostShares).enumerated() {
      let y = top + Double(place) * Self.line
      page.text(page.cut(name, to: names, size: 9), left + names, y + 9, size: 9, anchor: 1)
      let length = Self.bar * min(1, max(0, share))
      if length > 0 { page.box(left + names + 4, y + 2, length, 8, Palette.series[0]) }
      page.text("\((share * 100).fixed(1)) %", left + names + 4 + length + 3, y + 9, size: 9)
    }
  }
}

extension Pixels {
  /// Pixels that are still to be coloured.
  init(width: Int, height: Int) {
    (self.width, self.height) = (width, height)
    colours = [Colour](repeating: Colour(0), count: width * height)
  }
}
