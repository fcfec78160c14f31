import Interpreter
import Testing

/// Errors with their kind, place, message and hint.
@Suite struct ErrorTests {
  @Test(arguments: [
    ("pritn(1)", "name 1:1 \"pritn\": there is no function pritn (did you mean print?)"),
    ("clamp(1)", "name 1:1 \"clamp\": there is no function clamp (use clip(x, min=…, max=…))"),
    ("x = 1\ny = xz + 1", "name 2:5 \"xz\": there is no variable or function xz (did you mean x?)"),
    (
      "const a = 1\na = 2",
      "name 2:1 \"a\": a is a constant and cannot be set again (leave const out where it is first set)"
    ),
    ("y = x\nx = 1", "name 1:5 \"x\": x is used before it is set (line 2 sets it)"),
    (
      "fn f() { outer q = 1 }",
      "name 1:16 \"q\": no enclosing function has a variable q (set it in the enclosing function first, or leave outer out)"
    ),
    ("outer q = 1", "name 1:7 \"q\": outer has no meaning at the top level (write q = … without it)"),
    (
      "x = 1\nfn f() { x += 1 }",
      "name 2:10 \"x\": x belongs to the top level, not to this function (outer x … changes it there)"
    ),
    ("break", "syntax 1:1 \"break\": break is not within a loop"),
    ("return 3", "syntax 1:1 \"return 3\": return is not within a function (exit() ends a script)"),
    (
      "fn f() { x = if true { return 1 } else { 2 }; x }",
      "syntax 1:24 \"return 1\": return cannot leave a block whose value is used (set a variable in the block, and return it after)"
    ),
    ("np.mean([1])", "name 1:1 \"np.mean\": there is no module np (functions need no prefix here)"),
    ("math.sqrt(2)", "name 1:1 \"math.sqrt\": there is no module math (write sqrt without math.)"),
    (
      "xs = [1]\nxs.append(2)\nxs",
      "value 2:1 \"xs.append(2)\": append changes nothing: it returns a new value (xs = append(xs, …))"
    ),
    (
      "xs = [2, 1]\nif true { sort(xs) }\nxs",
      "value 2:11 \"sort(xs)\": sort changes nothing: it returns a new value (xs = sort(xs))"
    ),
    ("fn f(x: strin) { x }", "type 1:9 \"strin\": there is no type strin (did you mean string?)"),
  ])
  func foundBeforeRunning(_ source: String, _ expected: String) {
    #expect(run("print(\"ran\")\n" + source) == moved(expected))
  }

  /// The sources above stand one line further down.
  private func moved(_ text: String) -> String {
    var parts = text.split(separator: " ", maxSplits: 2).map(String.init)
    let place = parts[1].split(separator: ":").map { Int($0) ?? 0 }
    parts[1] = "\(place[0] + 1):\(place[1])"
    return parts.joined(separator: " ").replacing("(line 2 sets it)", with: "(line 3 sets it)")
  }

  @Test func allAreReportedTogether() {
    #expect(
      run("x = qqqq\ny = wwww(2)\nfn f(p) { zzzz }\nf(1, 2)") == """
        name 1:5 "qqqq": there is no variable or function qqqq
        name 2:5 "wwww": there is no function wwww
        name 3:11 "zzzz": there is no variable or function zzzz
        type 4:6 "2": f takes 1 argument, not 2
        """)
  }

  @Test(arguments: [
    ("round(2.5, dgits=1)", "type 1:12 \"dgits\": round has no argument dgits (did you mean digits?)"),
    ("len()", "type 1:1 \"len()\": len needs the argument x"),
    ("len(1, 2)", "type 1:8 \"2\": len takes 1 argument, not 2"),
    ("sort([1], xs=[2])", "type 1:11 \"xs\": sort gets xs twice"),
    ("sum([1], dim=0)", "type 1:10 \"dim\": sum has no argument dim (the axis of a tensor is named axis: axis=…)"),
    ("upper(3)", "type 1:7 \"3\": s of upper must be a string, not int 3"),
    ("sleep(-1)", "value 1:7 \"-1\": seconds of sleep must be >= 0, not -1.0"),
    ("range(1.5)", "type 1:7 \"1.5\": start of range must be an int, not float 1.5"),
    ("map([1], 3)", "type 1:10 \"3\": f of map must be a function, not int 3"),
    ("fn f(T: float > 0) { T }\nf(-1)", "value 2:3 \"-1\": T of f must be > 0, not -1.0"),
    (
      "fn f(m: string in [\"mean\", \"sum\"]) { m }\nf(\"men\")",
      "value 2:3 \"\"men\"\": m of f must be one of [\"mean\", \"sum\"], not \"men\" (did you mean \"mean\"?)"
    ),
    ("f = (a, b) => a\nf(1)", "type 2:1 \"f(1)\": f needs the argument b"),
    (
      "fn f(n: int | none = none) { n }\nf(\"x\")",
      "type 2:3 \"\"x\"\": n of f must be an int or none, not the string \"x\" (float(x) or int(x) make a number of a string)"
    ),
  ])
  func arguments(_ source: String, _ expected: String) { #expect(run(source) == expected) }

  @Test(arguments: [
    (
      "1 + \"a\"",
      "type 1:3 \"+\": + does not work on an int and a string (put the value into the string: \"… {x}\", or make a string of it with str(x))"
    ),
    ("1 / 0", "numeric 1:3 \"/\": division by zero (test the divisor before dividing)"),
    (
      "9223372036854775807 + 1",
      "numeric 1:21 \"+\": 9223372036854775807 + 1 does not fit in an int of 64 bits (compute with floats: 9223372036854775807.0 + 1)"
    ),
    (
      "[1][3]",
      "value 1:5 \"3\": index 3 is out of range for a list of 1 (the indices go from 0 to 0, or from -1 back to -1)"
    ),
    ("r = {acc: 1}\nr.ac", "name 2:3 \"ac\": the record has no field ac (did you mean acc?)"),
    ("if 1 { }", "type 1:4 \"1\": a condition must be true or false, not an int (write x != 0)"),
    (
      "a, b = [1, 2, 3]", "value 1:1 \"a, b\": 2 values are needed here, not 3 (*rest takes any number: a, *rest = xs)"
    ),
    (
      "for i in 5 { }",
      "type 1:10 \"5\": an int has no elements to go through (for i in range(n) counts from 0 to n - 1)"
    ),
    (
      "g = 3\ng(2)",
      "type 2:1 \"g(2)\": an int cannot be called (only functions can be called, and objects such as models)"
    ),
    ("assert(1 > 2)", "assertion 1:8 \"1 > 2\": the assertion failed: 1 > 2"),
    ("sqrt(-1)", "numeric 1:6 \"-1\": sqrt(-1) is not a real number"),
    (
      "fn f() { if false { x = 1 }\n x }\nf()", "name 2:2 \"x\": x has no value yet (the line that sets it has not run)"
    ),
    (
      "\"{1.5:d}\"",
      "type 1:6 \":d\": the format d does not fit a float (int(x) makes an int; .0f shows a float without decimals)"
    ),
    (
      "s = \"abc\"\ns[0] = \"x\"",
      "type 2:1 \"s[0]\": the characters of a string cannot be set (make a new string: \"{s[:i]}x{s[i + 1:]}\")"
    ),
    (
      "1 < \"a\"",
      "type 1:3 \"<\": an int and a string have no order (make a number of the string with float(x) or int(x))"
    ),
    ("3.foo()", "name 1:3 \"foo\": an int has no foo, and no function has that name"),
    (
      "sort([1, \"a\"])",
      "type 1:6 \"[1, \"a\"]\": an int and a string have no order (make a number of the string with float(x) or int(x))"
    ),
  ])
  func whileRunning(_ source: String, _ expected: String) { #expect(run(source) == expected) }

  @Test func traceNamesTheCalls() throws {
    let session = Session(table: .core)
    guard
      case .failure(let diagnostics) = session.run(
        Source(name: "t", text: "fn inner(x) { 1 / x }\nfn middle(x) { inner(x) }\nmiddle(0)"))
    else {
      Issue.record("it must fail")
      return
    }
    let diagnostic = try #require(diagnostics.first)
    #expect(diagnostic.trace.map(\.function) == ["inner", "middle"])
    #expect(diagnostic.trace.map { $0.source.text($0.span) } == ["inner(x)", "middle(0)"])
  }

  @Test func operandsAreLabelled() throws {
    let session = Session(table: .core)
    guard case .failure(let diagnostics) = session.run(Source(name: "t", text: "x = 1\ny = \"s\"\nx * 2 - y")) else {
      Issue.record("it must fail")
      return
    }
    let diagnostic = try #require(diagnostics.first)
    let source = try #require(diagnostic.source)
    #expect(
      diagnostic.labels.map { "\(source.text($0.span)): \($0.text)" } == [
        "x * 2: this is an int", "y: this is a string",
      ])
    #expect(diagnostic.span.map { source.text($0) } == "-")
  }
}
