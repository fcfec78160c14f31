/// What people type who come from another language, with what to write instead.
enum ForeignHabits {
  /// Longest spellings first.
  static let operators: [(spelling: String, message: String, hint: String)] = [
    ("===", "there is no operator `===`", "equality is `==`"),
    ("!==", "there is no operator `!==`", "inequality is `!=`"),
    ("<<", "there is no operator `<<`", "`a << n` is `a * 2 ** n`"),
    (">>", "there is no operator `>>`", "`a >> n` is `a // 2 ** n`"),
    ("<>", "there is no operator `<>`", "inequality is `!=`"),
    ("&&", "there is no operator `&&`", "write `and`"),
    ("||", "there is no operator `||`", "write `or`"),
    ("++", "there is no operator `++`", "write `x += 1` to count; `+` joins lists and strings"),
    ("--", "there is no operator `--`", "write `x -= 1`"),
    ("/*", "`/*` does not start a comment", "comments start with `#` and end with the line"),
    ("^", "there is no operator `^`", "power is `**`"),
    ("!", "`!` is not an operator", "write `not x`, and `a != b` for inequality"),
    (
      "&", "there is no operator `&`",
      "write `and` between conditions, `logical_and(a, b)` between masks"
    ),
    ("~", "there is no operator `~`", "write `not x`, and `logical_not(mask)` for a mask"),
    ("?", "`?` has no meaning in a program", "`?name` is for the prompt; a choice is `if c { a } else { b }`"),
    (
      "\\", "a `\\` does not continue a line",
      "inside `( )` and `[ ]`, and after an operator, a line continues by itself"
    ),
    ("$", "`$` has no meaning here", "in strings write `\"{name}\"`"),
    ("`", "a backtick has no meaning here", "strings are written \"…\" or '…'"),
    (".", "a number cannot start with a point", "write `0.5` for `.5`"),
  ]

  /// Advice for a letter right before a string.
  static func stringPrefixAdvice(_ prefix: String, isRaw: Bool) -> String? {
    switch prefix.lowercased() {
    case "f", "s":
      isRaw
        ? "write \"…{x}…\": values are put in without a prefix, and '…' takes every character as it is"
        : "leave it out: {x} is a value in every string in double quotes"
    case "r":
      isRaw
        ? "leave it out: '…' takes every character as it is, without escapes and values"
        : "write '…' without a prefix, which takes every character as it is, without escapes and values"
    case "fr", "rf": "write \"…{x}…\" without a prefix, and `\\\\` for a backslash"
    case "b", "u", "l", "br", "rb": "leave it out: a string holds Unicode text"
    default: nil
    }
  }

  static func characterAdvice(_ scalar: Unicode.Scalar) -> String? {
    switch scalar {
    case "\u{201C}", "\u{201D}", "\u{201E}", "\u{00AB}", "\u{00BB}", "\u{2018}", "\u{2019}":
      "strings are written with straight quotes: \"…\" or '…'"
    case "\u{2212}", "\u{2013}", "\u{2014}": "minus is `-`"
    case "×", "·", "⋅", "∗": "multiplication is `*`"
    case "÷", "∕": "division is `/`"
    case "≤": "write `<=`"
    case "≥": "write `>=`"
    case "≠": "write `!=`"
    case "→": "write `->` before a result type, `=>` in a lambda"
    case "⇒": "write `=>`"
    case "√": "write `sqrt(x)`"
    case "∞": "write `inf`"
    case "²", "³": "power is `**`"
    case "…": "write three points: `...`"
    case "\u{FF08}", "\u{FF09}", "\u{FF0C}", "\u{FF1A}", "\u{FF1B}": "use the ASCII form of this character"
    default:
      switch scalar.properties.generalCategory {
      case .spaceSeparator, .format, .control: "delete it; it may have come with text copied from a web page or a PDF"
      default: "names may hold letters, digits and `_`"
      }
    }
  }

  /// Advice for a word that starts a statement in another language; given when what follows does not parse.
  static let words: [String: String] = [
    "def": "functions are written `fn name(x) { … }`",
    "function": "functions are written `fn name(x) { … }`",
    "func": "functions are written `fn name(x) { … }`",
    "fun": "functions are written `fn name(x) { … }`",
    "lambda": "a lambda is written `x => x * 2` or `(a, b) => a + b`",
    "let": "variables need no declaration: write `x = 1`; `const x = 1` for one that must not change",
    "var": "variables need no declaration: write `x = 1`",
    "val": "variables need no declaration: write `x = 1`; `const x = 1` for one that must not change",
    "local": "variables need no declaration: write `x = 1`; they belong to their function",
    "global": "write `outer x = …` where the variable is set",
    "nonlocal": "write `outer x = …` where the variable is set",
    "elif": "write `else if`",
    "elsif": "write `else if`",
    "elseif": "write `else if`",
    "unless": "write `if not c { … }`",
    "then": "blocks are written with braces: `if c { … }`",
    "do": "blocks are written with braces: `while c { … }`",
    "end": "blocks are written with braces: `{ … }`",
    "pass": "an empty block is `{ }`",
    "class": "there are no classes: use a record such as `{a: 1}` and functions; `x.f(a)` calls `f(x, a)`",
    "struct": "there are no types to declare: use a record such as `{a: 1}`",
    "switch": "write `if … { } else if … { }`",
    "match": "write `if … { } else if … { }`",
    "case": "write `if … { } else if … { }`",
    "foreach": "write `for x in xs { … }`",
    "except": "write `try { … } catch e { … }`",
    "raise": "write `error(\"…\")`",
    "throw": "write `error(\"…\")`",
    "assert": "assert is a function: `assert(x > 0, \"x must be positive\")`",
    "print": "print is a function: `print(x)`",
    "del": "variables are freed by themselves; write `x = none` to drop a large value",
    "delete": "variables are freed by themselves; write `x = none` to drop a large value",
    "from": "write `import \"file.ltd\" as name` and then `name.f(x)`",
    "with": "leave `with` out: files are read and written whole, by `read_text` and `write_text`",
    "using": "write `import name`",
    "yield": "there are no generators: collect in a list, or write a comprehension `[f(x) for x in xs]`",
    "async": "everything runs in order; leave `async` out",
    "await": "everything runs in order; leave `await` out",
    "new": "leave `new` out: values are made by calling a function",
    "public": "every name is public unless it starts with `_`",
    "private": "start the name with `_` to keep it private to the file",
    "export": "every name is public unless it starts with `_`",
    "require": "write `import name`",
    "include": "write `import name`",
    "is": "write `==`",
    "goto": "use `while`, `break` and `continue`",
    "repeat": "write `while true { … }` with `break`",
    "loop": "write `while true { … }` with `break`",
    "until": "write `while not c { … }`",
    "static": "variables need no declaration: write `x = 1`",
    "int": "variables need no declaration: write `x = 1`; `int(x)` converts",
    "float": "variables need no declaration: write `x = 1`; `float(x)` converts",
    "auto": "variables need no declaration: write `x = 1`",
    "echo": "write `print(x)`",
    "puts": "write `print(x)`",
    "println": "write `print(x)`",
    "printf": "write `print(\"{x:.2f}\")`",
    "exit": "exit is a function: `exit(0)`",
  ]

  /// Words for none, true and false elsewhere.
  static let constants: [String: String] = [
    "None": "none", "null": "none", "nil": "none", "NULL": "none", "undefined": "none", "True": "true",
    "TRUE": "true", "False": "false", "FALSE": "false",
  ]
}

/// What to write instead of a word of another language, such as `pass`, `lambda` or `elif`; for names that are unknown.
public func adviceOnForeignWord(_ word: String) -> String? {
  ForeignHabits.constants[word].map { "write `\($0)`" } ?? ForeignHabits.words[word]
}
