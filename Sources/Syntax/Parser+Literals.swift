extension Parser {
  // MARK: Numbers

  /// The value of a whole-number token; nil if it does not fit 64 bits.
  func magnitude(_ token: Token) -> UInt64? {
    var digits = source.bytes[token.span.range]
    var radix: UInt64 = 10
    if digits.count > 2, digits.first == UInt8(ascii: "0") {
      switch digits[digits.startIndex + 1] | 0x20 {
      case UInt8(ascii: "x"): radix = 16
      case UInt8(ascii: "b"): radix = 2
      case UInt8(ascii: "o"): radix = 8
      default: break
      }
      if radix != 10 { digits = digits.dropFirst(2) }
    }
    var value: UInt64 = 0
    for byte in digits where byte != UInt8(ascii: "_") {
      let digit: UInt64
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = UInt64(byte - UInt8(ascii: "a")) + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = UInt64(byte - UInt8(ascii: "A")) + 10
      // A broken number, reported by the lexer.
      default: return 0
      }
      let (product, overflow) = value.multipliedReportingOverflow(by: radix)
      let (sum, carry) = product.addingReportingOverflow(digit)
      if overflow || carry { return nil }
      value = sum
    }
    return value
  }

  mutating func parseFloat(_ token: Token) -> Double {
    let digits = source.bytes[token.span.range].filter { $0 != UInt8(ascii: "_") }
    let value = Double(String(decoding: digits, as: UTF8.self)) ?? 0
    if value.isInfinite {
      report(
        "this number is too large for a float", at: token.span,
        hint: "a float must be at most 1.8e308; write `inf` for infinity")
    }
    return value
  }

  // MARK: Strings

  mutating func parseString() throws(Failure) -> Expr {
    try enter()
    let opener = index
    openBrackets.append(opener)
    let start = advance()
    let outerNewlines = newlinesEnd
    newlinesEnd = false
    defer {
      newlinesEnd = outerNewlines
      depth -= 1
    }
    let isTriple = start.end - start.start == 3
    var parts: [StringPart] = []
    var height: Int32 = 0
    var isFirst = true
    while token.kind != .stringEnd, !isAtEnd {
      if token.kind == .stringText {
        parts.append(.text(decodeText(token, dropsLineBreak: isTriple && isFirst)))
        advance()
      } else if token.kind == .interpolationStart {
        let (expr, format) = try parseInterpolation()
        height = max(height, expr.height)
        parts.append(.interpolation(expr, format))
      } else {
        throw failExpected("the end of the string")
      }
      isFirst = false
    }
    // Without an end the lexer has complained.
    if token.kind == .stringEnd { advance() }
    openBrackets.removeLast()
    return try makeExpr(.string(parts), span(from: start.start), height: height)
  }

  private mutating func parseInterpolation() throws(Failure) -> (Expr, FormatSpec?) {
    let opener = index
    let brace = advance()
    openBrackets.append(opener)
    if token.kind == .interpolationEnd || token.kind == .formatSpec {
      throw fail(
        "there is no value between these braces", at: brace.span.union(token.span),
        hint: "write `{name}`; for braces in the string write `{{` and `}}`")
    }
    let expr = try parseExpression()
    var format: FormatSpec?
    if token.kind == .formatSpec {
      format = parseFormat(token)
      advance()
    }
    guard token.kind == .interpolationEnd else {
      if token.kind == .equal {
        throw fail(
          "`=` has no meaning here", at: token.span, hint: "write the name before the brace: `x = {x}`")
      }
      if let advice = adviceInList() { throw fail(advice.message, at: advice.span, hint: advice.hint) }
      throw failExpected(
        "`}` after the value in a string", hint: "for a brace in the string write `{{`",
        labels: [Diagnostic.Label(brace.span, "opened here")])
    }
    advance()
    openBrackets.removeLast()
    return (expr, format)
  }

  /// The text of a piece of a string with its escapes resolved; reports wrong ones.
  private mutating func decodeText(_ token: Token, dropsLineBreak: Bool) -> String {
    let range = token.span.range
    let bytes = source.bytes
    var index = range.lowerBound
    if dropsLineBreak {
      if bytes[index] == UInt8(ascii: "\n") {
        index += 1
      } else if bytes[index] == UInt8(ascii: "\r"), index + 1 < range.upperBound, bytes[index + 1] == UInt8(ascii: "\n")
      {
        index += 2
      }
    }
    var result: [UInt8] = []
    result.reserveCapacity(range.upperBound - index)
    while index < range.upperBound {
      let byte = bytes[index]
      let next = index + 1 < range.upperBound ? bytes[index + 1] : 0
      switch byte {
      case UInt8(ascii: "\\"):
        index = decodeEscape(at: index, end: range.upperBound, into: &result)
      case UInt8(ascii: "{"):
        result.append(byte)
        index += 2
      case UInt8(ascii: "}"):
        if next != UInt8(ascii: "}") {
          report(
            "this `}` in a string closes nothing", at: Span(index, index + 1),
            hint: "write `}}` for a brace in the string")
          index += 1
        } else {
          index += 2
        }
        result.append(byte)
      case UInt8(ascii: "\r") where next == UInt8(ascii: "\n"):
        index += 1
      default:
        result.append(byte)
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Resolves the escape at a backslash and returns the offset after it.
  private mutating func decodeEscape(at start: Int, end: Int, into result: inout [UInt8]) -> Int {
    let bytes = source.bytes
    guard start + 1 < end else { return end }
    let simple: UInt8?
    switch bytes[start + 1] {
    case UInt8(ascii: "n"): simple = UInt8(ascii: "\n")
    case UInt8(ascii: "t"): simple = UInt8(ascii: "\t")
    case UInt8(ascii: "r"): simple = UInt8(ascii: "\r")
    case UInt8(ascii: "0"): simple = 0
    case UInt8(ascii: "e"): simple = 0x1B
    case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): simple = bytes[start + 1]
    default: simple = nil
    }
    if let simple {
      result.append(simple)
      return start + 2
    }
    if bytes[start + 1] == UInt8(ascii: "u"), start + 2 < end, bytes[start + 2] == UInt8(ascii: "{") {
      var index = start + 3
      var value: UInt32 = 0
      var digits = 0
      while index < end, isHexDigit(bytes[index]), digits <= 8 {
        let digit = bytes[index] <= UInt8(ascii: "9") ? bytes[index] - UInt8(ascii: "0") : (bytes[index] | 0x20) - 87
        value = value &<< 4 | UInt32(digit)
        digits += 1
        index += 1
      }
      if index < end, bytes[index] == UInt8(ascii: "}"), digits > 0, digits <= 6, let scalar = Unicode.Scalar(value) {
        result.append(contentsOf: String(Character(scalar)).utf8)
        return index + 1
      }
      report(
        "this is not the number of a character", at: Span(start, min(index + 1, end)),
        hint: "`\\u{…}` holds one to six hexadecimal digits, as in `\\u{1F600}` or `\\u{3c4}`")
      return min(index + 1, end)
    }
    var length = 2
    if let (_, scalarLength) = decodeScalar(bytes, at: start + 1) { length = 1 + scalarLength }
    let spelling = source.text(start..<start + length)
    let isLineBreak = bytes[start + 1] == UInt8(ascii: "\n") || bytes[start + 1] == UInt8(ascii: "\r")
    let hint =
      switch bytes[start + 1] {
      case UInt8(ascii: "x"): "write `\\u{1b}` for `\\x1b`"
      case UInt8(ascii: "u"): "write `\\u{3c4}` for `\\u03c4`"
      case UInt8(ascii: "{"), UInt8(ascii: "}"): "write `{{` and `}}` for braces in the string"
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"): "leave the backslash out; join strings with `+`"
      default:
        "escapes are \\n \\t \\r \\0 \\e \\\" \\' \\\\ \\u{…}; write `\\\\` for a backslash, or '…' for characters as they stand"
      }
    report(
      isLineBreak ? "a backslash cannot end a line" : "there is no escape `\(spelling)`",
      at: Span(start, start + length),
      hint: hint)
    return min(start + length, end)
  }

  // MARK: Formats

  /// Reads `:>8.2%`; reports what it does not know.
  private mutating func parseFormat(_ token: Token) -> FormatSpec? {
    let range = token.span.range
    let characters = Array(source.text(range.lowerBound + 1..<range.upperBound))
    do throws(FormatSpec.Problem) {
      return try FormatSpec(characters, span: token.span)
    } catch {
      let shown = String(characters.prefix(20))
      report("`\(shown)` is not a format", at: token.span, hint: error.hint)
      return nil
    }
  }
}

extension FormatSpec {
  struct Problem: Error { var hint: String }

  /// The format that a text such as `>8.2%` writes; an error of kind `value` when it is none.
  public init(_ text: String) throws(LTDError) {
    do throws(Problem) { try self.init(Array(text.prefix(64)), span: Span(0, 0)) } catch {
      throw LTDError(.value, "`\(text.prefix(20))` is not a format", hint: error.hint)
    }
  }

  /// Reads the text after `:`.
  init(_ text: [Character], span: Span) throws(Problem) {
    self.init(span: span)
    var index = 0
    func peek(_ offset: Int = 0) -> Character? { index + offset < text.count ? text[index + offset] : nil }
    var isFilled = false
    if let next = peek(1), let alignment = Alignment(rawValue: next), let fill = peek() {
      isFilled = true
      self.fill = fill
      self.alignment = alignment
      index += 2
    } else if let first = peek(), let alignment = Alignment(rawValue: first) {
      self.alignment = alignment
      index += 1
    }
    if let first = peek(), let sign = Sign(rawValue: first) {
      self.sign = sign
      index += 1
    }
    if peek() == "#" {
      isAlternate = true
      index += 1
    }
    if peek() == "0", !isFilled {
      padsWithZeros = true
      index += 1
    }
    func number() throws(Problem) -> Int? {
      var value: Int?
      while let digit = peek()?.wholeNumberValue, peek()?.isASCII == true {
        let next = (value ?? 0) * 10 + digit
        guard next <= 1000 else { throw Problem(hint: "widths and precisions must be from 0 to 1000") }
        value = next
        index += 1
      }
      return value
    }
    width = try number()
    if let first = peek(), first == "," || first == "_" {
      grouping = first
      index += 1
    }
    if peek() == "." {
      index += 1
      guard let precision = try number() else { throw Problem(hint: "digits follow the point, as in `{x:.2f}`") }
      self.precision = precision
    }
    if let first = peek(), "bcdeEfFgGnosxX%".contains(first) {
      type = first
      index += 1
    }
    if index < text.count {
      throw Problem(hint: "formats are as in Python: `{x:.2f}`, `{x:.1%}`, `{n:>8}`, `{n:,}`, `{x:.3e}`, `{x:+.2f}`")
    }
    guard let type else { return }
    if let mark = grouping, "cns".contains(type) || mark == "," && "boxX".contains(type) {
      throw Problem(
        hint: "boxX".contains(type)
          ? "`,` goes with decimal digits only: write `{x:_\(type)}` for groups of four"
          : "`\(mark)` does not go with \(type): write `{x:\(mark)}` for groups of three digits")
    }
    if precision != nil, "bcdoxX".contains(type) {
      throw Problem(hint: "\(type) shows an int whole: write `{x:\(type)}`, or `{x:.2f}` for decimals")
    }
  }
}
