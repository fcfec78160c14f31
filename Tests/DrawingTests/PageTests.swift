import CZlib
import Foundation
import Testing

@testable import Drawing

/// The same lines stand in an SVG, a PDF and the pixels of a PNG.
@Suite struct PageTests {
  /// The points of the lines of a colour in an SVG.
  private func svgPoints(_ svg: String, _ colour: Colour) -> [[Double]] {
    svg.components(separatedBy: "<path").dropFirst().compactMap { element in
      guard let stroke = element.components(separatedBy: "stroke:rgb(").dropFirst().first?.prefix(while: { $0 != ")" }),
        matches(stroke.split(separator: ",").compactMap { Double($0.dropLast()).map { $0 / 100 } }, colour),
        let path = element.components(separatedBy: " d=\"").dropFirst().first?.prefix(while: { $0 != "\"" })
      else { return nil }
      return path.split(separator: " ").compactMap { Double($0) }
    }
  }

  private func matches(_ shares: [Double], _ colour: Colour) -> Bool {
    let wanted = [colour.red, colour.green, colour.blue].map { Double($0) / 255 }
    return shares.count == 3 && zip(shares, wanted).allSatisfy { abs($0 - $1) < 1e-3 }
  }

  /// Those in a PDF.
  private func pdfPoints(_ pdf: [UInt8], _ colour: Colour) throws -> [[Double]] {
    let start = try #require(pdf.firstRange(of: Array("stream\n".utf8)))
    let end = try #require(pdf[start.upperBound...].firstRange(of: Array("endstream".utf8)))
    let packed = Array(pdf[start.upperBound..<end.lowerBound])
    var text = [UInt8](repeating: 0, count: 1 << 20)
    var count = uLong(text.count)
    try #require(uncompress(&text, &count, packed, uLong(packed.count)) == Z_OK)
    var lines: [[Double]] = []
    var (line, numbers): ([Double], [Double]) = ([], [])
    var isOfColour = false
    for word in String(decoding: text.prefix(Int(count)), as: UTF8.self).split(whereSeparator: \.isWhitespace) {
      if let number = Double(word) {
        numbers.append(number)
        continue
      }
      switch word {
      case "RG": isOfColour = matches(numbers.suffix(3), colour)
      case "m": line = numbers.suffix(2)
      case "l": line += numbers.suffix(2)
      case "S": if isOfColour { lines.append(line) }
      default: break
      }
      numbers = []
    }
    return lines
  }

  /// The rows of a PNG of ours, whose rows have no filter, and its width.
  private func pixels(of png: [UInt8]) throws -> ([UInt8], Int) {
    let width = png[16..<20].reduce(0) { $0 << 8 | Int($1) }
    let height = png[20..<24].reduce(0) { $0 << 8 | Int($1) }
    let start = try #require(png.firstRange(of: Array("IDAT".utf8))).upperBound
    let packed = Array(png[start...])
    var rows = [UInt8](repeating: 0, count: (width * 3 + 1) * height)
    var count = uLong(rows.count)
    try #require(uncompress(&rows, &count, packed, uLong(packed.count)) == Z_OK)
    let line = width * 3 + 1
    var pixels: [UInt8] = []
    for y in 0..<height { pixels += rows[(y * line + 1)..<((y + 1) * line)] }
    return (pixels, width)
  }

  @Test func filesOfAllFormatsHaveTheSameLines() throws {
    let x = (0..<12).map(Double.init)
    let chart = Chart(
      title: "both", x: .init("x"), y: .init("y"),
      series: [
        Series("a", .line, x: x, y: x.map { 3 + sin($0) }, low: x.map { 2.5 + sin($0) }, high: x.map { 3.2 + sin($0) }),
        Series("b", .line, x: x, y: x.map { $0 == 5 ? .nan : cos($0) }),
      ])
    let figure = Figure(chart)
    let svg = String(decoding: try figure.file(.svg), as: UTF8.self)
    let pdf = try figure.file(.pdf)
    let (pixels, width) = try pixels(of: figure.file(.png))
    for (index, expected) in [24, 22].enumerated() {
      let colour = Palette.series[index]
      let (first, second) = (svgPoints(svg, colour), try pdfPoints(pdf, colour))
      #expect(first.count == second.count && first.count > index)
      for (a, b) in zip(first, second) {
        #expect(a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 0.01 }, "\(a) \(b)")
      }
      // The line itself is the longest; each of its points has its colour in the PNG.
      let points = first.filter { $0.count > 4 || index == 1 }.flatMap { $0 }
      #expect(points.count >= expected, "\(points.count)")
      for place in stride(from: 0, to: points.count - 1, by: 2) {
        let (column, row) = (Int(points[place] * 2), Int(points[place + 1] * 2))
        var isThere = false
        for y in max(0, row - 2)...(row + 2) {
          for x in max(0, column - 2)...(column + 2) where x < width && (y * width + x) * 3 + 2 < pixels.count {
            let start = (y * width + x) * 3
            let distances = [
              Int(pixels[start]) - colour.red, Int(pixels[start + 1]) - colour.green,
              Int(pixels[start + 2]) - colour.blue,
            ]
            if distances.allSatisfy({ abs($0) < 60 }) { isThere = true }
          }
        }
        #expect(isThere, "no line at \(points[place]), \(points[place + 1])")
      }
    }
  }
}
