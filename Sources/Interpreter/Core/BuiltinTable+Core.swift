extension BuiltinTable {
  /// What the language itself brings: printing, conversion, lists, strings, records, scalar mathematics, errors.
  public static let core: BuiltinTable = {
    var table = BuiltinTable()
    table.add(
      CoreLanguage.builtins + CoreLists.builtins + CoreStrings.builtins + CoreRecords.builtins
        + CoreMathematics.builtins)
    table.add(CoreMathematics.constants)
    table.add(Kind.core)
    table.advise(foreignNames)
    table.describe(parameterNotes)
    return table
  }()

  /// Parameters that mean the same wherever they stand.
  private static let parameterNotes: [String: String] = [
    "xs": "a list, or whatever else has elements",
    "lists.xs": "a list, range, string, record or tensor",
    "lists.x": "a value",
    "x": "a value of any type",
    "mathematics.x": "a number, a list of numbers, or a tensor, taken element by element",
    "s": "the string",
    "r": "the record",
    "name": "the name of the field",
  ]

  /// Names that people bring from elsewhere.
  private static let foreignNames: [String: String] = [
    "clamp": "use clip(x, min=…, max=…)", "sorted": "use sort(xs)", "reversed": "use reverse(xs)",
    "xrange": "use range(n), or a..b with its end included", "length": "use len(x)", "size": "use len(x), or x.shape",
    "push": "use xs = append(xs, x)", "add": "use xs = append(xs, x), or a + b",
    "pop": "use x = xs[-1] and xs = remove_at(xs)", "strip": "use trim(s)", "string": "use str(x)",
    "dict": "use {name: value}",
    "tuple": "lists do that work: [a, b]", "set": "use unique(xs)", "ln": "use log(x)", "log2": "use log(x, base=2)",
    "log10": "use log(x, base=10)", "pow": "use x ** y", "fabs": "use abs(x)", "len_": "use len(x)",
    "println": "use print(x)",
    "printf": "use print(\"{x:.2f}\")", "raise": "use error(\"…\")",
    "throw": "use error(\"…\")",
    "isinstance": "use type(x) == \"float\"", "typeof": "use type(x)", "repr": "use str(x)", "quit": "use exit()",
    "help": "at the prompt, ?name explains and ??word searches",
    "dir": "use vars(); at the prompt, Tab shows what a value has",
    "lambda": "write x => x * 2 or (a, b) => a + b", "def": "write fn name(x) { … }",
    "class": "there are no classes: a record {a: 1} holds fields, and x.f(a) calls f(x, a)",
    "deepcopy": "use copy(model); all else is a value",
    "elif": "write } else if c { … }", "switch": "write if a { … } else if b { … } else { … }",
    "match": "write if a { … } else if b { … } else { … }",
    "None": "write none", "null": "write none", "nil": "write none", "True": "write true", "False": "write false",
    "self": "there are no methods: x.f(a) calls f(x, a)", "this": "there are no methods: x.f(a) calls f(x, a)",
    "input": "scripts take arguments: args()", "open": "a file is read with the functions of the module files",
    "startsWith": "use startswith(s, start)", "endsWith": "use endswith(s, end)", "toString": "use str(x)",
    "math": "functions need no prefix: sqrt(x)", "np": "functions need no prefix: mean(x)",
    "numpy": "functions need no prefix: mean(x)", "torch": "functions need no prefix: softmax(x)",
    "foreach": "write for x in xs { … }", "index": "use index_of(xs, x)", "find": "use index_of(xs, x)",
    "fold": "use reduce(xs, f)", "assertEqual": "use assert(a == b)", "argv": "use args()", "sys": "use args(), exit()",
    "contains": "use x in xs", "has": "use name in record", "hasattr": "use name in record",
  ]
}
