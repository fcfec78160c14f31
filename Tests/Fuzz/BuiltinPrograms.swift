import Builtins
import Syntax
import TestSupport

/// Writes programs that call built-ins, most with arguments of the types that their signatures ask for.
struct BuiltinPrograms {
  private var random: SeededGenerator
  /// How many variables `v0`, `v1`, … there are.
  private var variables = 0

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func program() -> String {
    variables = 0
    var lines: [String] = []
    for _ in 0..<(1 + below(chance(8) ? 8 : 4)) {
      let written = statement()
      lines.append("try { v\(variables) = \(written) } catch e { v\(variables) = e.message }")
      variables += 1
      if chance(4) {
        lines.append("try { \(use("v\(below(variables))")) } catch e { print(e.hint) }")
      }
      if chance(8) {
        lines.append(
          "try { v\(below(variables))[\(pick(Self.indices))] \(pick(["=", "=", "+=", "*="])) \(value(["any"])) } catch e { print(e) }"
        )
      }
    }
    lines.append(
      "print("
        + (0..<variables).map { chance(3) ? "\"{v\($0)\(pick(Self.formats))}\"" : "v\($0)" }.joined(separator: ", ")
        + ")")
    return lines.joined(separator: "\n") + "\n"
  }

  private mutating func below(_ n: Int) -> Int { Int.random(in: 0..<n, using: &random) }
  private mutating func chance(_ n: Int) -> Bool { below(n) == 0 }
  private mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }

  private static let formats = ["", "", ":>8", ":.2f", ":,", ":x", ":^9.3e", ":08.1f", ":+d", ":%", ":s", ":_<5"]

  // MARK: Calls

  private struct Parameter {
    var name: String
    var types: [String]
    var kind: Syntax.Parameter.Kind
    var isRequired: Bool
  }

  private struct Function {
    var name: String
    var parameters: [Parameter]
  }

  /// In two heaps by what they cost.
  private static let (light, heavy): ([Function], [Function]) = {
    let heavyFamilies: Set = ["models", "training", "evaluation", "attacks", "temperature", "data"]
    var light: [Function] = []
    var heavy: [Function] = []
    for builtin in FuzzTable.standard.functions.values.sorted(by: { $0.name < $1.name }) {
      guard let signature = try? parseSignature(builtin.signature.text) else { continue }
      let function = Function(
        name: builtin.name,
        parameters: signature.parameters.map { parameter in
          Parameter(
            name: parameter.name.text, types: parameter.type?.alternatives.map(\.name.text) ?? ["any"],
            kind: parameter.kind, isRequired: parameter.defaultValue == nil)
        })
      if heavyFamilies.contains(builtin.family) { heavy.append(function) } else { light.append(function) }
    }
    return (light, heavy)
  }()

  private mutating func statement() -> String {
    switch below(16) {
    case 0: use(value(["any"]))
    case 1:
      "(\(value(["any"]))) \(pick(["+", "-", "*", "/", "//", "%", "**", "@", "==", "<", "in"])) (\(value(["any"])))"
    default: call(chance(100) ? pick(Self.heavy) : pick(Self.light))
    }
  }

  private mutating func call(_ function: Function, depth: Int = 0) -> String {
    var arguments: [String] = []
    var isNamed = false
    for parameter in function.parameters {
      let types = chance(12) ? ["any"] : parameter.types
      switch parameter.kind {
      case .rest where !isNamed:
        arguments.append(contentsOf: (0..<below(3)).map { _ in value(types, depth: depth + 1) })
      case .named, .rest: continue
      case .normal:
        guard parameter.isRequired || chance(3) else {
          isNamed = true
          continue
        }
        let text = name(parameter, types, depth)
        arguments.append(isNamed ? "\(parameter.name)=\(text)" : text)
      }
    }
    if !isNamed, chance(60) { arguments.append(value(["any"], depth: depth + 1)) }
    if !isNamed, chance(40), !arguments.isEmpty { arguments.removeLast() }
    if chance(4), let first = arguments.first, !function.parameters.isEmpty, !first.contains("=") {
      return "(\(first)).\(function.name)(\(arguments.dropFirst().joined(separator: ", ")))"
    }
    return "\(function.name)(\(arguments.joined(separator: ", ")))"
  }

  /// An argument; some parameters are kept small, since what they count takes long.
  private mutating func name(_ parameter: Parameter, _ types: [String], _ depth: Int) -> String {
    switch parameter.name {
    case "axis": return pick(["0", "1", "-1", "-2", "2", "[0, 1]"])
    case "shape", "order", "input":
      return pick(["[2, 3]", "[6]", "[0]", "[1, 4, 4]", "[-1]", "[2, -1]", "[]", "[1, 0]", "[2, 2, 2, 2]"])
    case "hidden", "planes", "width": return pick(["[]", "[2]", "[1, 1, 1, 1]", "[0]"])
    case "size" where !chance(4): return pick(["4", "8", "1"])
    case "schedule" where chance(4), "augment" where chance(4): return value(types, depth: depth + 1)
    case "reduction", "schedule", "augment", "init", "variant", "on", "objective": return pick(Self.words)
    default: return value(types, depth: depth + 1)
    }
  }

  private static let words = [
    "\"mean\"", "\"sum\"", "\"none\"", "\"standard\"", "\"zero\"", "\"kaiming_fan_in\"", "\"raw\"", "\"trades\"",
    "\"at\"",
    "\"ce\"", "\"margin\"", "\"cyclic\"", "\"step\"", "\"x\"", "3",
  ]

  private static let indices = [
    "0", "-1", "1", "0, 0", "...", ":", "::2", "1:, 0", "[0, 1]", "none", "true", "::-1", "9", "..., 0",
    "[true, false]",
    "tensor([0, 1])", "0:1, :", "\"a\"", "9223372036854775807", "-2:", "v0", "5:1", "[], 0", "v0 > 1", "1:9:3",
  ]

  /// Something done with a value.
  private mutating func use(_ value: String) -> String {
    switch below(12) {
    case 0: "(\(value))[\(pick(Self.indices))]"
    case 1: "(\(value)).\(pick(["T", "shape", "dtype", "size", "a", "message", "count", "layers", "images", "labels"]))"
    case 2: "-(\(value))"
    case 3: "[q for q in (\(value))]"
    case 4: "\"{(\(value))\(pick(Self.formats))}\""
    case 5: "str(\(value)) == str(\(value))"
    case 6: "(\(value)) == (\(value))"
    case 7: "(\(value)) * (\(self.value(["any"])))"
    case 8: "if \(value) { 1 } else { 2 }"
    case 9: "{w: \(value)}.w"
    case 10: "(\(value))(\(self.value(["any"])))"
    default: "len(\(value))"
    }
  }

  // MARK: Values

  /// Any text of letters that mean something to a format, JSON or CSV.
  private mutating func text() -> String {
    let letters = Array("{}[]\",:;.0123456789eE+-#%<>^_ \t\\nulltruefals😀é\u{301}日xsdfgbcoX")
    return "'" + String((0..<below(chance(8) ? 30 : 8)).map { _ in pick(letters) }) + "x'"
  }

  private mutating func value(_ types: [String], depth: Int = 0) -> String {
    if variables > 0, chance(4) { return "v\(below(variables))" }
    if chance(4), types.contains("string") { return text() }
    if depth < 2, chance(12) { return call(pick(Self.light), depth: depth + 1) }
    let type = pick(types)
    return pick(Self.values[type] ?? Self.all)
  }

  private static let values: [String: [String]] = {
    let ints = [
      "0", "1", "2", "3", "4", "1", "2", "5", "-1", "-3", "10", "100", "9223372036854775807",
      "-9223372036854775807 - 1",
    ]
    let floats = ["0.5", "1.0", "0.1", "8/255", "-2.5", "0.0", "-0.0", "inf", "nan", "1e308", "1e-320", "3"]
    let strings = [
      "\"\"", "\"abc\"", "\"a,b\\n1,2\\n\"", "\"τ 日 é\"", "\" 12 \"", "\"1.5\"", "\"{{\\\"a\\\": [1, 2]}}\"", "\"a\"",
      "\",\"",
      "\"x\" * 30", "\"👩‍👩‍👧\"", "\">8.2f\"", "\"2026-11-24\"",
    ]
    let lists = [
      "[]", "[1, 2, 3]", "[[1, 2], [3, 4]]", "[1.5, nan, -inf]", "[\"a\", \"b\"]", "[1, \"a\", none]",
      "[{a: 1}, {a: 2, b: 3}]",
      "[[\"k\", 1], [\"l\", 2]]", "[[1], [2, 3]]", "[2, 2]", "[3, 1, 2]", "[tensor([1.0]), tensor([2.0])]",
      "[true, false]",
      "[relu(), linear(2)]", "[fgsm()]", "[[], []]",
    ]
    let records = [
      "{}", "{a: 1}", "{a: 1, b: [2]}", "{\"x y\": none}", "{a: {a: {a: 1}}}", "{a: linear(2), b: relu()}",
    ]
    let functions = [
      "(x => x)", "(x => -x)", "((a, b) => a)", "(() => 1)", "(x => x * x)", "((*xs) => xs)", "str", "sum",
      "(x => error(\"e\"))",
      "(x => sum(x * x))", "(x => x > 1)", "(x => [x, x])", "((a, b) => a + b)", "mean", "(x => sum(relu(x)))",
    ]
    let tensors = [
      "tensor([[1.0, 2], [3, 4]])", "tensor([])", "zeros([2, 3])", "rand([1, 1, 4, 4])", "tensor([true, false])",
      "tensor([1, 2, 3])",
      "[1.5, 2]", "3.0", "tensor(2.0)", "one_hot([0, 1], 2)", "arange(4)", "zeros([0, 3])", "[[1, 2], [3, 4]]",
      "randn([2, 2])",
      "int64(arange(3))", "full([2], nan)", "tensor([[0.2, 0.8], [0.5, 0.5]])", "tensor([0, 1])", "ones([1, 2, 1, 3])",
      "eye(2)",
      "tensor([[true], [false]])", "tensor([9223372036854775807, -1])",
    ]
    let models = [
      "mlp(hidden=[2], classes=2, size=2)", "network([linear(2)], [3])",
      "network([conv2d(1, kernel=1), relu(), flatten(), linear(2)], [1, 2, 2])",
      "mlp(hidden=[], classes=3, size=1)",
    ]
    let layers = [
      "linear(2)", "relu()", "conv2d(1, kernel=1)", "flatten()", "sequential([linear(2), relu()])",
      "residual([linear(2)])", "dropout(0.5)",
      "batch_norm()", "max_pool(2)", "global_avg_pool()", "conv2d(2, kernel=[1, 3], padding=1)",
      "normalise([0.5], [0.5])",
    ]
    let data = [
      "glyphs(n=4, test=2, size=8)[0]", "glyphs(n=3, test=1, size=8)[1]", "take(glyphs(n=4, test=1, size=8)[0], 2)",
    ]
    let attacks = ["fgsm()", "pgd(steps=1)", "pgd(eps=0.1, steps=2, restarts=2)", "fgsm(eps=0.1)"]
    let methods = ["standard()", "pgd_at()", "trades(beta=1)", "ltd(mlp(hidden=[2], classes=2, size=2))"]
    let ranges = ["1..3", "0..0", "5..1", "5..1 by -2", "0..9223372036854775807", "(-3)..3 by 2"]
    let other = ["none", "true", "false", "error", "pi", "(try { error(\"e\") } catch e { e })"]
    return [
      "int": ints, "float": floats + ints.prefix(6), "number": ints + floats, "string": strings, "list": lists,
      "record": records,
      "function": functions, "tensor": tensors, "model": models, "layer": layers, "dataset": data, "attack": attacks,
      "schedule": ["cosine_schedule()", "step_schedule(epochs=[1])"],
      "augmentation": ["crop_flip()", "cutout(size=2)", "mixup()"],
      "method": methods, "range": ranges, "bool": ["true", "false"], "none": ["none"],
      "any": ints + floats + strings + lists + records + functions + tensors + tensors + layers + ranges + other,
    ]
  }()

  private static let all: [String] = values["any"] ?? []
}
