import Base
import Builtins
import HostSupport
import Interpreter
import Testing

/// What Ctrl-C leaves of long work is returned and marked, and what stands after it does not run.
@Suite struct KeptResultsTests {
  /// Runs a program that is interrupted at one look after the other until it is through, and says what was left each time.
  private static func outcomes(_ program: String, of result: String, least: Int, every: Int) throws -> [String] {
    let session = Session(table: .standard)
    let before = """
      net = mlp(hidden=[16]); data, rest = glyphs(n=1000, test=100, seed=1)
      """
    guard case .value = session.run(Source(name: "before", text: before)) else { return [] }
    var outcomes: [String] = []
    for look in stride(from: least, to: 100_000, by: every) {
      let looks = Locked(0)
      session.stop.clearInterrupt()
      _ = session.run(Source(name: "clear", text: "kept = none; after = false"))
      session.stop.atEveryLook { [unowned stop = session.stop] in
        if looks.withLock({
          $0 += 1
          return $0 == look
        }) {
          stop.raise(.interrupted)
        }
      }
      let outcome = session.run(Source(name: "program", text: "kept = \(program)\nafter = true"))
      session.stop.atEveryLook(nil)
      let wasInterrupted = session.stop.isInterrupted
      session.stop.clearInterrupt()
      func value(_ text: String) -> String {
        guard case .value(let value, _) = session.run(Source(name: "value", text: text)) else { return "error" }
        return value.text(PrintOptions())
      }
      // The last look of all is after the last statement.
      guard wasInterrupted, value("after") == "false" else { break }
      if case .value = outcome { Issue.record("the program went on to its end") }
      outcomes.append(value("if kept == none { \"nothing\" } else { \(result) }"))
    }
    return outcomes
  }

  @Test func perturbReturnsTheImagesThatAreDone() throws {
    let found = try Self.outcomes(
      "perturb(net, data, attack=pgd(eps=0.1, steps=3))", of: "str(kept.shape[0])", least: 5, every: 37)
    #expect(Set(found).isSubset(of: ["nothing", "250", "500", "750", "1000"]), "\(found)")
    #expect(Set(found).count > 3 && found.first == "nothing")
  }

  @Test func whatifSaysOfHowManyImagesItIs() throws {
    let found = try Self.outcomes(
      "whatif(net, data, T=[1, 4])", of: "if \"n\" in kept[0] { str([row.n for row in kept]) } else { \"all\" }",
      least: 2, every: 1)
    #expect(found.contains("[250, 250]") && found.contains("[750, 750]"), "\(found)")
    #expect(
      Set(found).isSubset(of: ["nothing", "[250, 250]", "[500, 500]", "[750, 750]", "[1000, 1000]", "[1000]", "all"]))
  }

  @Test func evaluateReturnsBounds() throws {
    let found = try Self.outcomes(
      "evaluate(net, data, attacks=[fgsm(), pgd(steps=2)], quiet=true)", of: "str([kept.complete, kept.worst_case])",
      least: 5, every: 41)
    #expect(found.contains { $0.hasPrefix("[false") } && found.first == "nothing", "\(found)")
    // The bound falls as more is attacked.
    let bounds = found.filter { $0.hasPrefix("[false") }.compactMap { Double($0.dropFirst(8).dropLast()) }
    #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0 >= $1 } && bounds.count > 2)
  }
}
