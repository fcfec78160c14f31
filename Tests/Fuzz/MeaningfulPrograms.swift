import Interpreter
import TestSupport

/// Writes random programs whose names and calls are right, so that they get as far as running.
struct MeaningfulPrograms {
  private var random: SeededGenerator
  private var variables: [String] = []
  private var functions: [(name: String, count: Int)] = []
  private var budget = 0
  private var next = 0
  private var isInFunction = false
  private var isInLoop = false

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func program() -> String {
    variables = ["i", "x", "s", "xs", "r", "g", "f"]
    functions = []
    // Short ones with a long tail.
    let isLong = below(32) == 0
    budget = isLong ? 60 : 5
    var lines = [
      "i = \(pick(Self.ints))", "x = \(pick(Self.floats))", "s = \(pick(Self.strings))",
      "xs = [\(pick(Self.ints)), \(pick(Self.ints)), \(pick(Self.atoms))]",
      "r = {a: \(pick(Self.atoms)), b: \(pick(Self.ints))}", "g = 1..\(below(6))", "f = v => v",
    ]
    for _ in 0..<(isLong ? 2 + below(6) : 1 + below(2)) {
      // Most go on after an error.
      let written = statement(0)
      let isDefinition = written.count > 1 && written[0].hasPrefix("fn ")
      if isDefinition || below(isLong ? 5 : 2) == 0 {
        lines.append(contentsOf: written)
      } else {
        lines.append(contentsOf: ["try {"] + written.map { "  " + $0 } + ["} catch e {", "  print(e.message)", "}"])
      }
    }
    lines.append("print(\(pick(variables)), \(pick(variables)))")
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: Choices

  private mutating func below(_ n: Int) -> Int { Int.random(in: 0..<n, using: &random) }
  private mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }

  private static let ints = [
    "0", "1", "2", "3", "7", "10", "-1", "-2", "9223372036854775807", "-9223372036854775807", "1000000", "0xff",
  ]
  private static let floats = ["0.0", "1.5", "-2.5", "1e308", "1e-320", "inf", "nan", "-inf", "0.1", "3.0"]
  private static let strings = [
    "\"\"", "\"abc\"", "'raw {x}'", "\"τ 日本\"", "\"a,b,c\"", "\" 12 \"", "\"é\"", "\"x\" * 20", "\"1.5\"", "\"a\"",
  ]
  private static let atoms = ints + floats + strings + ["none", "true", "false", "[]", "{}", "[1, [2]]", "(1..3)"]
  private static let operators = ["+", "-", "*", "/", "//", "%", "**", "@"]
  private static let comparisons = ["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
  private static let formats = ["", ":>8", ":.2f", ":,", ":x", ":^9.3e", ":08.1f", ":+d", ":%", ":s", ":_<5", ":c"]
  private static let fields = ["a", "b", "c"]

  /// Those of the language itself.
  private static let builtins: [(name: String, least: Int, most: Int, named: [String])] =
    BuiltinTable.core.functions.values.filter { $0.name != "exit" }.sorted { $0.name < $1.name }.map { builtin in
      let shape = builtin.signature.shape
      return (builtin.name, shape.required, shape.positional, shape.names)
    }

  // MARK: Statements

  private mutating func block(_ depth: Int) -> [String] {
    var lines: [String] = []
    for _ in 0..<(1 + below(3)) { lines.append(contentsOf: statement(depth + 1)) }
    return lines.map { "  " + $0 }
  }

  private mutating func statement(_ depth: Int) -> [String] {
    budget -= 1
    guard budget > 0 else { return [expression(3)] }
    switch below(depth < 3 ? 20 : 9) {
    case 0, 1: return ["\(pick(variables)) = \(expression(0))"]
    case 2: return ["\(pick(variables)) \(pick(["+=", "-=", "*=", "//=", "%="])) \(expression(1))"]
    case 3: return ["xs[\(index())] = \(expression(1))"]
    case 4: return ["r.\(pick(Self.fields)) = \(expression(1))"]
    case 5: return ["xs[\(pick(["", "0", "-1", "2"])):\(pick(["", "1", "-1", "9"]))] = [\(expression(2))]"]
    case 6: return ["xs = append(xs, \(expression(1)))"]
    case 7: return ["\(pick(variables)), \(pick(variables)) = \(expression(2)), \(expression(2))"]
    case 8: return ["print(\(expression(0)))"]
    case 9, 10:
      return ["try {"] + block(depth) + ["} catch e {", "  print(e.kind, e.message)", "}"]
    case 11: return ["if \(condition()) {"] + block(depth) + ["} else {"] + block(depth) + ["}"]
    case 12, 13:
      let wasInLoop = isInLoop
      isInLoop = true
      let body = block(depth)
      isInLoop = wasInLoop
      return ["for \(pick(["v", "v, w", "[v, *w]"])) in \(expression(1)) {"] + body + [
        "  \(pick(["break", "continue", "i"]))", "}",
      ]
    case 14:
      let body = block(depth)
      return ["n = 0", "while n < 3 {", "  n += 1"] + body + ["}"]
    case 15, 16: return function(depth)
    case 17 where isInFunction: return ["return \(expression(1))"]
    case 18: return ["{a, b: q} = {a: \(expression(2)), ...r}", "print(a, q)"]
    case 19: return ["xs[\(index())] += \(expression(2))"]
    default: return ["\(pick(variables)) = \(call(1))"]
    }
  }

  private mutating func function(_ depth: Int) -> [String] {
    next += 1
    let name = "fn\(next)"
    let count = below(3)
    let known = variables
    let (wasInFunction, wasInLoop) = (isInFunction, isInLoop)
    (isInFunction, isInLoop) = (true, false)
    let parameters = (0..<count).map { "p\($0)" }
    let types = (0..<count).map { _ in pick(["", "", "", ": int", ": float", ": list", ": any = 1"]) }
    let defaulted = types.firstIndex { $0.hasSuffix("1") } ?? count
    let header = zip(parameters, types).enumerated().map { place, pair in
      pair.0 + (place > defaulted ? " = \(place)" : pair.1)
    }
    // Variables from outside can be read within; those that are set there become the function's own.
    variables = parameters + ["i2", "xs2"]
    var lines = ["fn \(name)(\(header.joined(separator: ", "))) {", "  i2 = \(pick(Self.ints))", "  xs2 = xs"]
    for _ in 0..<(1 + below(3)) {
      switch below(4) {
      case 0: lines.append("  \(pick(variables)) = \(expression(1))")
      case 1: lines.append("  if \(condition()) { return \(expression(1)) }")
      case 2: lines.append("  outer i \(pick(["=", "+="])) \(expression(2))")
      default: lines.append("  xs2 = append(xs2, () => \(pick(variables)))")
      }
    }
    lines.append("  \(pick(variables))")
    lines.append("}")
    variables = known
    (isInFunction, isInLoop) = (wasInFunction, wasInLoop)
    if depth == 0 { functions.append((name, defaulted)) }
    lines.append(
      "try { print(\(name)(\((0..<count).map { _ in atom() }.joined(separator: ", ")))) } catch e { print(e.hint) }")
    return lines
  }

  // MARK: Expressions

  private mutating func atom() -> String { below(2) == 0 ? pick(variables) : pick(Self.atoms) }

  private mutating func index() -> String { pick(["0", "1", "-1", "i", "5", "\"a\"", "none", "true"]) }

  private mutating func condition() -> String {
    switch below(5) {
    case 0: "\(expression(2)) \(pick(Self.comparisons)) \(expression(2))"
    case 1: "not (\(atom()) == \(atom()))"
    case 2: "\(atom()) == \(atom()) \(pick(["and", "or"])) \(atom()) != \(atom())"
    case 3: "0 < \(atom()) <= \(atom())"
    default: pick(["true", "false", "len(xs) > 1", "i == 1"])
    }
  }

  private mutating func expression(_ depth: Int) -> String {
    guard depth < 4 else { return atom() }
    switch below(18) {
    case 0, 1, 2: return "\(operand(depth)) \(pick(Self.operators)) \(operand(depth))"
    case 3: return "(\(condition()))"
    case 4, 5, 6: return call(depth)
    case 7: return "\(pick(["xs", "s", "g", "r", "\"abc\"", "[1, 2, 3]"]))[\(index())]"
    case 8:
      return
        "\(pick(["xs", "s", "g"]))[\(pick(["", "0", "-2", "i"])):\(pick(["", "2", "-1"]))\(pick(["", ":2", ":-1", ":0"]))]"
    case 9: return "[\(pick(["v", "v * 2", "[v]", "str(v)"])) for v in \(expression(depth + 1)) if \(condition())]"
    case 10: return "[\(expression(depth + 1)), \(pick(["", "*"]))\(expression(depth + 1))]"
    case 11: return "{a: \(expression(depth + 1)), \(pick(["...r, ", ""]))c: \(expression(depth + 1))}"
    case 12: return "\"<{(\(atom()))\(pick(Self.formats))}> {\(pick(variables))}\""
    case 13: return "\(operand(depth)) .. \(operand(depth))\(pick(["", " by 2", " by -1", " by i"]))"
    case 14: return "if \(condition()) { \(expression(depth + 1)) } else { \(expression(depth + 1)) }"
    case 15: return "try { \(expression(depth + 1)) } catch e { e.message }"
    case 16: return "- \(operand(depth))"
    default: return atom()
    }
  }

  private mutating func operand(_ depth: Int) -> String {
    below(2) == 0 ? atom() : "(\(expression(depth + 1)))"
  }

  private mutating func call(_ depth: Int) -> String {
    if below(4) == 0, !functions.isEmpty {
      let function = pick(functions)
      return "\(function.name)(\((0..<function.count).map { _ in expression(depth + 1) }.joined(separator: ", ")))"
    }
    if below(6) == 0 { return "map(\(atom()), v => \(pick(["v", "[v, v]", "v + 1", "i"])))" }
    if below(8) == 0 { return "sort(\(expression(depth + 1)), key=v => \(pick(["v", "-v", "str(v)", "0"])))" }
    let builtin = pick(Self.builtins)
    let count = builtin.least + (builtin.most > builtin.least ? below(builtin.most - builtin.least + 1) : 0)
    var arguments = (0..<count).map { _ in below(5) == 0 ? "v => v" : expression(depth + 2) }
    // A lambda goes without a name only at the end.
    for place in arguments.indices.dropLast() where arguments[place].hasPrefix("v =>") {
      arguments[place] = "(\(arguments[place]))"
    }
    if let name = builtin.named.dropFirst(count).randomElement(using: &random), below(4) == 0 {
      arguments.append("\(name)=\(atom())")
    }
    if count > 0, below(3) == 0 {
      return "(\(arguments[0])).\(builtin.name)(\(arguments.dropFirst().joined(separator: ", ")))"
    }
    return "\(builtin.name)(\(arguments.joined(separator: ", ")))"
  }
}
