import Base
import Drawing
import Interpreter

// A figure in a saved session: its data and words, by their bits, so that it is drawn again as it was. Numbers of charts
// stand in the graph itself, one after another; pixels are kept beside it as tensors.

/// The form below; another one gets another number.
private let form = 1

extension ObjectWriter {
  func write(_ figure: Figure) {
    write(form)
    write(figure.title)
    write(figure.panels.count)
    for panel in figure.panels {
      switch panel {
      case .chart(let chart):
        write(0)
        write(chart)
      case .images(let sheet):
        write(1)
        write(sheet)
      }
    }
  }

  private func write(_ chart: Chart) {
    write(chart.title)
    for axis in [chart.x, chart.y] {
      write(axis.label)
      write(axis.isLog)
      write(axis.categories != nil)
      write(axis.categories ?? [])
      write(axis.reaches)
    }
    write(chart.showsLegend)
    write(chart.series.count)
    for series in chart.series {
      write(series.name)
      write(Series.Form.allCases.firstIndex(of: series.form) ?? 0)
      write(series.x)
      write(series.y)
      for ends in [series.low, series.high] {
        write(ends != nil)
        write(ends ?? [])
      }
    }
    write(chart.field != nil)
    guard let field = chart.field else { return }
    write(field.rows)
    write(field.columns)
    write([field.height, field.width])
    write(field.values)
  }

  private func write(_ sheet: ImageSheet) {
    write([sheet.columns ?? -1, sheet.left])
    write(sheet.heads)
    write(sheet.notes)
    write(sheet.pictures.count)
    for picture in sheet.pictures {
      write([picture.channels, picture.height, picture.width])
      write(picture.values, name: ".image")
      write(picture.captions)
      write(picture.shares.map(\.name))
      write(picture.shares.map(\.share))
    }
  }

  private func write(_ numbers: [Double]) {
    write(numbers.count)
    for number in numbers { write(number) }
  }
}

extension ObjectReader {
  func figure() throws(CoreError) -> Figure {
    let found = try int()
    guard found == form else {
      throw CoreError(.io, "its figures have form \(found), and this program reads form \(form)")
    }
    var figure = Figure(title: try string(), panels: [])
    for _ in 0..<(try count()) {
      switch try int() {
      case 0: figure.panels.append(.chart(try chart()))
      case 1: figure.panels.append(.images(try sheet()))
      default: throw damaged("a figure has something that is not known")
      }
    }
    return figure
  }

  private func chart() throws(CoreError) -> Chart {
    let title = try string()
    var axes: [Chart.AxisWords] = []
    for _ in 0..<2 {
      var axis = Chart.AxisWords(try string(), isLog: try bool())
      let hasCategories = try bool()
      let categories = try strings()
      if hasCategories { axis.categories = categories }
      axis.reaches = try doubles()
      axes.append(axis)
    }
    var chart = Chart(title: title, x: axes[0], y: axes[1], series: [], showsLegend: try bool())
    for _ in 0..<(try count()) {
      let (name, place) = (try string(), try int())
      guard Series.Form.allCases.indices.contains(place) else { throw damaged("a series is of no known form") }
      var series = Series(name, Series.Form.allCases[place], x: try doubles(), y: try doubles())
      series.low = try optionalDoubles()
      series.high = try optionalDoubles()
      chart.series.append(series)
    }
    guard try bool() else { return chart }
    let (rows, columns, sizes) = (try strings(), try strings(), try ints())
    guard sizes.count == 2,
      let field = NumberField(
        height: sizes[0], width: sizes[1], values: try doubles(), rows: rows, columns: columns)
    else { throw damaged("a field of numbers has other sizes") }
    chart.field = field
    return chart
  }

  private func sheet() throws(CoreError) -> ImageSheet {
    let numbers = try ints()
    guard numbers.count == 2, numbers[1] >= 0, numbers[0] == -1 || (1...1000).contains(numbers[0]) else {
      throw damaged("a sheet of images cannot be read")
    }
    let (heads, notes) = (try strings(), try strings())
    var sheet = ImageSheet([], columns: numbers[0] < 0 ? nil : numbers[0], heads: heads, notes: notes)
    sheet.left = numbers[1]
    for _ in 0..<(try count()) {
      let sizes = try ints()
      let values = try floats()
      let captions = try strings()
      let (names, shares) = (try strings(), try doubles())
      guard sizes.count == 3, names.count == shares.count, let values,
        let picture = ImageSheet.Picture(
          channels: sizes[0], height: sizes[1], width: sizes[2], values: values, captions: captions,
          shares: zip(names, shares).map { (name: $0, share: $1) })
      else { throw damaged("an image has other sizes") }
      sheet.pictures.append(picture)
    }
    return sheet
  }

  private func doubles() throws(CoreError) -> [Double] {
    var numbers: [Double] = []
    for _ in 0..<(try count()) { numbers.append(try double()) }
    return numbers
  }

  private func optionalDoubles() throws(CoreError) -> [Double]? {
    let isThere = try bool()
    let numbers = try doubles()
    return isThere ? numbers : nil
  }
}

extension Figure {
  /// How much memory its numbers and pixels take.
  var byteCount: Int {
    panels.reduce(0) { sum, panel in
      switch panel {
      case .chart(let chart):
        sum + (chart.field?.values.count ?? 0) * 8
          + chart.series.reduce(0) {
            $0 + ($1.x.count + $1.y.count + ($1.low?.count ?? 0) + ($1.high?.count ?? 0)) * 8
          }
      case .images(let sheet): sum + sheet.pictures.reduce(0) { $0 + $1.values.count * 4 }
      }
    }
  }
}

extension Value {
  /// A figure as the file of a picture, for reports: charts can be enlarged, images are pixels.
  ///
  /// - Parameter asPixels: whether charts are pixels too.
  /// - Returns: what kind of file it is, its bytes, and words for those who do not see it; nil for what is no figure.
  /// - Throws: `memory` for a picture that is too large, `io` without cairo.
  package func picture(asPixels: Bool) throws(CoreError) -> (type: String, bytes: [UInt8], words: String)? {
    guard let object = asObject as? FigureObject else { return nil }
    let figure = object.figure
    let hasImages = figure.panels.contains { if case .images = $0 { true } else { false } }
    let format = asPixels || hasImages ? PictureFormat.png : .svg
    let words = object.title.isEmpty ? "\(object.shortText(PrintOptions()).dropFirst().dropLast())" : object.title
    return (format.rawValue, try figure.file(format), words)
  }
}
