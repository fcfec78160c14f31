import Base
import Testing

@testable import Drawing

/// The board of what runs now fits its window, whatever it is given.
@Suite struct DashboardTests {
  private static func picture(_ caption: String, width: Int = 8, height: Int = 8) -> ImageSheet.Picture? {
    ImageSheet.Picture(
      channels: 1, height: height, width: width, values: (0..<width * height).map { Float($0) / Float(width * height) },
      captions: [caption])
  }

  private static func board(_ values: [Double], pictures: Int = 2) -> Dashboard {
    Dashboard(
      head: "fit epoch 1/2",
      charts: [.init([("loss", values)]), .init([("natural", values), ("robust", values.map { $0 / 2 })])],
      pictures: (0..<pictures).compactMap { picture("p\($0)") }, foot: ["worst class", "p pause"])
  }

  @Test func linesFitEveryWindow() {
    for width in [8, 20, 59, 60, 79, 80, 100, 139, 200, 500] {
      for height in [1, 2, 6, 9] {
        let largest = Double.greatestFiniteMagnitude
        for values in [[], [1], [1, 2, 3], [.nan, 1, .infinity, -largest, largest]] as [[Double]] {
          for colours in [PictureLook.Colours.none, .indexed, .full] {
            let lines = Self.board(values).lines(width: width, height: height, colours: colours)
            #expect(lines.count == height + 4)
            #expect(lines.allSatisfy { Words.width(Self.plain($0)) <= width }, "\(width) \(values)")
          }
        }
      }
    }
  }

  @Test func curvesRiseAndFall() {
    let lines = Self.board((0..<100).map { Double($0) }).lines(width: 100, height: 4, colours: .none)
    #expect(lines[1].contains("loss") && lines[1].contains("natural  robust") && lines[1].contains("p0"))
    #expect(lines[2].hasPrefix("100") && lines[5].contains("0"))
    // The first column of the chart is low and the last one high.
    let (top, bottom) = (Array(lines[2].prefix(37)), Array(lines[5].prefix(37)))
    #expect(top.last { $0 != " " } != nil && bottom[4] != " " && top[4] == " ")
  }

  @Test func whatHasNoRoomIsLeftOutFromTheRight() {
    func words(_ width: Int) -> String { Self.board([1, 2]).lines(width: width, height: 6, colours: .none)[1] }
    #expect(
      words(110).contains("p1") && words(70).contains("p0") && !words(70).contains("p1") && !words(55).contains("p0"))
  }

  @Test func whatATerminalWouldObeyIsNotWritten() {
    var board = Self.board([1])
    board.head = "a\u{1B}[2Jb\r\n"
    board.pictures = [Self.picture("\u{1B}[31m")].compactMap { $0 }
    let text = board.lines(width: 100, height: 4, colours: .none).joined()
    #expect(!text.unicodeScalars.contains { $0.value < 0x20 })
  }

  @Test func aCurveKeepsFewNumbersOfMany() {
    var curve = Curve()
    for step in 0..<1_000_000 { curve.add(Double(step)) }
    curve.add(.nan)
    #expect(curve.values.count >= 200 && curve.values.count <= 400)
    #expect(zip(curve.values, curve.values.dropFirst()).allSatisfy { $0 < $1 })
    #expect(curve.values.last.map { $0 > 990_000 } == true && curve.values.first.map { $0 < 5000 } == true)
    // The mean of all is that of the numbers.
    let mean = curve.values.reduce(0, +) / Double(curve.values.count)
    #expect(abs(mean - 500_000) < 5000)
  }

  private static func plain(_ line: String) -> String {
    var plain = ""
    var isEscape = false
    for scalar in line.unicodeScalars {
      if scalar == "\u{1B}" { isEscape = true } else if !isEscape { plain.unicodeScalars.append(scalar) }
      if isEscape, scalar == "m" { isEscape = false }
    }
    return plain
  }
}
