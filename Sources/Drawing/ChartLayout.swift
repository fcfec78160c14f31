import Base

/// Where everything of a chart stands: scales, ticks, and marks in a square from 0 to 1, x to the right and y upward.
///
/// It is made for a number of columns that can be told apart, of characters' dots or of points on a page: a line of a
/// million numbers keeps the first, the least, the greatest and the last of each column, which draws the same picture.
/// Renderers map the square to theirs, and add nothing to the data.
struct ChartLayout: Sendable {
  struct Point: Sendable, Equatable {
    var x, y: Double
  }

  /// A drawn part of a series.
  enum Mark: Sendable {
    /// An unbroken line.
    case line([Point])
    /// A place.
    case point(Point)
    /// A box between two corners.
    case box(Point, Point)
    /// An error bar between two ends, across or upward.
    case error(Point, Point)
  }

  let x: Scale
  let y: Scale
  let xTicks: [Scale.Tick]
  let yTicks: [Scale.Tick]
  /// For each series, in their order.
  let marks: [[Mark]]

  /// - Parameters:
  ///   - columns: places across that can be told apart.
  ///   - rows: places upward.
  ///   - xTicks: about how many numbers are written along the x axis.
  init(_ chart: Chart, columns: Int, rows: Int, xTicks xCount: Int, yTicks yCount: Int) throws(CoreError) {
    func values(_ axis: KeyPath<Series, [Double]>, _ words: Chart.AxisWords, hasErrors: Bool) -> [Double] {
      var all = words.reaches
      for series in chart.series {
        all += series[keyPath: axis]
        if hasErrors { all += (series.low ?? []) + (series.high ?? []) }
      }
      return all
    }
    let lies = chart.series.contains { $0.form == .bars }
    let x: Scale
    if let names = chart.x.categories {
      x = Scale(low: -0.5, high: max(0.5, Double(names.count) - 0.5))
    } else {
      let found = Scale(of: values(\.x, chart.x, hasErrors: lies), isLog: chart.x.isLog)
      x = lies || chart.series.contains { $0.form == .points } ? found.rounded(xCount) : found
    }
    let y: Scale
    if let names = chart.y.categories {
      y = Scale(low: -0.5, high: max(0.5, Double(names.count) - 0.5))
    } else {
      y = Scale(of: values(\.y, chart.y, hasErrors: !lies), isLog: chart.y.isLog).rounded(yCount)
    }
    (self.x, self.y) = (x, y)
    func ticks(_ scale: Scale, _ words: Chart.AxisWords, _ count: Int, isAcross: Bool) -> [Scale.Tick] {
      guard let names = words.categories else {
        // Between whole numbers, such as epochs, nothing is written.
        let isWhole = !scale.isLog && chart.series.allSatisfy { $0.x.allSatisfy { $0 == $0.rounded() || !$0.isFinite } }
        return scale.ticks(isWhole && isAcross ? min(count, max(1, Int(min(1e6, scale.high - scale.low)))) : count)
      }
      let every = max(1, (names.count + max(1, count) * 2 - 1) / (max(1, count) * 2))
      return stride(from: 0, to: names.count, by: every).compactMap { index in
        scale.place(Double(index)).map { Scale.Tick(place: $0, label: names[index], value: Double(index)) }
      }
    }
    xTicks = ticks(x, chart.x, xCount, isAcross: true)
    // The first category is at the top.
    yTicks = ticks(y, chart.y, yCount, isAcross: false).map {
      chart.y.categories == nil ? $0 : Scale.Tick(place: 1 - $0.place, label: $0.label, value: $0.value)
    }
    var marks: [[Mark]] = []
    let barSeries = chart.series.filter { $0.form == .bars }.count
    var barIndex = 0
    for series in chart.series {
      try StopSignal.poll()
      switch series.form {
      case .line: marks.append(try Self.lines(series, x, y, columns: columns))
      case .points: marks.append(try Self.points(series, x, y, columns: columns, rows: rows))
      case .histogram: marks.append(Self.steps(series, x, y))
      case .bars:
        marks.append(Self.bars(series, x, y, index: barIndex, of: barSeries))
        barIndex += 1
      }
    }
    self.marks = marks
  }

  private static func lines(_ series: Series, _ x: Scale, _ y: Scale, columns: Int) throws(CoreError) -> [Mark] {
    var marks: [Mark] = []
    var current: [Point] = []
    // What is kept of the column under way: the extremes after its first point, in their order.
    var column = Int.min
    var (low, high, last): (Point?, Point?, Point?)
    func flush() {
      let kept = [low, high].compactMap { $0 }.filter { $0 != current.last && $0 != last }
      // In the order of the data, as far as x tells it.
      current += kept.count == 2 && kept[0].x > kept[1].x ? [kept[1], kept[0]] : kept
      if let last, last != current.last { current.append(last) }
      (low, high, last) = (nil, nil, nil)
    }
    func end() {
      flush()
      if !current.isEmpty { marks.append(.line(current)) }
      current = []
      column = .min
    }
    let isDense = series.x.count > 4 * max(1, columns)
    for (index, (a, b)) in zip(series.x, series.y).enumerated() {
      if index & 0xFFFF == 0xFFFF { try StopSignal.poll() }
      guard let px = x.place(a), let py = y.place(b) else {
        end()
        continue
      }
      let point = Point(x: px, y: py)
      guard isDense else {
        current.append(point)
        continue
      }
      let own = Int(px * Double(columns))
      if own != column {
        flush()
        column = own
        current.append(point)
        continue
      }
      if point.y < (low ?? point).y || low == nil { low = point }
      if point.y > (high ?? point).y || high == nil { high = point }
      last = point
    }
    end()
    if let low = series.low, let high = series.high, series.x.count <= 2000 {
      for (a, (from, to)) in zip(series.x, zip(low, high)) {
        if let px = x.place(a), let p = y.place(from), let q = y.place(to) {
          marks.append(.error(Point(x: px, y: p), Point(x: px, y: q)))
        }
      }
    }
    return marks
  }

  private static func points(
    _ series: Series, _ x: Scale, _ y: Scale, columns: Int, rows: Int
  ) throws(CoreError) -> [Mark] {
    var marks: [Mark] = []
    let isDense = series.x.count > 5000
    var seen: Set<Int> = []
    let rows = max(1, rows)
    for (index, (a, b)) in zip(series.x, series.y).enumerated() {
      if index & 0xFFFF == 0xFFFF { try StopSignal.poll() }
      guard let px = x.place(a), let py = y.place(b) else { continue }
      // Points that fall on the same dot are one.
      if isDense, !seen.insert(Int(px * Double(columns)) * (rows + 1) + Int(py * Double(rows))).inserted { continue }
      marks.append(.point(Point(x: px, y: py)))
      if let low = series.low, let high = series.high, index < low.count, index < high.count, index < 2000,
        let p = y.place(low[index]), let q = y.place(high[index])
      {
        marks.append(.error(Point(x: px, y: p), Point(x: px, y: q)))
      }
    }
    return marks
  }

  private static func steps(_ series: Series, _ x: Scale, _ y: Scale) -> [Mark] {
    let ground = y.isLog ? 0 : y.place(0) ?? 0
    return zip(zip(series.x, series.x.dropFirst()), series.y).compactMap { edges, value in
      guard let left = x.place(edges.0), let right = x.place(edges.1), let top = y.place(value) else { return nil }
      return .box(Point(x: left, y: min(1, max(0, ground))), Point(x: right, y: top))
    }
  }

  private static func bars(_ series: Series, _ x: Scale, _ y: Scale, index: Int, of count: Int) -> [Mark] {
    let ground = x.isLog ? 0 : min(1, max(0, x.place(0) ?? 0))
    let height = 0.8 / Double(max(1, count))
    var marks: [Mark] = []
    for (place, (length, category)) in zip(series.x, series.y).enumerated() {
      // The first category is at the top, and so is the first series.
      let bottom = Double(index) * height - 0.4
      guard let end = x.place(length), let a = y.place(category + bottom), let b = y.place(category + bottom + height)
      else { continue }
      marks.append(.box(Point(x: ground, y: 1 - a), Point(x: end, y: 1 - b)))
      if let low = series.low, let high = series.high, place < low.count, place < high.count,
        let p = x.place(low[place]), let q = x.place(high[place])
      {
        marks.append(.error(Point(x: p, y: 1 - (a + b) / 2), Point(x: q, y: 1 - (a + b) / 2)))
      }
    }
    return marks
  }
}
