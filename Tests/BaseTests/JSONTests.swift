import Base
import TestSupport
import Testing

@Suite struct JSONTests {
  private let value = JSON.object([
    JSON.Member("a", .array([.int(1), .number(0.1), .null, .bool(true), .string("τ\"\\\n\u{1}")])),
    JSON.Member("b", .object([])), JSON.Member("", .array([])),
  ])

  @Test func whatIsWrittenIsReadBack() throws {
    let text = #"{"a":[1,0.1,null,true,"τ\"\\\n\u0001"],"b":{},"":[]}"#
    #expect(try value.text == text && value.line == text)
    for indent in [0, 1, 2, 16] { #expect(try JSON.parse(value.text(indent: indent)) == value) }
    for number in [0.1, -1e-300, 1e300, .leastNonzeroMagnitude, .infinity, -.infinity] {
      #expect(try JSON.parse(JSON.number(number).text).numberValue == number)
    }
    #expect(try JSON.parse(JSON.number(.nan).text).numberValue?.isNaN == true)
  }

  @Test(arguments: [
    "", "{", "[1,]", "01", "1.", "tru", "\"\\x\"", "\"\\ud800\"", "{\"a\":1,\"a\":2}", "1 2", "'a'", "[\"\n\"]",
    "1e999",
  ])
  func whatIsNoJSONIsAnError(text: String) {
    expectError(.value, containing: "JSON: ", "at byte") { _ = try JSON.parse(text) }
  }

  @Test func nestingHasALimit() {
    expectError(.value, containing: "nested too deeply") { _ = try JSON.parse(String(repeating: "[", count: 100_000)) }
  }

  /// The message that says why a run was stopped is written all the same.
  @Test func aLineIsWrittenWhateverIsRaised() {
    let signal = StopSignal()
    signal.raise(.interrupted)
    signal.carry {
      #expect(value.line.hasSuffix("}"))
      expectError(.interrupted) { _ = try JSON.array([JSON](repeating: .null, count: 5000)).text }
    }
  }
}
