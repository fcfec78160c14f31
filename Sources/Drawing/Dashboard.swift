import Base

/// What runs now in a few lines: a line of figures, curves beside each other, two images, and lines of words below.
///
/// It is drawn several times a second by whoever watches long work, so that it is made of a small canvas of cells and of
/// numbers that are few already (`Curve`), and not of a whole figure. Everything is cut to the width that there is, and
/// what has no room is left out from the right: first the second image, then both.
public struct Dashboard: Sendable {
  /// Curves over the same steps, in a field of their own.
  public struct Chart: Sendable {
    /// Each with its words, which stand above in its colour, and its numbers from the oldest to the newest.
    public var curves: [(words: String, values: [Double])]

    /// A chart of some curves.
    public init(_ curves: [(words: String, values: [Double])]) { self.curves = curves }
  }

  /// The first line.
  public var head: String
  /// Charts beside each other.
  public var charts: [Chart]
  /// Images right of the charts, the first line of their captions above each.
  public var pictures: [ImageSheet.Picture]
  /// Lines below.
  public var foot: [String]

  /// A board of these parts.
  public init(head: String, charts: [Chart], pictures: [ImageSheet.Picture], foot: [String]) {
    (self.head, self.charts, self.pictures, self.foot) = (head, charts, pictures, foot)
  }

  /// Columns that a chart has at least.
  private static let leastChart = 24
  /// Columns that are used at most.
  private static let widest = 140

  /// The lines, none wider than `width`.
  ///
  /// - Parameters:
  ///   - height: rows of the curves and images.
  ///   - colours: those of the terminal.
  public func lines(width: Int, height: Int, colours: PictureLook.Colours) -> [String] {
    let (width, rows) = (min(max(width, 8), Self.widest), max(1, height))
    var pictures = pictures.map { ($0, SheetText.size($0, in: 3 * rows, 2 * rows)) }
    func taken() -> Int { pictures.reduce(0) { $0 + $1.1.0 + 2 } }
    while !pictures.isEmpty, width - taken() < Self.leastChart * max(1, charts.count) { pictures.removeLast() }
    var canvas = CellCanvas(width: width, height: rows + 1)
    let room = max(0, width - taken())
    let own = room / max(1, charts.count)
    for (index, chart) in charts.enumerated() {
      draw(chart, in: &canvas, left: index * own, width: own - 2, rows: rows, colours)
    }
    var left = room
    for (picture, (wide, high)) in pictures {
      let caption = Words.cut(Words.plain(picture.captions.first ?? ""), to: wide + 1)
      canvas.write(caption, at: left, 0)
      draw(picture, in: &canvas, left: left, wide, high, colours)
      left += wide + 2
    }
    func line(_ text: String) -> String { Words.cut(Words.plain(text), to: width) }
    return [line(head)] + canvas.lines(colours) + foot.map(line)
  }

  private func draw(
    _ chart: Chart, in canvas: inout CellCanvas, left: Int, width: Int, rows: Int, _ colours: PictureLook.Colours
  ) {
    guard width > 0 else { return }
    let scale = Scale(of: chart.curves.lazy.flatMap(\.values), isLog: false).rounded(2)
    let labels = Scale.labels([scale.low, scale.high])
    let margin = min(width / 3, labels.map { Words.width($0) }.max() ?? 0) + 1
    func label(_ text: String, _ row: Int) {
      let text = Words.cut(text, to: margin - 1)
      canvas.write(text, at: left + margin - 1 - Words.width(text), row, dim: colours != .none)
    }
    label(labels[1], 1)
    if rows > 1 { label(labels[0], rows) }
    let (dotColumns, dotRows) = ((width - margin) * 2, rows * 4)
    var place = left + margin
    for (index, curve) in chart.curves.enumerated() {
      let ink = colours == .none ? nil : Palette.bright[index % Palette.bright.count]
      let words = Words.cut(Words.plain(curve.words), to: left + width - place)
      canvas.write(words, at: place, 0, ink: ink)
      place += Words.width(words) + 2
      var last: (x: Int, y: Int)?
      for (step, value) in curve.values.enumerated() {
        guard let share = scale.place(value) else {
          last = nil
          continue
        }
        let across = curve.values.count > 1 ? Double(step) / Double(curve.values.count - 1) : 0
        let dot = (
          x: (left + margin) * 2 + Int(across * Double(max(0, dotColumns - 1))),
          y: 4 + min(dotRows - 1, max(0, Int(((1 - share) * Double(dotRows - 1)).rounded())))
        )
        canvas.line(from: last ?? dot, to: dot, ink: ink)
        last = dot
      }
    }
  }

  private func draw(
    _ picture: ImageSheet.Picture, in canvas: inout CellCanvas, left: Int, _ wide: Int, _ high: Int,
    _ colours: PictureLook.Colours
  ) {
    let pixels = Pixels(picture, width: wide, height: high)
    for y in stride(from: 0, to: high, by: 2) {
      for x in 0..<wide {
        let (upper, lower) = (pixels[x, y], y + 1 < high ? pixels[x, y + 1] : nil)
        if colours == .none {
          canvas.put(
            SheetText.shade((upper.lightness + (lower ?? upper).lightness) / 2), at: left + x, y / 2 + 1, ink: nil)
        } else {
          canvas.put("▀", at: left + x, y / 2 + 1, ink: upper, ground: lower)
        }
      }
    }
  }
}

/// Numbers that come one after the other without end, kept as a few hundred that draw the same curve: means of as many in
/// a row as it takes.
public struct Curve: Sendable {
  private static let most = 400
  /// The means so far, from the oldest to the newest.
  public private(set) var values: [Double] = []
  /// How many numbers a mean is of.
  private var group = 1
  private var sum = 0.0
  private var count = 0

  /// A curve without a number.
  public init() {}

  /// Adds a number; one that is not finite is passed over.
  public mutating func add(_ value: Double) {
    guard value.isFinite else { return }
    sum += value / Double(group)
    count += 1
    guard count == group else { return }
    values.append(sum)
    (sum, count) = (0, 0)
    guard values.count >= Self.most else { return }
    values = stride(from: 0, to: values.count - 1, by: 2).map { (i: Int) -> Double in
      values[i] / 2 + values[i + 1] / 2
    }
    group *= 2
  }
}
