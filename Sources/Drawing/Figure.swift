/// What is to be seen, without a word on where: one panel below another, each a chart or a sheet of images.
///
/// A figure holds data and words; sizes, ticks and colours are chosen by the layout (`ChartLayout`) when it is drawn. The
/// terminal (`TerminalPicture`) and the page (`Page`) draw the same layout, so that they agree in every number.
public struct Figure: Sendable {
  /// One picture of a figure.
  public enum Panel: Sendable {
    case chart(Chart)
    case images(ImageSheet)
  }

  /// The line above all panels; empty for none.
  public var title: String
  /// The pictures, from top to bottom.
  public var panels: [Panel]

  /// A figure of some panels.
  public init(title: String = "", panels: [Panel]) { (self.title, self.panels) = (title, panels) }

  /// A figure of one chart.
  public init(title: String = "", _ chart: Chart) { self.init(title: title, panels: [.chart(chart)]) }
}

/// Series of numbers over common axes, or a field of numbers.
public struct Chart: Sendable {
  /// What an axis says.
  public struct AxisWords: Sendable {
    /// What is measured, with its unit; empty for nothing.
    public var label: String
    /// Whether equal factors are equally far apart.
    public var isLog: Bool
    /// Names of the places 0, 1, 2, … where the axis has no numbers.
    public var categories: [String]?
    /// Ends that the axis has at least, such as 0 for bars.
    public var reaches: [Double] = []

    /// An axis of numbers, or of names.
    public init(_ label: String = "", isLog: Bool = false, categories: [String]? = nil, reaches: [Double] = []) {
      (self.label, self.isLog, self.categories, self.reaches) = (label, isLog, categories, reaches)
    }
  }

  /// The line above the chart; empty for none.
  public var title: String
  /// Across.
  public var x: AxisWords
  /// Upward. Bars of categories lie: their categories are this axis.
  public var y: AxisWords
  /// What is drawn, later ones over earlier ones.
  public var series: [Series]
  /// A field of numbers in place of series.
  public var field: NumberField?
  /// Whether the names of several series are written below.
  public var showsLegend: Bool

  /// A chart of series.
  public init(
    title: String = "", x: AxisWords = AxisWords(), y: AxisWords = AxisWords(), series: [Series],
    showsLegend: Bool = true
  ) {
    (self.title, self.x, self.y, self.series, self.showsLegend) = (title, x, y, series, showsLegend)
  }

  /// A heat map.
  public init(title: String = "", x: AxisWords, y: AxisWords, field: NumberField) {
    (self.title, self.x, self.y, self.field) = (title, x, y, field)
    (series, showsLegend) = ([], true)
  }
}

/// Numbers that belong together, with one colour.
public struct Series: Sendable {
  /// How the numbers are drawn.
  public enum Form: Sendable, Equatable, CaseIterable {
    /// Joined in the order in which they come; a number that is not finite breaks the line.
    case line
    /// Each by itself.
    case points
    /// Lying bars from 0, at the categories of the y axis; x is the length, y the category.
    case bars
    /// Standing bars from 0, side by side: x has the edges, one more than y.
    case histogram
  }

  /// The name in the legend; empty for none.
  public var name: String
  /// How it is drawn.
  public var form: Form
  /// Places along the x axis.
  public var x: [Double]
  /// Places along the y axis.
  public var y: [Double]
  /// Where the error bars begin, along the axis of values; nil for none.
  public var low: [Double]?
  /// Where they end.
  public var high: [Double]?

  /// A series; numbers beyond the shorter of `x` and `y` are not drawn.
  public init(
    _ name: String = "", _ form: Form, x: [Double], y: [Double], low: [Double]? = nil, high: [Double]? = nil
  ) {
    (self.name, self.form, self.x, self.y, self.low, self.high) = (name, form, x, y, low, high)
  }

  /// The numbers of a histogram: how many fall into each of some equally wide bins. Numbers that are not finite are left
  /// out, and the last bin has its right edge.
  public static func histogram(_ name: String = "", of values: [Double], edges: [Double]) -> Series {
    var counts = [Double](repeating: 0, count: max(0, edges.count - 1))
    if let low = edges.first, let high = edges.last, high > low, !counts.isEmpty {
      let scale = Double(counts.count) / (high / 2 - low / 2)
      for value in values where value >= low && value <= high {
        let bin = min(counts.count - 1, max(0, Int((value / 2 - low / 2) * scale)))
        counts[bin] += 1
      }
    }
    return Series(name, .histogram, x: edges, y: counts)
  }

  /// Edges of bins for numbers: round, and as many as Sturges' and Freedman's rules say, from 5 to 60.
  public static func edges(for values: [Double], bins: Int? = nil) -> [Double] {
    let finite = values.filter(\.isFinite).sorted()
    guard let low = finite.first, let high = finite.last else { return [0, 1] }
    guard high / 2 - low / 2 > 0 else {
      let half = max(abs(low) * 0.05, 0.5)
      return low.magnitude < 1e300 ? [low - half, low + half] : [low / 2, low]
    }
    let span = high / 2 - low / 2
    var count = bins ?? 0
    if bins == nil {
      let n = Double(finite.count)
      let quartiles = finite[finite.count * 3 / 4] / 2 - finite[finite.count / 4] / 2
      let freedman = quartiles > 0 ? (span / (2 * quartiles)) * cubeRoot(n) : 0
      count = min(60, max(5, Int(max(n.squareRoot() / 2, min(freedman, 60)).rounded(.up))))
    }
    let last = max(1, count)
    return (0...last).map { (i: Int) -> Double in low + 2 * (span * (Double(i) / Double(last))) }
      .map { min($0, high) }
  }
}

/// Numbers in rows and columns, drawn as colours.
public struct NumberField: Sendable {
  /// Names of the rows, from top to bottom; empty for none.
  public var rows: [String]
  /// Names of the columns; empty for none.
  public var columns: [String]
  /// How many rows there are.
  public var height: Int
  /// How many columns there are.
  public var width: Int
  /// Row by row.
  public var values: [Double]

  /// A field; nil where the values do not fill it.
  public init?(height: Int, width: Int, values: [Double], rows: [String] = [], columns: [String] = []) {
    let (count, isTooLarge) = height.multipliedReportingOverflow(by: width)
    guard height >= 0, width >= 0, !isTooLarge, values.count == count else { return nil }
    (self.height, self.width, self.values, self.rows, self.columns) = (height, width, values, rows, columns)
  }

  /// The ends of the scale of colours: those of the finite numbers.
  public var range: (low: Double, high: Double) { finiteRange(values) ?? (0, 1) }
}

/// The least and the greatest of the finite numbers.
func finiteRange(_ values: some Sequence<Double>) -> (low: Double, high: Double)? {
  var range: (low: Double, high: Double)?
  for value in values where value.isFinite {
    guard let (low, high) = range else {
      range = (value, value)
      continue
    }
    if value < low { range = (value, high) } else if value > high { range = (low, value) }
  }
  return range
}

/// The cube root of a number above 0.
private func cubeRoot(_ x: Double) -> Double {
  guard x > 0, x.isFinite else { return 0 }
  var root = Double(sign: .plus, exponent: x.exponent / 3, significand: 1)
  for _ in 0..<40 { root = (2 * root + x / (root * root)) / 3 }
  return root
}
