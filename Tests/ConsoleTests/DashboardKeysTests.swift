import Base
import Testing

@testable import Console

/// What keys at the dashboard come to.
@Suite struct DashboardKeysTests {
  private func keys(_ bursts: String...) -> DashboardKeys {
    var keys = DashboardKeys(isDetailed: true)
    for burst in bursts { keys.take(Array(burst.utf8)) }
    return keys
  }

  @Test func keysSteer() {
    #expect(keys("p").isPaused && !keys("p", "p").isPaused)
    #expect(keys("s").orders == [.save] && keys("ss").orders == [.save, .save])
    #expect(keys("q").isStopping && !keys("d").isDetailed && keys("d", "d").isDetailed)
    #expect(!keys("p", "q").isPaused, "a run that waits cannot stop")
    // Arrows and their like are no keys, and nothing of them is left.
    let arrow = keys("\u{1B}[A", "\u{1B}[1;5C", "\u{1B}OP", "\t", "\n", "\u{4}")
    #expect(arrow.typed.isEmpty && arrow.orders.isEmpty && arrow.line == DashboardKeys.help)
  }

  @Test func aRateIsAskedForAndChecked() {
    #expect(keys("l", "0.03", "\n").orders == [.learningRate(0.03)])
    #expect(keys("l", "1", "e", "-", "3", "\r").orders == [.learningRate(0.001)])
    #expect(keys("l", "0.03", "\u{7F}", "4\n").orders == [.learningRate(0.04)])
    for wrong in ["0", "-1", "nan", "inf", "-inf", "1e999", "x", "0.1.2", "1/2", "p"] {
      let refused = keys("l", wrong, "\n")
      #expect(refused.orders.isEmpty && refused.rate == nil && refused.message.hasPrefix("not changed: "), "\(wrong)")
      #expect(refused.message.contains(wrong) && !refused.isPaused)
    }
    let left = keys("l", "0.5", "\u{1B}")
    #expect(left.orders.isEmpty && left.rate == nil && left.message == "the learning rate stays")
    #expect(keys("l", "\n").rate == nil && keys("l", String(repeating: "1", count: 500)).rate?.count == 32)
    #expect(keys("l", "2").line.hasPrefix("learning rate: 2_"))
  }

  /// A busy machine may read a key and the number after it at once.
  @Test func aRateMayComeTogetherWithItsKey() {
    var keys = keys("l0.02\n")
    #expect(keys.nextOrder() == .learningRate(0.02) && keys.typed.isEmpty && keys.rate == nil)
    #expect(!self.keys("load\n").typed.isEmpty)
  }

  @Test func whatIsNoKeyIsTextForThePrompt() {
    func typed(_ keys: DashboardKeys) -> String { String(decoding: keys.typed, as: UTF8.self) }
    let statement = keys("x", " ", "=", "p", "s", "q", "l", "d", "\n")
    #expect(
      typed(statement) == "x =psqld\n" && statement.orders.isEmpty && !statement.isPaused && !statement.isStopping)
    #expect(statement.line == "for the next prompt: x =psqld⏎_   Escape drops it")
    // A paste that begins with a key is no key.
    #expect(typed(keys("print(1)\n")) == "print(1)\n" && !keys("print(1)").isPaused)
    #expect(typed(keys("p = \"ü\"\u{7F}\u{7F}")) == "p = \"")
    #expect(typed(keys("aü\u{7F}")) == "a")
    let dropped = keys("abc", "\u{1B}")
    #expect(dropped.typed.isEmpty && dropped.message == "what was typed is dropped")
    #expect(keys("abc", "\u{7F}\u{7F}\u{7F}", "p").isPaused, "nothing is left of it, and keys are keys again")
    #expect(keys(String(repeating: "a", count: 200_000)).typed.count == 1 << 16)
  }
}
