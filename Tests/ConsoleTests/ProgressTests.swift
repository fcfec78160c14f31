import Console
import Testing

@Suite
struct ProgressTests {
  @Test func aLineSaysHowFarTheWorkIs() {
    let line = progressLine(
      title: "fit epoch 2/10", done: 41, total: 100, fields: [("loss", 0.3124), ("adversarial", 0.5), ("rate", 12.34)],
      secondsLeft: 83.2, width: 200)
    #expect(line == "fit epoch 2/10  ████······  41%  loss 0.312  adversarial 0.500  rate 12.3  1:24 left")
  }

  @Test func itIsCutToTheWidth() {
    let line = progressLine(title: "a long title", done: 1, total: 0, fields: [("x", .nan)], secondsLeft: nil, width: 8)
    #expect(line == "a long t")
    #expect(progressLine(title: "t", done: 9, total: 3, fields: [], secondsLeft: .infinity, width: 0).isEmpty)
  }
}
