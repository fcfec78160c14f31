import Interpreter
import Testing

/// Every entry of the language's own table.
@Suite struct BuiltinTests {
  static let entries = BuiltinTable.core.functions.values.sorted { $0.name < $1.name }

  @Test func signaturesParse() {
    for builtin in Self.entries { #expect(builtin.signature.problem == nil, "\(builtin.signature.text)") }
  }

  @Test func examplesGiveWhatTheySay() {
    for builtin in Self.entries {
      for example in builtin.examples {
        #expect(Session(table: .core).transcript(of: example.code) == example.result, "\(example.code)")
      }
    }
  }

  @Test(arguments: [
    ("sort([3, 1, 2], reverse=true)", "[3, 2, 1]"), ("sort([{n: 2}, {n: 1}], key=\"n\")[0].n", "1"),
    ("sort([[2, \"b\"], [2, \"a\"], [1, \"c\"]])", "[[1, \"c\"], [2, \"a\"], [2, \"b\"]]"),
    ("sort([1, 0.5, 2])", "[0.5, 1, 2]"), ("sort([\"é\", \"z\", \"a\"])", "[\"a\", \"z\", \"é\"]"),
    ("sort([[1, 3], [1, 2], [1, 1]], key=x => x[0])", "[[1, 3], [1, 2], [1, 1]]"),
    ("max([1, nan, 3])", "nan"), ("min(2, 1.5)", "1.5"), ("max([\"a\", \"bb\"], key=len)", "bb"), ("sum([])", "0"),
    ("sum([0.1, 0.2])", "0.30000000000000004"), ("any([])", "false"), ("all([])", "true"),
    ("zip([1, 2], \"ab\")", "[[1, \"a\"], [2, \"b\"]]"),
    ("split(\"a,,b\", \",\")", "[\"a\", \"\", \"b\"]"), ("split(\"a b c\", \" \", limit=1)", "[\"a\", \"b c\"]"),
    ("unique([1, 1.0, \"a\", \"a\", nan, nan, [1], [1]])", "[1, \"a\", nan, [1]]"), ("count(\"banana\", \"an\")", "2"),
    ("index_of(\"aτb\", \"b\")", "2"), ("int(\" 12 \")", "12"), ("format(2.5, \".2f\") + format(7, \">3\")", "2.50  7"),
    ("int(true)", "1"), ("float(\"nan\")", "nan"),
    ("round(-2.5)", "-2"), ("round(1234, -2)", "1200"), ("round(2.675, 2)", "2.67"),
    ("reduce([], (a, b) => a, 7)", "7"),
    ("append(1..2, 3)", "[1, 2, 3]"), ("insert([1], -1, 0)", "[0, 1]"), ("lines(\"a\\r\\nb\")", "[\"a\", \"b\"]"),
    ("join(split(\"x y\"), \"-\")", "x-y"), ("log(100, base=10)", "2.0"), ("trim(\"\\t a \\n\")", "a"),
  ])
  func functions(_ source: String, _ expected: String) { #expect(run(source) == expected) }

  @Test func laterEntryTakesThePlaceOfAnEarlier() {
    var table = BuiltinTable.core
    table.add([Builtin("len(x) -> int", "Always 7.", family: "test") { _ throws(LTDError) in 7 }])
    #expect(run("len([])", table: table) == "7")
  }
}
