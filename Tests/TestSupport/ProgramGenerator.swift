/// A small fast generator of random numbers with a seed, so that every found failure can be found again.
public struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Writes random programs that follow the grammar, with odd spacing, line breaks and comments wherever they may stand.
public struct ProgramGenerator {
  private var random: SeededGenerator
  private var text = ""
  /// Whether a line break may stand between any two tokens.
  private var breaksAreFree = false
  private var breaksAreAllowed = true
  private var budget = 0

  public init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// - Parameter size: about how many statements and expressions it may have.
  public mutating func program(size: Int? = nil) -> String {
    text = ""
    budget = size ?? 40 + Int.random(in: 0..<120, using: &random)
    for _ in 0..<Int.random(in: 1...6, using: &random) { statementLine(depth: 0) }
    return text
  }

  /// The text with a few random edits, so that it is often wrong in one place.
  public mutating func mutate(_ text: String) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let at = Int.random(in: 0...bytes.count, using: &random)
      let length = min(Int.random(in: 0...8, using: &random), bytes.count - at)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes.removeSubrange(at..<at + length)
      case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
      case 2: bytes.insert(contentsOf: Array(pick(Self.fragments).utf8), at: at)
      case 3:
        bytes.insert(contentsOf: Array(bytes[at..<at + length]), at: Int.random(in: 0...bytes.count, using: &random))
      case 4 where length > 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      default:
        bytes.replaceSubrange(at..<at + length, with: Array(pick(Self.fragments).utf8))
      }
    }
    return bytes
  }

  public mutating func randomBytes() -> [UInt8] {
    if Bool.random(using: &random) {
      return (0..<Int.random(in: 0...80, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    var text = ""
    for _ in 0..<Int.random(in: 0...40, using: &random) {
      text += pick(Self.fragments)
      if chance(3) { text += " " }
    }
    return Array(text.utf8)
  }

  private static let fragments = [
    "(", ")", "[", "]", "{", "}", "\"", "'", "\"\"\"", "{{", "}}", "\n", ";", ",", ":", ".", "..", "...", "|>", "=>",
    "->",
    "|", "=", "==", "+=", "**", "//", "#", "## ", "\\", "fn", "if", "else", "for", "in", "while", "by", "break",
    "continue",
    "return", "try", "catch", "finally", "import", "as", "const", "outer", "and", "or", "not", "true", "none", "x", "τ",
    "é", "日",
    "😀",
    "1", "1.5", "1e9", "0xff", "99999999999999999999", "\u{0}", "\t", "\r\n", "\u{FEFF}", "^", "&&", "!", "?", "$",
    "x = ",
    "f(", "x => {", "{a: ", "\"{", ":>8.2f}", "if x {", "} else {", "fn f(a=1) {", "*", "**r", "-", "@", "%", "<", ">=",
    "elif",
  ]

  // MARK: Writing

  private mutating func chance(_ n: Int) -> Bool { Int.random(in: 0..<n, using: &random) == 0 }

  private mutating func pick(_ items: [String]) -> String { items[Int.random(in: 0..<items.count, using: &random)] }

  private mutating func put(_ token: String) {
    if let last = text.last, let first = token.first {
      if breaksAreFree, breaksAreAllowed, chance(25) {
        lineBreak()
      } else if isWord(last) && isWord(first) || isOperator(last) && isOperator(first) || last == "\"" && first == "\""
      {
        text += " "
      } else if last != "\n", chance(3) {
        text += chance(8) ? "  " : " "
      }
    }
    text += token
  }

  /// A token with a space around, for operators.
  private mutating func putSpaced(_ token: String) {
    if chance(4), !isWord(token.last ?? " "), !isOperator(text.last ?? " ") {
      text += token
    } else {
      text += " " + token + " "
    }
    if breaksAreAllowed, chance(15) { lineBreak() }
  }

  private mutating func lineBreak() {
    if chance(3) { text += pick(["# note", "#", " # τ: {x", "  #note  ", "## doc"]) }
    text += chance(10) ? "\r\n" : "\n"
    if chance(6) { text += "\n" }
    if chance(5) { text += "    # alone\n" }
    if chance(2) { text += pick(["  ", "    ", "\t"]) }
  }

  private func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber || character == "_" }

  private func isOperator(_ character: Character) -> Bool { "+-*/%@=<>!|.&".contains(character) }

  // MARK: Statements

  private mutating func statementLine(depth: Int) {
    if chance(6) { text += pick(["# a comment\n", "## Documentation\n## of two lines\n", "\n", "\n\n\n"]) }
    statement(depth: depth)
    if chance(8) {
      text += ";"
    } else {
      if chance(6) { text += pick(["  # after", "#after", " ## after"]) }
      text += "\n"
    }
  }

  private mutating func statement(depth: Int) {
    budget -= 1
    switch Int.random(in: 0..<16, using: &random) {
    case 0, 1: assignment()
    case 2:
      expression(postfixTarget: true)
      putSpaced(pick(["+=", "-=", "*=", "/=", "//=", "%=", "**=", "@="]))
      expression()
    case 3 where depth < 4:
      put("for")
      pattern(top: true)
      put("in")
      text += " "
      expression()
      block(depth: depth)
    case 4 where depth < 4:
      put("while")
      text += " "
      expression(level: 1)
      block(depth: depth)
    case 5 where depth < 4:
      put("fn")
      put(name())
      parameters(full: true)
      if chance(4) {
        putSpaced("->")
        type(depth: 0)
      }
      block(depth: depth)
    case 6: put(pick(["break", "continue", "return"]))
    case 7:
      put("return")
      text += " "
      expression()
      if chance(4) {
        put(",")
        expression()
      }
    case 8: put(pick(["import attacks", "import attacks as a", "import \"lib/m.ltd\"", "import 'my lib.ltd' as m"]))
    case 9:
      put(pick(["const", "outer"]))
      put(name())
      putSpaced("=")
      expression()
    default: expression()
    }
  }

  private mutating func assignment() {
    let count = chance(3) ? 2 : 1
    for index in 0..<count {
      if index > 0 { put(",") }
      switch Int.random(in: 0..<6, using: &random) {
      case 0: expression(postfixTarget: true)
      case 1:
        put("[")
        put(name())
        put(",")
        if chance(2) { put("*") }
        put(name())
        put("]")
      case 2: put("{" + name() + pick([", k: ", ", \"k\": "]) + name() + "}")
      default: put(name())
      }
    }
    putSpaced("=")
    expression()
    if count > 1, chance(2) {
      put(",")
      expression()
    }
  }

  private mutating func block(depth: Int) {
    let outer = breaksAreFree
    text += " "
    put("{")
    breaksAreFree = false
    if breaksAreAllowed, chance(5) == false {
      text += "\n"
      for _ in 0..<Int.random(in: 0...3, using: &random) { statementLine(depth: depth + 1) }
      if chance(8) { text += "# last\n" }
    } else if chance(2) {
      text += " "
      expression(level: 1)
      text += " "
    }
    breaksAreFree = outer
    text += "}"
  }

  private mutating func pattern(top: Bool) {
    switch Int.random(in: 0..<8, using: &random) {
    case 0:
      put("(" + name() + ", " + name() + ")")
    case 1:
      put("[" + name() + ", *" + name() + "]")
    case 2:
      put("{" + name() + ", k: " + name() + "}")
    case 3 where top:
      put(name() + ", " + name())
    default: put(name())
    }
  }

  private mutating func parameters(full: Bool) {
    put("(")
    let outer = breaksAreFree
    breaksAreFree = true
    var names = ["a", "b", "τ", "data", "k_2"]
    names.shuffle(using: &random)
    let count = Int.random(in: 0...3, using: &random)
    var hasDefault = false
    for index in 0..<count {
      if index > 0 { put(",") }
      put(names[index])
      if full, chance(4) {
        put(":")
        type(depth: 0)
        if chance(3) {
          putSpaced(pick([">", ">=", "<", "in"]))
          expression(level: 5)
        }
      }
      if hasDefault || chance(3) {
        hasDefault = true
        putSpaced("=")
        expression(level: 1)
      }
    }
    if chance(6) {
      if count > 0 { put(",") }
      put("*")
      put("rest")
    } else if count > 0, chance(8) {
      put(",")
    }
    breaksAreFree = outer
    put(")")
  }

  private mutating func type(depth: Int) {
    switch Int.random(in: 0..<6, using: &random) {
    case 0 where depth < 3:
      put("list")
      put("[")
      type(depth: depth + 1)
      put("]")
    case 1: put(pick(["tensor[n, c, 28]", "tensor[..., 10]", "tensor[]"]))
    case 2 where depth < 3:
      put("int")
      putSpaced("|")
      put("none")
    default: put(pick(["float", "int", "model", "none"]))
    }
  }

  // MARK: Expressions

  private mutating func name() -> String {
    pick(Self.names)
  }

  /// The names that programs use, which nothing gives a value.
  public static let names = [
    "x", "y", "acc", "eps", "T", "τ", "ε₁", "_", "net_2", "longer_name_of_a_variable", "by_hand", "fnord",
  ]

  private mutating func expression(postfixTarget: Bool) {
    put(name())
    if chance(2) {
      put("[")
      subscripts()
      put("]")
    } else if chance(2) {
      put("." + name())
    }
  }

  /// Levels: 0 anything, 1 or, 2 and, 3 not, 4 comparison, 5 range, 6 sum, 7 product, 8 unary, 9 power, 10 operand.
  private mutating func expression(level: Int = 0) {
    budget -= 1
    if budget < 0 { return operand() }
    switch Int.random(in: 0..<22, using: &random) {
    case 0 where level == 0:
      expression(level: 1)
      putSpaced("|>")
      expression(level: 10)
    case 1 where level == 0: lambda()
    case 2 where level <= 1:
      expression(level: 1)
      put("or")
      text += " "
      expression(level: 2)
    case 3 where level <= 2:
      expression(level: 2)
      put("and")
      text += " "
      expression(level: 3)
    case 4 where level <= 3:
      put("not")
      text += " "
      expression(level: 3)
    case 5 where level <= 4, 6 where level <= 4:
      expression(level: 5)
      putSpaced(pick(["==", "!=", "<", "<=", ">", ">=", "in", "not in"]))
      expression(level: 5)
      if chance(5) {
        putSpaced(pick(["<", "<="]))
        expression(level: 5)
      }
    case 7 where level <= 5:
      expression(level: 6)
      putSpaced("..")
      expression(level: 6)
      if chance(3) {
        put("by")
        text += " "
        expression(level: 6)
      }
    case 8 where level <= 6, 9 where level <= 6:
      expression(level: 6)
      putSpaced(pick(["+", "-"]))
      expression(level: 7)
    case 10 where level <= 7, 11 where level <= 7:
      expression(level: 7)
      putSpaced(pick(["*", "/", "//", "%", "@"]))
      expression(level: 8)
    case 12 where level <= 8:
      putSpaced("-")
      expression(level: 8)
    case 13 where level <= 9:
      expression(level: 10)
      putSpaced("**")
      expression(level: 8)
    default: operand()
    }
  }

  private mutating func lambda() {
    if chance(2) {
      put(name())
    } else {
      parameters(full: false)
    }
    putSpaced("=>")
    if chance(3) {
      block(depth: 3)
      return
    }
    let before = text
    expression()
    // A brace after the arrow starts a block.
    if text.dropFirst(before.count).contains("{") {
      text = before
      put("1")
    }
  }

  private mutating func operand() {
    var choice = Int.random(in: 0..<18, using: &random)
    if budget < 0 { choice = min(choice, 6) }
    switch choice {
    case 0: put(pick(["0", "1", "1_000", "1.5", "1e-3", "0xff", "2.5e10"]))
    case 1: put(pick(["true", "false", "none"]))
    case 2: put(pick(["'raw {x} \\'", "\"\"", "\"a\\n{{b}}\\u{3c4}\"", "'τ'"]))
    case 3 where budget > 0: string()
    case 7:
      bracketed("(", ")") { $0.expression() }
    case 8:
      bracketed("[", "]") { generator in
        let count = Int.random(in: 0...3, using: &generator.random)
        for index in 0..<count {
          if index > 0 { generator.put(",") }
          if generator.chance(8) { generator.put("*") }
          generator.expression()
        }
        if count > 0, generator.chance(5) { generator.put(",") }
      }
    case 9:
      bracketed("[", "]") { generator in
        generator.expression()
        generator.put("for")
        generator.pattern(top: true)
        generator.put("in")
        generator.text += " "
        generator.expression(level: 1)
        if generator.chance(2) {
          generator.put("if")
          generator.text += " "
          generator.expression(level: 1)
        }
      }
    case 10:
      bracketed("{", "}") { generator in
        let keys = ["a", "b", "\"b c\"", "if", "x"]
        let count = Int.random(in: 0...4, using: &generator.random)
        for index in 0..<count {
          if index > 0 { generator.put(",") }
          if keys[index] == "x", generator.chance(2) {
            generator.put("x")
          } else if generator.chance(8) {
            generator.put("...")
            generator.expression()
          } else {
            generator.put(keys[index])
            generator.put(":")
            generator.expression()
          }
        }
      }
    case 11, 12:
      put(name())
      arguments()
    case 13:
      operand()
      if chance(3), breaksAreAllowed {
        lineBreak()
      }
      put("." + name())
      if chance(2) { arguments() }
    case 14:
      put(name())
      put("[")
      subscripts()
      put("]")
    case 15 where breaksAreAllowed:
      put("if")
      text += " "
      expression(level: 1)
      block(depth: 3)
      while chance(3) {
        put("else")
        put("if")
        text += " "
        expression(level: 1)
        block(depth: 3)
      }
      if chance(2) {
        put("else")
        block(depth: 3)
      }
    case 16 where breaksAreAllowed:
      put("try")
      block(depth: 3)
      let isCaught = chance(2)
      if isCaught {
        put("catch")
        if chance(2) { put(name()) }
        block(depth: 3)
      }
      if !isCaught || chance(3) {
        put("finally")
        block(depth: 3)
      }
    case 17 where breaksAreAllowed:
      put("fn")
      parameters(full: true)
      block(depth: 3)
    default: put(name())
    }
  }

  private mutating func bracketed(_ open: String, _ close: String, _ inner: (inout ProgramGenerator) -> Void) {
    put(open)
    let outer = breaksAreFree
    breaksAreFree = true
    inner(&self)
    breaksAreFree = outer
    // Within a line again, the closing bracket may still follow a break.
    put(close)
  }

  private mutating func arguments() {
    // Directly after the callee, since a line break there starts a new statement.
    text += "("
    let outer = breaksAreFree
    breaksAreFree = true
    let count = Int.random(in: 0...3, using: &random)
    var hasNamed = false
    let names = ["p", "q", "r"]
    for index in 0..<count {
      if index > 0 { put(",") }
      if hasNamed || chance(3) {
        hasNamed = true
        put(names[index])
        put("=")
      } else if chance(10) {
        put("*")
      }
      expression()
    }
    if hasNamed, chance(3) {
      put(",")
      lambda()
    }
    breaksAreFree = outer
    put(")")
  }

  private mutating func subscripts() {
    let outer = breaksAreFree
    breaksAreFree = true
    for index in 0..<Int.random(in: 1...3, using: &random) {
      if index > 0 { put(",") }
      switch Int.random(in: 0..<6, using: &random) {
      case 0: put(":")
      case 1:
        expression(level: 1)
        put(":")
        expression(level: 1)
      case 2:
        put(":")
        put(":")
        expression(level: 1)
      case 3: put("...")
      default: expression(level: 1)
      }
    }
    breaksAreFree = outer
  }

  private mutating func string() {
    let isTriple = chance(4)
    put(isTriple ? "\"\"\"" : "\"")
    let outerFree = breaksAreFree
    let outerAllowed = breaksAreAllowed
    breaksAreFree = false
    breaksAreAllowed = false
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      text += pick(["a b", " # no comment ", "{{", "\\t", "τ", "'", "  "])
      if isTriple, chance(3) { text += pick(["\n  ", "\"q\"  ", "\n"]) }
      text += "{"
      put(name())
      if chance(2) {
        put("+")
        operand()
      }
      if chance(2) { text += pick([":.2%", ":>8", ":,", ": ^10.3f"]) }
      text += "}"
    }
    breaksAreFree = outerFree
    breaksAreAllowed = outerAllowed
    text += isTriple ? "\"\"\"" : "\""
  }
}
