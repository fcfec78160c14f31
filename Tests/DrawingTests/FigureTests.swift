import Base
import CZlib
import Foundation
import TestSupport
import Testing

@testable import Drawing

/// Figures: what the terminal and the page draw is the data, whatever the data is.
@Suite struct FigureTests {
  private static func line(_ x: [Double], _ y: [Double]) -> Figure {
    Figure(title: "t", Chart(x: .init("x"), y: .init("y"), series: [Series("", .line, x: x, y: y)]))
  }

  // MARK: Scales

  @Test func ticksAreRound() {
    func labels(_ low: Double, _ high: Double, _ count: Int = 5) -> [String] {
      Scale(low: low, high: high).ticks(count).map(\.label)
    }
    #expect(labels(0, 1) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    #expect(labels(0, 10) == ["0", "2", "4", "6", "8", "10"])
    #expect(labels(-1, 1, 4) == ["-1.0", "-0.5", "0.0", "0.5", "1.0"])
    #expect(labels(0, 3e7) == ["0", "5e6", "1e7", "1.5e7", "2e7", "2.5e7", "3e7"])
    #expect(labels(0, 2e-5, 4) == ["0", "5e-6", "1e-5", "1.5e-5", "2e-5"])
    let decades = Scale(low: 1, high: 1e6, isLog: true).ticks(6).map(\.label)
    #expect(decades == ["1", "10", "100", "1000", "1e4", "1e5", "1e6"])
  }

  @Test func everyScaleHasPlacesInOrder() {
    let odd: [Double] = [
      0, -0.0, 1, -1, Double.leastNonzeroMagnitude, -Double.leastNonzeroMagnitude, 1e-300, 1e300, -1e300,
      .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1e15,
      1e15 + 0.125, .infinity, -.infinity, .nan,
    ]
    for a in odd {
      for b in odd {
        for isLog in [false, true] {
          for count in [1, 3, 20] {
            let scale = Scale(of: [a, b], isLog: isLog)
            for scale in [scale, scale.rounded(count)] {
              #expect(scale.low.isFinite && scale.high.isFinite && scale.low <= scale.high, "\(a) \(b)")
              let ticks = scale.ticks(count)
              #expect(ticks.count <= 80)
              #expect(ticks.allSatisfy { $0.place >= 0 && $0.place <= 1 }, "\(a) \(b) \(isLog)")
              for value in [a, b] {
                if let place = scale.place(value) { #expect(place >= -1e-9 && place <= 1 + 1e-9, "\(a) \(b) \(isLog)") }
              }
            }
          }
        }
      }
    }
  }

  // MARK: Data

  /// The numbers of the paths of an SVG's coloured lines.
  private func points(ofColour colour: Colour, in svg: String) throws -> [(Double, Double)] {
    var found: [(Double, Double)] = []
    let percent = [colour.red, colour.green, colour.blue].map { Double($0) / 255 * 100 }
    for element in svg.components(separatedBy: "<path").dropFirst() where element.contains("stroke:rgb(") {
      let words = element.components(separatedBy: "stroke:rgb(")[1].prefix { $0 != ")" }
      let parts = words.split(separator: ",").compactMap { Double($0.dropLast()) }
      guard parts.count == 3, zip(parts, percent).allSatisfy({ abs($0 - $1) < 0.01 }) else { continue }
      let path = element.components(separatedBy: " d=\"")[1].prefix { $0 != "\"" }
      let numbers = path.split(separator: " ").compactMap { Double($0) }
      for k in stride(from: 0, to: numbers.count - 1, by: 2) { found.append((numbers[k], numbers[k + 1])) }
    }
    return found
  }

  @Test func anSVGHasTheData() throws {
    let x = (0..<25).map(Double.init)
    let y = x.map { sin($0) * $0 }
    let svg = String(decoding: try Self.line(x, y).file(.svg), as: UTF8.self)
    let points = try points(ofColour: Palette.series[0], in: svg)
    #expect(points.count == x.count)
    // Places are an affine function of the data: two points give it, and all others keep to it.
    func keepsTo(_ places: [Double], _ data: [Double]) {
      let (low, high) = (data.indices.min { data[$0] < data[$1] } ?? 0, data.indices.max { data[$0] < data[$1] } ?? 0)
      let slope = (places[high] - places[low]) / (data[high] - data[low])
      for (place, value) in zip(places, data) { #expect(abs(places[low] + slope * (value - data[low]) - place) < 0.02) }
    }
    keepsTo(points.map(\.0), x)
    keepsTo(points.map(\.1), y)
  }

  @Test func brailleHasTheData() throws {
    let x = (0..<300).map(Double.init)
    let chart = Chart(series: [Series("", .line, x: x, y: x.map { $0 * 2 })])
    let lines = try ChartText(chart, width: 60, height: 10, colours: .none).lines()
    // A diagonal: each row has dots, further to the left the lower it is.
    var before = Int.max
    for line in lines.prefix(10) {
      let dots = Array(line.unicodeScalars).indices.filter {
        (0x2801...0x28FF).contains(Array(line.unicodeScalars)[$0].value)
      }
      let first = try #require(dots.first)
      #expect(first < before)
      before = first
    }
  }

  @Test func aMillionNumbersKeepTheirExtremes() throws {
    let n = 1_000_000
    let x = (0..<n).map(Double.init)
    var y = x.map { sin($0 / 1000) }
    (y[123_456], y[777_777]) = (50, -40)
    let layout = try ChartLayout(
      Chart(series: [Series("", .line, x: x, y: y)]), columns: 100, rows: 50, xTicks: 5, yTicks: 5)
    guard case .line(let points)? = layout.marks.first?.first else {
      Issue.record("no line")
      return
    }
    #expect(points.count <= 101 * 4)
    #expect(points.contains { abs(layout.y.value(at: $0.y) - 50) < 1e-6 })
    #expect(points.contains { abs(layout.y.value(at: $0.y) + 40) < 1e-6 })
    #expect(zip(points, points.dropFirst()).allSatisfy { $0.x <= $1.x })
  }

  @Test func aHistogramCountsAll() {
    let values: [Double] = [0, 0.1, 0.5, 0.99, 1, .nan, .infinity]
    let series = Series.histogram(of: values, edges: Series.edges(for: values, bins: 2))
    #expect(series.x == [0, 0.5, 1] && series.y == [2, 3])
    for odd in [[], [3.0], [3, 3], [-1e308, 1e308], [Double.leastNonzeroMagnitude, 0], [.nan]] {
      let edges = Series.edges(for: odd)
      #expect(edges.count >= 2 && edges.allSatisfy(\.isFinite))
      #expect(Series.histogram(of: odd, edges: edges).y.reduce(0, +) == Double(odd.filter(\.isFinite).count), "\(odd)")
    }
  }

  // MARK: Text

  @Test func aPlotAsText() throws {
    let chart = Chart(
      title: "squares", x: .init("n"), y: .init("n²"),
      series: [Series("a", .line, x: [0, 1, 2, 3, 4], y: [0, 1, 4, 9, 16])])
    let text = try Figure(chart).text(width: 40, look: PictureLook())
    #expect(text.contains("squares") && text.contains("n²") && text.contains("16 ┤") && text.contains("└┬"))
    #expect(text.split(separator: "\n").allSatisfy { Words.width(String($0)) <= 40 })
    #expect(!text.contains("\u{1B}"))
  }

  @Test func barsAsText() throws {
    let chart = Chart(
      x: .init("accuracy", reaches: [0, 1]), y: .init(categories: ["fgsm", "pgd"]),
      series: [Series("accuracy", .bars, x: [0.5, 0.25], y: [0, 1], low: [0.4, 0.2], high: [0.6, 0.3])])
    let lines = try ChartText(chart, width: 60, height: 10, colours: .none).lines()
    #expect(lines[0].hasPrefix("fgsm ███") && lines[0].hasSuffix("0.500 (0.400–0.600)"))
    let lengths = lines.prefix(2).map { $0.filter { "█▓▉▊▋▌▍▎▏".contains($0) }.count }
    #expect(abs(lengths[0] - 2 * lengths[1]) <= 1)
    // The error bar: lighter on the bar, a line with an end beyond it.
    #expect(lines[0].contains("█▓▓") && lines[0].contains("──┤ 0.500"), "\(lines[0])")
    let coloured = try ChartText(chart, width: 60, height: 10, colours: .full).lines()
    #expect(coloured[0].contains("├") && coloured[0].contains("┤") && !coloured[0].contains("▓"))
  }

  @Test func imagesAsText() throws {
    let picture = try #require(
      ImageSheet.Picture(channels: 1, height: 2, width: 2, values: [0, 1, 1, 0], captions: ["\u{1B}[31mred\n"]))
    var look = PictureLook()
    let figure = Figure(panels: [.images(ImageSheet([picture]))])
    let plain = try figure.text(width: 80, look: look)
    #expect(plain.hasPrefix("                @@@") && plain.contains("·[31mred"))
    #expect(!plain.contains("\u{1B}"))
    look.colours = .full
    let full = try figure.text(width: 80, look: look)
    #expect(full.contains("▀") && full.contains("38;2;255;255;255") && full.contains("48;2;0;0;0"))
    look.colours = .indexed
    #expect(try figure.text(width: 80, look: look).contains("38;5;231"))
    look.graphics = { .kitty }
    let kitty = try figure.text(width: 80, look: look)
    // Room for the image first, then back to its first row, the image, and to its last row.
    #expect(kitty.hasPrefix("\n\n") && kitty.contains("\r\u{1B}[15A\u{1B}7\u{1B}_Ga=T,C=1,s=320,v=320,c=32,r=16,f=32,"))
    #expect(kitty.contains("\u{1B}\\\u{1B}8\u{1B}[15B\n·[31mred"))
    look.graphics = { .sixel }
    #expect(try figure.text(width: 80, look: look).contains("\r\u{1B}[15A\u{1B}7\u{1B}P0;1;0q"))
    // Where the first row of an image has scrolled out, nobody can go back to it.
    look.rows = 6
    #expect(try figure.text(width: 80, look: look).contains("▀"))
  }

  @Test func softLabelsStandBesideTheirImages() throws {
    let picture = try #require(
      ImageSheet.Picture(
        channels: 1, height: 28, width: 28, values: [Float](repeating: 1, count: 784), captions: ["cat"],
        shares: [("cat", 0.75), ("dog", 0.25)]))
    let sheet = ImageSheet([picture, picture])
    let lines = try SheetText(sheet, width: 100, look: PictureLook()).lines()
    #expect(lines[0].hasPrefix(String(repeating: "@", count: 28) + " cat") && lines[0].hasSuffix("cat"))
    #expect(lines[1].contains(" cat ████▌   75%  @") && lines[2].hasSuffix(" dog █▌      25%"), "\(lines)")
    #expect(lines.count == 14 && lines.allSatisfy { Words.width($0) <= 100 })
    // Where there is no room beside them they stand below.
    let narrow = try SheetText(sheet, width: 30, look: PictureLook()).lines()
    #expect(narrow.contains { $0.hasPrefix("cat 75%") } && narrow.allSatisfy { Words.width($0) <= 30 }, "\(narrow)")
  }

  @Test func manyImagesKeepToTheWindow() throws {
    let picture = try #require(
      ImageSheet.Picture(
        channels: 3, height: 32, width: 32, values: [Float](repeating: 0.5, count: 3072), captions: ["cat"]))
    var look = PictureLook()
    for rows in [2, 10, 24, 60] {
      for width in [1, 8, 40, 80, 200] {
        for count in [1, 2, 7, 100] {
          look.rows = rows
          var sheet = ImageSheet([ImageSheet.Picture](repeating: picture, count: count))
          sheet.left = 3
          let lines = try SheetText(sheet, width: width, look: look).lines()
          #expect(lines.allSatisfy { Words.width($0) <= width }, "\(rows) \(width) \(count)")
          if rows >= 24, width >= 40 { #expect(lines.count < rows, "\(rows) \(width) \(count)") }
          if width >= 40 { #expect(lines.last?.hasSuffix("more") ?? false) }
        }
      }
    }
  }

  // MARK: Files

  @Test(arguments: PictureFormat.allCases)
  func equalFiguresAreEqualFiles(_ format: PictureFormat) throws {
    let picture = try #require(ImageSheet.Picture(channels: 1, height: 2, width: 2, values: [0, 1, 1, 0]))
    var figure = Self.line([0, 1, 2], [3, 1, 2])
    figure.panels.append(.images(ImageSheet([picture])))
    let field = try #require(
      NumberField(height: 2, width: 2, values: [1, 2, 3, .nan], rows: ["a", "b"], columns: ["c", "d"]))
    figure.panels.append(.chart(Chart(x: .init("x"), y: .init("y"), field: field)))
    let first = try figure.file(format)
    _ = try Self.line([1], [1]).file(format)
    #expect(try figure.file(format) == first)
    switch format {
    case .svg: #expect(String(decoding: first, as: UTF8.self).contains("<svg"))
    case .pdf: #expect(first.starts(with: Array("%PDF".utf8)))
    case .png: #expect(first.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    }
  }

  @Test func refusals() throws {
    let folder = try TemporaryFolder()
    for name in ["a.jpg", "a", "svg", ".svg.txt"] {
      expectRefusal("path") { try Self.line([1], [1]).save(to: folder.path(name)) }
    }
    expectRefusal("width") { try Self.line([1], [1]).save(to: folder.path("a.svg"), width: 1) }
    expectRefusal("scale") { try Self.line([1], [1]).save(to: folder.path("a.svg"), scale: .nan) }
    expectRefusal("absent") { try Self.line([1], [1]).save(to: folder.path("absent/a.svg")) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    try Self.line([1, 2], [1, 2]).save(to: folder.path("A.SVG"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["A.SVG"])
  }

  // MARK: Anything

  @Test func nothingTraps() throws {
    var seed = SplitMix(state: 7)
    let odd: [Double] = [
      .nan, .infinity, -.infinity, 0, -0.0, 1, -1, 1e308, -1e308, .greatestFiniteMagnitude,
      Double.leastNonzeroMagnitude, 1e15, 0.1, 42,
    ]
    let words = [
      "", "a", "日本語", "e\u{301}", "\u{1B}[31m", "a\nb\tc", String(repeating: "long ", count: 60), "\u{202E}x",
    ]
    func number() -> Double { odd[Int(seed.next() % UInt64(odd.count))] }
    func word() -> String { words[Int(seed.next() % UInt64(words.count))] }
    func count() -> Int { [0, 1, 2, 3, 17, 300][Int(seed.next() % 6)] }
    for round in 0..<250 {
      let forms: [Series.Form] = [.line, .points, .bars, .histogram]
      let form = forms[round % 4]
      let series = (0..<1 + Int(seed.next() % 3)).map { _ in
        let n = count()
        var one = Series(word(), form, x: (0..<n).map { _ in number() }, y: (0..<count()).map { _ in number() })
        if seed.next() % 2 == 0 { (one.low, one.high) = ((0..<n).map { _ in number() }, (0..<n).map { _ in number() }) }
        if form == .bars { one.y = (0..<n).map(Double.init) }
        return one
      }
      var chart = Chart(
        title: word(), x: .init(word(), isLog: seed.next() % 4 == 0), y: .init(word(), isLog: seed.next() % 4 == 0),
        series: series)
      if form == .bars { chart.y.categories = (0..<count()).map { _ in word() } }
      if round % 10 == 9 {
        let (h, w) = (count(), count())
        chart.field = NumberField(
          height: h, width: w, values: (0..<h * w).map { _ in number() }, rows: (0..<count()).map { _ in word() },
          columns: (0..<count()).map { _ in word() })
      }
      let figure = Figure(title: word(), chart)
      var look = PictureLook()
      look.rows = [nil, 1, 24][round % 3]
      look.colours = round % 2 == 0 ? .none : .full
      for width in [1, 30, 80, 10_000] {
        let text = try figure.text(width: width, look: look)
        if look.colours == .none { #expect(!text.contains("\u{1B}")) }
      }
      for format in PictureFormat.allCases where round % 5 == 0 {
        #expect(try !figure.file(format, width: 200, height: 120, scale: 1).isEmpty)
      }
    }
  }
}

/// Random numbers that are the same in each run.
private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
