import Base
import Builtins
import Datasets
import Networks
import Robustness
import Testing

/// Code gives within `grad` what it gives elsewhere: values and errors, of whatever the language does with numbers and
/// tensors through which a gradient is followed.
@Suite struct InsideOutsideTests {
  /// Expressions over x, a tensor [2.0, 3.0, 1.0].
  static let expressions: [String] = operators + kinds + lists + texts + errors

  private static let operators: [String] = ["x[0]", "x[0] / 3", "x"].flatMap { a in
    [
      "x[1]", "2", "0.0", "0.1", "x", "[1.0, 2, 3]", "[x[0], 1.0, 2]", "true", "none", "\"a\"", "{a: 1}", "1..3",
      "[[1.0]]",
    ]
    .flatMap { b in
      ["+", "-", "*", "/", "//", "%", "**", "@", "==", "!=", "<", "<=", "in", "not in", "and"].flatMap { op in
        ["\(a) \(op) \(b)", "\(b) \(op) \(a)"]
      }
    }
  }

  private static let kinds = [
    "-x[0]", "+x[0]", "not x[0]", "type(x[0])", "x[0].shape", "x[0].T", "x[0].dtype", "x[0].list()", "x[0][0]",
    "len(x[0])",
    "x[0](1)", "[...x[0]]", "a, b = x[0]", "for a in x[0] { a }", "x[0] in x[0]", "1 < x[0] < 3", "x[0] < x[1] < 2",
    "if x[0] { 1 }", "if x[0] > 1 { x[0] } else { 0 }", "x[0] and true", "bool(x[0])", "bool(x[0] - 2)", "int(x[0])",
    "float(x[0])", "float(x[0]) / 3", "str(x[0])", "str(x[0] / 3)", "int(x[0] / 0.0)", "x[0] ** 0.5", "(-x[0]) ** 0.5",
    "x[0] // 0.7", "x[0] % -0.7", "x[0] * 1e300 * 1e10", "1e-200 * x[0] * 1e-200", "-(x[0] - 2)", "10 ** x[0] ** x[1]",
    "{a: x[0]} == {a: 2}", "{a: x[0]}.a", "r = {a: 1}; r.a = x[0]; r", "r = {a: 1}; r.a += x[0]; r", "x[int(x[0])]",
    "[4, 5, 6][int(x[0])]", "[4, 5, 6][x[0]]", "x[x[0]]", "[4, 5, 6][x[2]:]", "x[x[2]:]", "\"abc\"[x[0]]",
    "{a: 1}[x[0]]",
    "x[0][0] = 1", "y = x[0]; y[0] = 1", "y = x[0]; y.a = 1", "y = x * 1; y[0] = x[1]; y", "range(x[0])", "1..x[0]",
    "range(int(x[0]))", "(1..3)[x[0]]", "fn f(n: int) { n }; f(x[0])", "fn f(n: float > 3) { n }; f(x[0])",
    "fn f(n: number) { n / 3 }; f(x[0])", "fn f(n: tensor) { n.shape }; f(x[0])", "fn f(n: list) { n }; f(x[0])",
    "fn f(n: list) { n }; f(x)", "fn f(n: list[float]) { n[0] / 3 }; f(x)", "fn f(n: list | float) { n }; f(x / 255)",
    "fn f(n: list[int]) { n }; f(x)", "fn f(n: list[any]) { n }; f(x)", "append(x, 1)", "full(x, 1)", "join(x, \",\")",
    "(x / 255)[0] == 2/255", "{a: (x / 255)[1]} == {a: 3/255}", "to_json(list(x / 255))", "pgd(eps=x)",

    "fn f(n: string | none) { n }; f(x[0])", "fn f(a, b=a) { a / b }; f(x[0])", "fn f(*a) { a }; f(...x)", "x[0].exp()",
    "x[0] |> exp", "x[0] == tensor(2.0)", "tensor(2.0) == x[0]", "tensor(x[0])", "tensor(x[0]) + 1",
    "x[0] + tensor(2.0)",
    "error(x[0])", "assert(x[0])", "exit(x[0])", "sum(x) / 3", "mean(x) / 3", "max(x) - min(x)",
    "s = 0.0; s += x[0]; s / 3",
    "s = x[0]; s += 1; s", "s = x[0]; for i in 1..3 { s = s * 1.1 }; s", "x[0:1]", "x[0:1] / 3", "if x[0:1] > 1 { 1 }",
  ]

  private static let lists = [
    "tensor([x[0], 3.0])", "tensor([x[0], 3])", "tensor([3, x[0]])", "tensor([[x[0]], [1]])", "tensor([true, x[0]])",
    "tensor([x[0], true])", "tensor([x, x])", "tensor([x, x[0]])", "tensor([x[0], x])", "tensor([x[0], \"a\"])",
    "mean([x[0], 1.0])", "mean([x[0], 1]) / 3", "std([x[0], 1.0, 4])", "var([x[0], 1.0], unbiased=false)", "mean(x[0])",
    "std([x[0]])", "sum([x[0], 1.0])", "sum([1, x[0], true])", "sum(x[0])", "max(x[0])", "max(x[0], x[1])",
    "min([x[0], 1])",
    "max([x[0], nan])", "max(x[0], \"a\")", "min([x[0], x[1]], key=a => -a)", "[x[0], 1.0] - x[:2]", "[x[0], 1] * 2",
    "2.0 * [x[0], 1]", "2.0 in [x[0]]", "x[0] in [2]", "x[0] in 1..3", "x[0] in x", "x[0] in {a: 1}", "x[0] in \"2.0\"",
    "[x[0]] == [2.0]", "[x[0]] == [2]", "[[x[0]]] == [[2]]", "[x[0], 2] < [2.0, x[1]]", "count([x[0], 2, 2.0], 2)",
    "count([2, 2.0, 3], x[0])", "count(x, x[0])", "count(x, a => a > 1)", "index_of([1, 2, 3], x[0])",
    "index_of([x[0]], 2)",
    "unique([x[0], 2, 2.0, 3])", "unique(x)", "unique([[x[0]], [2]])", "sort([x[1], x[0], 1])", "sort(x)",
    "sort(x, reverse=true)", "sort([1, 2, 3], key=i => x[i - 1])", "sort([[x[0], 1], [1, 2]])", "sort([x[0], nan])",
    "sort([x[0], \"a\"])", "reverse(x)", "list(x)", "list(x[0])", "enumerate(x)", "zip(x, x)", "map(x, a => a / 3)",
    "filter(x, a => a > 1)", "reduce(x, (a, b) => a * b)", "reduce([1, 2], (a, b) => a * b, x[0])", "any(x > 2)",
    "any([x[0]])", "all([x[0] > 1, x[1] > 1])", "append([1], x[0])", "insert([1], 0, x[0])", "insert([1], x[0], 0)",
    "[a / 3 for a in x]", "[a for a in x if a > 1]", "{a: x[0], b: x[1]}", "record([[\"a\", x[0]]])",
    "items({a: x[0]})",
    "values({a: x[0]})", "get({a: x[0]}, \"a\", 1)", "[{a: x[0], b: 1}, {a: 10.25, b: 2}]", "arange(x[0])",
    "arange(0, x[0])",
    "arange(x[0], 5, 0.5)", "arange(1, x[1], x[2] / 4)", "arange(1, 2, x[0] - 2)", "linspace(0, 1, int(x[0]))",
    "full([2], x[0])",
    "full([x[0]], 1)", "zeros([x[0]])", "reshape(x, [x[2], 3])", "one_hot([x[0]], classes=4)", "stack([x[0], x[1]])",
    "concat([x, x[:1]])", "concat([x, x[0]])", "where(x > 2, x[0], 0)", "where(x[0] > 1, x, 0)", "maximum(x, x[0])",
    "minimum(x[0], x[1])", "clip(x, x[2], x[0])", "clip(x, min=x[0])", "clip(x, x[0], x[2])",
    "clip(x, min=x[0], max=[1, 2, 3])",
    "clip(x[0], 0, 1)", "float32([x[0], 1])", "int64(x)", "int64(x[0])", "norm([x[0], 1])", "norm(x[0])",
    "norm({a: x, b: x[0]})",
    "argmax(x)", "argmax([x[0], 5])", "logsumexp(x)", "softmax([x[0], 1])", "softmax(x)[0] / 3", "relu(x[0])",
    "sigmoid(x[0])",
    "square(x[0] / 3)", "abs(-x[0])", "exp(x[0])", "exp(x)", "exp([x[0], 1])", "log(x[0])", "log(x[0], base=2)",
    "log(-x[0])",
    "log(x[0] - 2)", "sqrt(x[0])", "sqrt(-x[0])", "sin(x[0])", "asin(x[0])", "acos(x[2])", "atanh(x[2])", "erf(x[0])",
    "tanh(x[0])",
    "floor(x[0] / 3)", "ceil(x[0] / 3)", "round(x[0] / 3)", "round(x[0] / 3, 2)", "round(x, 2)", "isnan(x[0])",
    "isfinite(x[0])",
    "floor(x[0] * 1e300)", "x * x[0] / 3", "{a: x[0]} * 2", "-{a: x}", "{a: x[0]} + {a: x}",
    "map({a: x[0]}, a => a / 3)",
    "mse([x[0]], [1.0])", "cross_entropy([x], [1])", "cross_entropy([[x[0], 1]], [0])", "kl_div([x], [[1.0, 2, 3]])",
    "margin([x], [0])", "gather([x], [1])", "matmul([x], [[1.0], [2], [x[0]]])",
  ]

  private static let texts = [
    "\"{x[0]}\"", "\"{x[0]:.2f}\"", "\"{x[0] / 3:.3}\"", "\"{x[0]:d}\"", "\"{x[0]:>8}\"", "\"{x[0]:s}\"",
    "\"{x[0]:%}\"",
    "\"{[x[0], 1]}\"", "\"{x}\"", "\"{x:.2f}\"", "join([x[0], 1], \",\")", "\"a\" + x[0]", "\"a\" * x[0]",
    "to_json(x[0])",
    "to_json([x[0] / 3, {a: x}])", "parse_json(x[0])", "to_csv([{a: x[0]}])",
  ]

  private static let errors = [
    "fit(x[0])", "mlp(hidden=x[0])", "mlp(hidden=[x[0]])", "rand(x[0])", "rand([2], seed=x[0])",
    "softmax(x, axis=x[0])",
    "sum(x, axis=x[0])", "permute(x, [x[0]])", "linear(x[0])", "dropout(x[0])", "conv2d(x[0])", "network([x[0]])",
    "chr(x[0])",
    "sleep(\"a\")", "at(mlp(), T=\"a\")", "whatif(mlp(), glyphs(n=4)[0], T=\"a\")", "perturb(x[0])",
    "predict(mlp(), x[0])",
  ]

  @Test(arguments: expressions)
  func anExpression(_ expression: String) {
    let (outside, inside) = (value(of: expression, within: false), value(of: expression, within: true))
    #expect(outside == inside, "\(expression)")
  }

  /// The examples of the table with each number in turn, and then all, taken from a tensor.
  @Test(arguments: BuiltinTable.standard.functions.keys.sorted())
  func examplesOverATensor(_ name: String) throws {
    let builtin = try #require(BuiltinTable.standard.functions[name])
    // What depends on the time, and what speaks of the gradient itself.
    if ["clock", "now", "time", "timeit", "sleep", "vars", "env", "args", "memory", "threads", "background", "wait"]
      .contains(name)
    {
      return
    }
    for example in builtin.examples where !example.code.contains("grad") {
      for (x, expression) in variants(of: ownFiles(example.code, of: name)) {
        let outside = value(of: expression, within: false, x: x)
        let inside = value(of: expression, within: true, x: x)
        // The one licence: no gradient would pass, and outside there is none.
        if inside.hasPrefix("error: type: no gradient passes through") {
          #expect(allowed.contains(where: inside.hasPrefix), "\(expression): \(inside)")
          continue
        }
        #expect(outside == inside, "\(expression), x = \(x)")
      }
    }
  }

  /// Parameters of built-ins through which no gradient passes though the result depends on them.
  private let allowed =
    ([
      "T of at", "at of curve", "T of soften", "entropy of soften", "T of whatif",
      "rule of best_temperature", "T of best_temperature", "entropy of best_temperature",
      "base of log", "eps of certify", "eps of diagnose", "eps of adaptive", "sigma of smooth",
      "alpha of smooth",
      "eps of evaluate", "eps of perturb",
      "eps of layer_norm",
      "fraction of hold_out", "width of mobilenet_v2",
      "scale of load_dataset", "ambiguity of glyphs", "difficulty of glyphs",
      "mean of normalise", "std of normalise", "std of gaussian_noise", "mean of mean_sparse",
      "width of mean_sparse", "p of dropout", "p of norm",
      "slope of leaky_relu", "start of geomspace",
      "stop of geomspace", "ambiguity of glyphs", "difficulty of glyphs", "parts of random_split",
    ] + Self.configurable.flatMap { settings(of: $0) }).map { "error: type: no gradient passes through " + $0 }

  private static let configurable: [any Configurable.Type] =
    Attacks.all + Methods.all + Schedules.all + Augmentations.all + SofteningRules.all + Optimisers.all

  /// What an expression gives, as printed in full with its type; or its error.
  private func value(of expression: String, within: Bool, x: String = "[2.0, 3.0, 1.0]") -> String {
    // Statements before the last `;` go first; the last gives the value.
    let code = """
      shown = none
      fn body(x) {
        try {
          r = fn() { \(expression) }()
          outer shown = [type(r), r]
        } catch e { outer shown = "error: {e.kind}: {e.message} ({e.hint})" }
        sum(x)
      }
      \(within ? "grad(body, tensor(\(x)))" : "body(tensor(\(x)))");
      """
    let session = Session(table: .standard)
    if case .failure(let errors) = session.run(Source(name: "test.ltd", text: code)) {
      return "not run: " + errors.map(\.message).joined(separator: "; ")
    }
    var options = PrintOptions()
    (options.width, options.items, options.characters, options.depth) = (.max, 1_000, 10_000, 50)
    guard let shown = session.variables.first(where: { $0.name == "shown" })?.value else { return "nothing" }
    if let text = shown.asString { return text }
    return shown.shortText(options) + "\n" + (shown.asList?.last?.text(options) ?? "")
  }

  /// The code with one of its numbers, or all of them, as elements of x.
  private func variants(of code: String) -> [(x: String, expression: String)] {
    let pieces = numbers(in: code)
    guard !pieces.isEmpty, pieces.count <= 12 else { return [] }
    let x =
      "["
      + pieces.map { code[$0].contains(".") || code[$0].contains("e") ? String(code[$0]) : code[$0] + ".0" }
      .joined(separator: ", ") + "]"
    func replacing(_ chosen: Set<Int>) -> String {
      var text = ""
      var start = code.startIndex
      for (place, range) in pieces.enumerated() {
        text += code[start..<range.lowerBound] + (chosen.contains(place) ? "x[\(place)]" : String(code[range]))
        start = range.upperBound
      }
      return text + code[start...]
    }
    return (pieces.indices.map { replacing([$0]) } + [replacing(Set(pieces.indices))]).map { (x, $0) }
  }

  /// Where numbers stand in code, outside of texts and names.
  private func numbers(in code: String) -> [Range<String.Index>] {
    var ranges: [Range<String.Index>] = []
    var place = code.startIndex
    var isText = false
    var before: Character = " "
    while place < code.endIndex {
      let character = code[place]
      if character == "\"" { isText.toggle() }
      if !isText, character.isASCII, character.isNumber, !before.isLetter, !before.isNumber, before != "_",
        before != "."
      {
        var end = place
        while end < code.endIndex, code[end].isNumber || code[end] == "." || code[end] == "e" {
          let next = code.index(after: end)
          if code[end] == ".", next == code.endIndex || !code[next].isNumber { break }
          if code[end] == "e", next == code.endIndex || !(code[next].isNumber || code[next] == "-") { break }
          end = next
          if code[code.index(before: end)] == "e", code[end] == "-" { end = code.index(after: end) }
        }
        ranges.append(place..<end)
        before = "0"
        place = end
        continue
      }
      before = character
      place = code.index(after: place)
    }
    return ranges
  }
}

/// The settings of a value that a call makes, as errors name them: "beta of trades".
private func settings<Made: Configurable>(of type: Made.Type) -> [String] {
  Made.settings.map { "\($0.name) of \(Made.name)" }
}
