import Base
import Drawing
import Interpreter

/// A figure in the language: what `plot`, `show`, `compare` and `confusion` make. It is drawn where it is printed.
final class FigureObject: HostObject {
  let figure: Figure

  init(_ figure: Figure) { self.figure = figure }

  override class var typeName: String { "figure" }
  override class var typeSummary: String { "A plot or a sheet of images; printing draws it." }
  override var isPicture: Bool { true }
  override func save(to out: ObjectWriter) throws(CoreError) {
    out.kind = "figure"
    out.write(figure)
  }
  override var byteCount: Int { figure.byteCount }
  override class var members: [Member] { own }
  private static let own = [
    Member("data", "list[record]", "A table of all numbers that are drawn; of images, what stands below each.") {
      (object: FigureObject) in
      object.table
    },
    Member("title", "string", "The line above it; empty where there is none.") { (object: FigureObject) in
      Value(object.title)
    },
  ]

  var title: String {
    if !figure.title.isEmpty { return figure.title }
    if case .chart(let chart)? = figure.panels.first { return chart.title }
    return ""
  }

  private var table: Value {
    var rows: [Value] = []
    for panel in figure.panels {
      switch panel {
      case .images(let sheet):
        for (index, picture) in sheet.pictures.enumerated() {
          rows.append(
            Value(fields: [
              ("image", Value(index)), ("height", Value(picture.height)), ("width", Value(picture.width)),
              ("words", Value(picture.captions)),
              (
                "soft_label",
                Value(picture.shares.map { Value(fields: [("class", Value($0.name)), ("share", Value($0.share))]) })
              ),
            ]))
        }
      case .chart(let chart):
        if let field = chart.field { rows += Self.rows(of: field) } else { rows += Self.rows(of: chart) }
      }
    }
    return Value(rows)
  }

  private static func rows(of field: NumberField) -> [Value] {
    (0..<field.height).map { row in
      var fields: [(String, Value)] = []
      if row < field.rows.count { fields.append(("label", Value(field.rows[row]))) }
      for column in 0..<field.width {
        let name = column < field.columns.count ? field.columns[column] : "\(column)"
        fields.append((name, number(field.values[row * field.width + column])))
      }
      return Value(fields: fields)
    }
  }

  private static func rows(of chart: Chart) -> [Value] {
    var rows: [Value] = []
    for series in chart.series {
      for (index, (x, y)) in zip(series.x, series.y).enumerated() {
        var fields: [(String, Value)] = chart.series.count > 1 ? [("series", Value(series.name))] : []
        switch series.form {
        case .bars:
          let names = chart.y.categories ?? []
          fields += [("name", Int(exactly: y).flatMap { names.indices.contains($0) ? Value(names[$0]) : nil } ?? .none)]
          fields += [("value", number(x))]
        case .histogram:
          let next = index + 1 < series.x.count ? series.x[index + 1] : x
          fields += [("from", number(x)), ("to", number(next)), ("count", number(y))]
        case .line, .points:
          if let names = chart.x.categories, let place = Int(exactly: x), names.indices.contains(place) {
            fields.append(("x", Value(names[place])))
          } else {
            fields.append(("x", number(x)))
          }
          fields.append(("y", number(y)))
        }
        if let low = series.low, let high = series.high, index < low.count, index < high.count {
          fields += [("low", number(low[index])), ("high", number(high[index]))]
        }
        rows.append(Value(fields: fields))
      }
    }
    return rows
  }

  /// Whole numbers as ints.
  private static func number(_ value: Double) -> Value {
    value == value.rounded() && abs(value) < 1e15 ? Value(Int(value)) : Value(value)
  }

  override func shortText(_ options: PrintOptions) -> String {
    let kinds = figure.panels.map { panel in
      switch panel {
      case .images(let sheet): sheet.pictures.count.of("image")
      case .chart(let chart): chart.field != nil ? "a heat map" : "a plot of \(chart.series.count) series"
      }
    }
    return "<figure: \((kinds.isEmpty ? ["nothing"] : kinds).joined(separator: ", "))>"
  }

  override func text(_ options: PrintOptions) -> String {
    (try? figure.text(width: options.width == .max ? 80 : options.width, look: options.look)) ?? shortText(options)
  }
}
