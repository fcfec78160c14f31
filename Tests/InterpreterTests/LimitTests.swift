import Base
import HostSupport
import Interpreter
import Testing

/// Whatever a program does ends in an ordinary error.
@Suite struct LimitTests {
  @Test(arguments: [
    "fn f(n) { f(n + 1) }\nf(0)", "fn f(n) { [f(n + 1) for i in 1..2] }\nf(0)", "f = x => g(x)\nfn g(x) { f(x) }\ng(1)",
    "fn f(n) { sort([1, 2], key=x => f(n)) }\nf(0)", "fn f(r) { r |> map(x => f([x])) }\nf([1])",
    "fn f(n) { 1 + (2 + (3 + (4 + (5 + (6 + (7 + (8 + f(n)))))))) }\nf(0)",
  ])
  func recursionWithoutEnd(_ source: String) {
    #expect(run(source).contains("too many calls within calls"))
  }

  @Test(arguments: [
    "[0] * 10**12", "[1, 2] * 9223372036854775807", "\"ab\" * 10**15", "list(1..10**15)", "list(range(10**18))",
    "x = [0]\nwhile true { x += x }", "s = \"x\"\nwhile true { s += s }", "[i for i in 1..10**12]",
    "-9223372036854775807 .. 9223372036854775807", "10**9 * 10**9 * 10**9", "-(-9223372036854775807 - 1)",
    "(-9223372036854775807 - 1) // -1", "abs(-9223372036854775807 - 1)", "floor(1e300)", "int(nan)", "2 ** 64",
  ])
  func sizesAndOverflow(_ source: String) {
    var limits = Limits()
    limits.elements = 1_000_000
    limits.stringBytes = 1_000_000
    let result = run(source, limits: limits)
    #expect(result.hasPrefix("memory ") || result.hasPrefix("numeric ") || result.hasPrefix("value "), "\(result)")
  }

  @Test func nestedListsAreFreedPrintedAndCompared() {
    let build = "x = []\nfor i in range(200_000) { x = [x] }\n"
    #expect(run(build + "len(str(x)) > 100").hasSuffix("true"))
    #expect(run(build + "y = [x]\nx == y[0][0]").contains("nested more than"))
    #expect(run(build + "len(unique([x, x])) > 0").hasSuffix("true"))
  }

  @Test func listsThatHoldOthersManyTimesArePrintedWithinLimits() {
    var limits = Limits()
    limits.stringBytes = 100_000
    let build = "x = [1]\nfor i in range(60) { x = [x, x] }\n"
    #expect(run(build + "str(x)", limits: limits).hasPrefix("memory "))
    #expect(run(build + "len(unique([x, x]))", limits: limits) == "1")
    #expect(run(build + "x", limits: limits).utf8.count < 10_000_000)
  }

  @Test func boundFunctionsWithinBoundFunctionsAreFreed() {
    #expect(run("f = 1\nfor i in range(200_000) { f = f.str }\nf = none\n1") == "1")
  }

  @Test func nestedRecordsAndClosuresAreFreed() {
    #expect(run("x = {}\nfor i in range(200_000) { x = {a: x} }\nx = none\n1") == "1")
    #expect(run("fn wrap(g) { () => g }\nf = () => 1\nfor i in range(200_000) { f = wrap(f) }\nf = none\n1") == "1")
  }

  @Test func stepsAndSecondsStopARun() {
    var limits = Limits()
    limits.steps = 10_000
    #expect(run("while true { }", limits: limits).contains("stopped after 10000 steps"))
    #expect(run("while true { try { error(\"x\") } catch e { } }", limits: limits).contains("stopped after"))
    limits.steps = nil
    limits.seconds = 0.05
    #expect(
      run("x = 0\nwhile true { x += 1 }", limits: limits)
        == "limit 2:1 \"while true { x += 1 }\": stopped after 0.05 seconds (raise --max-seconds, or leave it out)")
  }

  /// Whatever holds the memory, and in however few steps; `try` is no way round.
  @Test(arguments: [
    "x = []\nwhile true { x = append(x, [0] * 10**6) }", "x = []\nwhile true { x = append(x, 1) }",
    "s = \"x\"\nwhile true { s += s }", "r, i = {}, 0\nwhile true {\n r[\"k{i}\"] = i\n i += 1\n}",
    "[[0] * 10**6 for i in range(10**6)]", "list(1..10**8)", "range(10**8) |> map(x => [x])", "[0] * 10**8",
    "x = [1]\nfor i in range(60) { x = [x, x] }\nstr(x)",
    "while true { try { x = [0] * 10**8 } catch e { x = none } }",
  ])
  func memoryIsLimited(_ source: String) {
    var limits = Limits()
    limits.memoryBytes = 256 << 20
    let result = run(source, limits: limits)
    #expect(result.hasPrefix("limit ") && result.contains("256 MiB"), "\(result)")
  }

  @Test func aRunWithinItsLimitsIsLeftAlone() {
    var limits = Limits()
    limits.memoryBytes = 64 << 30
    limits.seconds = 100
    limits.steps = 1_000_000
    #expect(run("x = []\nfor i in range(1000) { x = append(x, i) }\nlen(x)", limits: limits) == "1000")
  }

  @Test func interruptStopsARunAndKeepsVariables() {
    let stop = StopSignal()
    let session = Session(table: .core, host: TestHost { _ in stop.raise(.interrupted) }, stop: stop)
    let outcome = lines(session.run(Source(name: "t", text: "x = 5\nprint(x)\nx = 6\nprint(x)")), session)
    #expect(outcome.contains("interrupted"))
    #expect(session["x"]?.asInt == 5, "no statement after it runs")
    stop.clearInterrupt()
    #expect(lines(session.run(Source(name: "t", text: "x + 1")), session) == "6")
  }

  /// Between Enter and the first statement, or in the last one.
  @Test(arguments: ["1 + 1", "print(1)", "fn f() { print(1); 2 }; f()"])
  func anInterruptIsNotLost(_ source: String) {
    let stop = StopSignal()
    let session = Session(table: .core, host: TestHost { _ in stop.raise(.interrupted) }, stop: stop)
    stop.raise(.interrupted)
    #expect(lines(session.run(Source(name: "t", text: source)), session).contains("interrupted"))
    stop.clearInterrupt()
    let outcome = lines(session.run(Source(name: "t", text: source)), session)
    #expect(outcome.contains("interrupted") == source.contains("print"))
  }

  @Test func filesCanBeForbidden() {
    var limits = Limits()
    limits.allowsFiles = false
    #expect(run("import \"m.ltd\"", limits: limits, files: ["m.ltd": "x = 1"]).hasPrefix("limit 1:8"))
  }

  @Test func manyGuardsAndBranches() {
    let guards = (0..<3_000).map { "if n == \($0) { return \($0) }" }.joined(separator: "\n")
    #expect(run("fn f(n) { \(guards)\n -1 }\n[f(2999), f(5000)]") == "[2999, -1]")
  }
}
