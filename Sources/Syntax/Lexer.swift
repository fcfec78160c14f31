/// Cuts a source into tokens, in linear time for any bytes. What belongs to no token becomes a diagnostic and an
/// `invalid` token.
public func tokenize(_ source: Source) -> TokenStream {
  var lexer = Lexer(source)
  lexer.run()
  return lexer.stream
}

/// Sources beyond this size are refused, since spans count bytes in 32 bits.
private let maximumBytes = 1 << 30
private let maximumInterpolationDepth = 100

struct Lexer {
  /// A string whose interpolation is being read.
  private struct OpenString {
    var isTriple: Bool
    /// Brackets open within the interpolation.
    var depth: Int
    var start: Int
    var interpolationStart: Int
  }

  private(set) var stream: TokenStream
  private(set) var bytes: [UInt8]
  private(set) var position = 0
  /// Where spaces are not skipped further: the start of a line, or -1.
  private var stop = -1
  private var startsLine = true
  private var openStrings: [OpenString] = []
  /// Indices of brackets without a partner so far, and how many of each kind.
  private var openBrackets: [Int32] = []
  private var openCounts: [Int] = [0, 0, 0, 0, 0]

  init(_ source: Source) {
    stream = TokenStream(source: source)
    bytes = source.bytes
  }

  /// What is read: another text may take the place of one that was the same up to `position`.
  var source: Source {
    get { stream.source }
    set {
      stream.source = newValue
      bytes = newValue.bytes
    }
  }

  // MARK: Bytes

  private func peek(_ offset: Int = 0) -> UInt8 {
    let index = position + offset
    return index < bytes.count ? bytes[index] : 0
  }

  private var isAtEnd: Bool { position >= bytes.count }

  private mutating func report(
    _ message: String, _ start: Int, _ end: Int, hint: String? = nil, label: String? = nil,
    labels: [Diagnostic.Label] = []
  ) {
    guard stream.diagnostics.count < Parser.maximumDiagnostics else { return }
    // One report for each line: the others mostly follow from the first.
    let line = stream.source.lineIndex(at: start)
    guard stream.reportedLines.insert(line).inserted else { return }
    stream.diagnostics.append(
      Diagnostic(
        .syntax, message, source: stream.source, span: Span(start, end), primaryLabel: label, labels: labels,
        hint: hint))
  }

  private mutating func emit(_ kind: Token.Kind, from start: Int) {
    let index = Int32(stream.tokens.count)
    stream.tokens.append(
      Token(kind: kind, startsLine: startsLine, start: Int32(start), end: Int32(position)))
    stream.partners.append(-1)
    startsLine = false
    switch kind {
    case .leftParen, .leftBracket, .leftBrace, .stringStart, .interpolationStart:
      openBrackets.append(index)
      openCounts[slot(kind)] += 1
    case .rightParen: close(.leftParen, index)
    case .rightBracket: close(.leftBracket, index)
    case .rightBrace: close(.leftBrace, index)
    case .stringEnd: close(.stringStart, index)
    case .interpolationEnd: close(.interpolationStart, index)
    default: break
    }
  }

  private func slot(_ opener: Token.Kind) -> Int {
    switch opener {
    case .leftParen: 0
    case .leftBracket: 1
    case .leftBrace: 2
    case .stringStart: 3
    default: 4
    }
  }

  /// Pairs a closing bracket with the nearest open one of its kind; those in between stay without a partner.
  private mutating func close(_ opener: Token.Kind, _ index: Int32) {
    guard openCounts[slot(opener)] > 0 else { return }
    while let top = openBrackets.popLast() {
      let kind = stream.tokens[Int(top)].kind
      openCounts[slot(kind)] -= 1
      if kind == opener {
        stream.partners[Int(top)] = index
        stream.partners[Int(index)] = top
        return
      }
    }
  }

  // MARK: Tokens

  /// Reads the text to its end.
  ///
  /// - Parameter lines: the starts of lines, in order.
  /// - Returns: the lexer as it was there, from which a text that is the same up to there can be read on; without those where a
  ///   string was open or something was wrong before.
  @discardableResult
  mutating func run(keeping lines: [Int] = []) -> [Lexer] {
    if bytes.count > maximumBytes {
      report("this program is larger than 1 GiB", 0, 0)
      emit(.endOfFile, from: 0)
      return []
    }
    if position == 0 {
      checkEncoding()
      if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }
    var kept: [Lexer] = []
    var rest = lines.drop { $0 < position }
    stop = rest.popFirst() ?? -1
    while true {
      skipSpace()
      // A line that begins within a string is passed over.
      while stop >= 0, stop < position { stop = rest.popFirst() ?? -1 }
      if position == stop {
        stop = rest.popFirst() ?? -1
        if openStrings.isEmpty, stream.diagnostics.isEmpty { kept.append(self) }
        continue
      }
      if isAtEnd { break }
      lexToken()
    }
    for open in openStrings.reversed() {
      if open.isTriple { stream.isInsideTripleString = true }
      report(
        "this `{` in a string is not closed", open.interpolationStart, open.interpolationStart + 1,
        hint: "write `{{` for a brace in the string")
      emit(.interpolationEnd, from: position)
      emit(.stringEnd, from: position)
    }
    startsLine = true
    emit(.endOfFile, from: bytes.count)
    return kept
  }

  /// Reports bytes that are not UTF-8; after that the lexer takes them for unknown characters.
  private mutating func checkEncoding() {
    var index = 0
    let count = bytes.count
    while index < count {
      if bytes[index] < 0x80 {
        index += 1
      } else if let (_, length) = decodeScalar(bytes, at: index) {
        index += length
      } else {
        report(
          "the byte 0x\(String(bytes[index], radix: 16, uppercase: true)) is not valid UTF-8", index, index + 1,
          hint: "save the file with the encoding UTF-8")
        // One report is enough: a file in another encoding has thousands.
        return
      }
    }
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\n"):
        if let open = openStrings.last, !open.isTriple {
          closeBrokenInterpolation()
          continue
        }
        startsLine = true
        position += 1
        if position == stop { return }
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), 0x0C:
        position += 1
      case UInt8(ascii: "#"):
        lexComment()
      default:
        return
      }
    }
  }

  private mutating func lexComment() {
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
    var end = position
    while end > start, bytes[end - 1] == UInt8(ascii: "\r") || bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
    let isDoc = start + 1 < end && bytes[start + 1] == UInt8(ascii: "#")
    stream.comments.append(Comment(span: Span(start, end), isOwnLine: startsLine, isDoc: isDoc))
  }

  private mutating func lexToken() {
    let start = position
    let byte = bytes[position]
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
      lexIdentifier()
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      lexNumber()
    case UInt8(ascii: "\""):
      lexStringStart()
    case UInt8(ascii: "'"):
      lexRawString()
    case 0x80...:
      if let (scalar, _) = decodeScalar(bytes, at: position), isIdentifierStart(scalar) {
        lexIdentifier()
      } else {
        lexUnknown()
      }
    case UInt8(ascii: "}") where openStrings.last.map { $0.depth == 0 } ?? false:
      position += 1
      emit(.interpolationEnd, from: start)
      endInterpolation()
    case UInt8(ascii: ":") where openStrings.last.map { $0.depth == 0 } ?? false:
      lexFormatSpec()
    default:
      if let (kind, length) = punctuation() {
        position += length
        if !openStrings.isEmpty { countBracket(kind) }
        emit(kind, from: start)
      } else {
        lexUnknown()
      }
    }
  }

  private mutating func countBracket(_ kind: Token.Kind) {
    let last = openStrings.count - 1
    switch kind {
    case .leftParen, .leftBracket, .leftBrace: openStrings[last].depth += 1
    case .rightParen, .rightBracket, .rightBrace: openStrings[last].depth = max(0, openStrings[last].depth - 1)
    default: break
    }
  }

  private func punctuation() -> (Token.Kind, Int)? {
    let next = peek(1)
    let third = peek(2)
    let isNextEqual = next == UInt8(ascii: "=")
    switch peek() {
    case UInt8(ascii: "("): return (.leftParen, 1)
    case UInt8(ascii: ")"): return (.rightParen, 1)
    case UInt8(ascii: "["): return (.leftBracket, 1)
    case UInt8(ascii: "]"): return (.rightBracket, 1)
    case UInt8(ascii: "{"): return (.leftBrace, 1)
    case UInt8(ascii: "}"): return (.rightBrace, 1)
    case UInt8(ascii: ","): return (.comma, 1)
    case UInt8(ascii: ":"): return (.colon, 1)
    case UInt8(ascii: ";"): return (.semicolon, 1)
    case UInt8(ascii: "."):
      if next == UInt8(ascii: "."), third == UInt8(ascii: ".") { return (.ellipsis, 3) }
      if next == UInt8(ascii: ".") { return (.dotDot, 2) }
      if isDigit(next) { return nil }
      return (.dot, 1)
    case UInt8(ascii: "+"):
      if next == UInt8(ascii: "+") { return nil }
      return isNextEqual ? (.plusEqual, 2) : (.plus, 1)
    case UInt8(ascii: "-"):
      if next == UInt8(ascii: ">") { return (.resultArrow, 2) }
      if next == UInt8(ascii: "-"), endsStatement(after: 2) { return nil }
      return isNextEqual ? (.minusEqual, 2) : (.minus, 1)
    case UInt8(ascii: "*"):
      if next == UInt8(ascii: "*") { return third == UInt8(ascii: "=") ? (.starStarEqual, 3) : (.starStar, 2) }
      return isNextEqual ? (.starEqual, 2) : (.star, 1)
    case UInt8(ascii: "/"):
      if next == UInt8(ascii: "/") { return third == UInt8(ascii: "=") ? (.slashSlashEqual, 3) : (.slashSlash, 2) }
      if next == UInt8(ascii: "*") { return nil }
      return isNextEqual ? (.slashEqual, 2) : (.slash, 1)
    case UInt8(ascii: "%"): return isNextEqual ? (.percentEqual, 2) : (.percent, 1)
    case UInt8(ascii: "@"): return isNextEqual ? (.atEqual, 2) : (.at, 1)
    case UInt8(ascii: "="):
      if isNextEqual, third == UInt8(ascii: "=") { return nil }
      if next == UInt8(ascii: ">") { return (.arrow, 2) }
      return isNextEqual ? (.equalEqual, 2) : (.equal, 1)
    case UInt8(ascii: "!"):
      if isNextEqual, third == UInt8(ascii: "=") { return nil }
      return isNextEqual ? (.bangEqual, 2) : nil
    case UInt8(ascii: "<"):
      if next == UInt8(ascii: "<") || next == UInt8(ascii: ">") { return nil }
      return isNextEqual ? (.lessEqual, 2) : (.less, 1)
    case UInt8(ascii: ">"):
      if next == UInt8(ascii: ">") { return nil }
      return isNextEqual ? (.greaterEqual, 2) : (.greater, 1)
    case UInt8(ascii: "|"):
      if next == UInt8(ascii: ">") { return (.pipe, 2) }
      return next == UInt8(ascii: "|") ? nil : (.bar, 1)
    default: return nil
    }
  }

  /// Whether nothing more of a statement follows on the line, as after the C habit `x--`.
  private func endsStatement(after offset: Int) -> Bool {
    var index = position + offset
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): index += 1
      case UInt8(ascii: "\n"), UInt8(ascii: ";"), UInt8(ascii: "}"), UInt8(ascii: ")"), UInt8(ascii: "#"): return true
      default: return false
      }
    }
    return true
  }

  private mutating func lexIdentifier() {
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if isWordByte(byte) {
        position += 1
      } else if byte >= 0x80, let (scalar, length) = decodeScalar(bytes, at: position), isIdentifierPart(scalar) {
        position += length
      } else {
        break
      }
    }
    emit(Token.keyword(bytes[start..<position]) ?? .identifier, from: start)
  }

  private mutating func skipDigits(_ isDigit: (UInt8) -> Bool) -> Bool {
    let start = position
    while position < bytes.count {
      if isDigit(bytes[position]) {
        position += 1
      } else if bytes[position] == UInt8(ascii: "_"), position > start, isDigit(peek(1)) {
        position += 1
      } else {
        break
      }
    }
    return position > start
  }

  private mutating func lexNumber() {
    let start = position
    var kind = Token.Kind.int
    let marker = peek(1) | 0x20
    if peek() == UInt8(ascii: "0"),
      marker == UInt8(ascii: "x") || marker == UInt8(ascii: "b") || marker == UInt8(ascii: "o")
    {
      position += 2
      let isOK =
        switch marker {
        case UInt8(ascii: "x"): skipDigits(isHexDigit)
        case UInt8(ascii: "b"): skipDigits { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: "1") }
        default: skipDigits { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
        }
      if !isOK { return lexBrokenNumber(from: start) }
    } else {
      _ = skipDigits(isDigit)
      if peek() == UInt8(ascii: "."), isDigit(peek(1)) {
        kind = .float
        position += 1
        _ = skipDigits(isDigit)
      }
      if peek() | 0x20 == UInt8(ascii: "e") {
        let hasSign = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-")
        if isDigit(peek(hasSign ? 2 : 1)) {
          kind = .float
          position += hasSign ? 2 : 1
          _ = skipDigits(isDigit)
        }
      }
    }
    if isWordByte(peek()), !isAtEnd { return lexBrokenNumber(from: start) }
    if kind == .int, marker != UInt8(ascii: "x") {
      reportLeadingZero(from: start)
    }
    if peek() == UInt8(ascii: "."), peek(1) != UInt8(ascii: "."), !isWordByte(peek(1)), peek(1) < 0x80 {
      position += 1
      report(
        "a number cannot end in a point", start, position,
        hint: "write `\(stream.source.text(start..<position))0` for a float")
    }
    emit(kind, from: start)
  }

  /// `0777` is octal in C, and `1,000` two numbers.
  private mutating func reportLeadingZero(from start: Int) {
    guard position > start + 1, bytes[start] == UInt8(ascii: "0"), isDigit(bytes[start + 1]) else { return }
    let digits = bytes[start..<position].drop { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: "_") }
    let isThousands = start > 0 && bytes[start - 1] == UInt8(ascii: ",")
    report(
      "a whole number does not start with 0", start, position,
      hint: isThousands
        ? "write `1_000` for one thousand"
        : "write `\(digits.isEmpty ? "0" : String(decoding: digits, as: UTF8.self))`; octal numbers are written `0o17`")
  }

  private mutating func lexBrokenNumber(from start: Int) {
    while position < bytes.count, isWordByte(bytes[position]) { position += 1 }
    let text = stream.source.text(start..<min(position, start + 40))
    report(
      "`\(text)` is not a number", start, position,
      hint: "numbers are written 1, 1_000, 1.5, 1e-3, 0xff; a name cannot start with a digit")
    emit(.int, from: start)
  }

  // MARK: Strings

  private mutating func lexRawString() {
    let start = position
    position += 1
    while position < bytes.count, bytes[position] != UInt8(ascii: "'"), bytes[position] != UInt8(ascii: "\n") {
      position += 1
    }
    if peek() == UInt8(ascii: "'"), !isAtEnd {
      position += 1
    } else {
      report(
        "this string is not closed", start, start + 1,
        hint: "a string in '…' ends on its line and knows no escapes; `\"\"\"` opens one of several lines")
    }
    emit(.rawString, from: start)
  }

  private mutating func lexStringStart() {
    let start = position
    let isTriple = peek(1) == UInt8(ascii: "\"") && peek(2) == UInt8(ascii: "\"")
    position += isTriple ? 3 : 1
    emit(.stringStart, from: start)
    lexStringBody(isTriple: isTriple, start: start)
  }

  /// Reads text up to the end of the string or the next interpolation.
  private mutating func lexStringBody(isTriple: Bool, start: Int) {
    let textStart = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        if isTriple, peek(1) != UInt8(ascii: "\"") || peek(2) != UInt8(ascii: "\"") {
          position += 1
          continue
        }
        emitText(from: textStart)
        let end = position
        position += isTriple ? 3 : 1
        emit(.stringEnd, from: end)
        return
      case UInt8(ascii: "\n") where !isTriple:
        emitText(from: textStart)
        reportUnclosedString(isTriple: false, start: start)
        emit(.stringEnd, from: position)
        return
      case UInt8(ascii: "\\"):
        position += 1
        if peek() == UInt8(ascii: "u"), peek(1) == UInt8(ascii: "{") {
          position += 2
          while isHexDigit(peek()) { position += 1 }
          if peek() == UInt8(ascii: "}"), !isAtEnd { position += 1 }
        } else if peek() != UInt8(ascii: "\n") || isTriple, !isAtEnd {
          position += 1
        }
      case UInt8(ascii: "{"):
        if peek(1) == UInt8(ascii: "{") {
          position += 2
          continue
        }
        emitText(from: textStart)
        let brace = position
        position += 1
        emit(.interpolationStart, from: brace)
        if openStrings.count >= maximumInterpolationDepth {
          report(
            "strings are nested too deeply here (more than \(maximumInterpolationDepth) levels)", brace, position,
            hint: "put the inner string into a variable")
          openStrings.removeAll()
          position = bytes.count
          return
        }
        openStrings.append(
          OpenString(isTriple: isTriple, depth: 0, start: start, interpolationStart: brace))
        return
      default:
        position += 1
      }
    }
    emitText(from: textStart)
    reportUnclosedString(isTriple: isTriple, start: start)
    stream.isInsideTripleString = isTriple || openStrings.contains { $0.isTriple }
    emit(.stringEnd, from: position)
  }

  private mutating func emitText(from start: Int) {
    if position > start { emit(.stringText, from: start) }
  }

  private mutating func reportUnclosedString(isTriple: Bool, start: Int) {
    if let open = openStrings.last, !open.isTriple {
      report(
        "this `{` in a string is not closed", open.interpolationStart, open.interpolationStart + 1,
        hint: "write `{{` for a brace in the string")
    } else if isTriple {
      report("this string is not closed", start, start + 3, hint: "it ends at the next `\"\"\"`")
    } else {
      report(
        "this string is not closed", start, start + 1,
        hint: "a string ends on its line; `\\n` is a line break, and `\"\"\"` opens a string of several lines")
    }
  }

  /// After `}` or a format: back to the text of the string.
  private mutating func endInterpolation() {
    guard let open = openStrings.popLast() else { return }
    lexStringBody(isTriple: open.isTriple, start: open.start)
  }

  /// At a line break within `{…}` of a string that ends on its line.
  private mutating func closeBrokenInterpolation() {
    guard let open = openStrings.popLast() else { return }
    report(
      "this `{` in a string is not closed", open.interpolationStart, open.interpolationStart + 1,
      hint: "write `{{` for a brace in the string")
    emit(.interpolationEnd, from: position)
    emit(.stringEnd, from: position)
  }

  private mutating func lexFormatSpec() {
    let start = position
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\"") { break }
      if byte == UInt8(ascii: "{") {
        report(
          "a format cannot hold another `{`", position, position + 1,
          hint: "formats are fixed, such as `{x:>8.2%}`")
      }
      position += 1
    }
    emit(.formatSpec, from: start)
    if peek() == UInt8(ascii: "}"), !isAtEnd {
      let brace = position
      position += 1
      emit(.interpolationEnd, from: brace)
      endInterpolation()
    } else if let open = openStrings.popLast() {
      report(
        "this `{` in a string is not closed", open.interpolationStart, open.interpolationStart + 1,
        hint: "write `{{` for a brace in the string")
      emit(.interpolationEnd, from: position)
      lexStringBody(isTriple: open.isTriple, start: open.start)
    }
  }

  // MARK: What is not ltd

  private mutating func lexUnknown() {
    let start = position
    if let (spelling, message, hint) = foreignOperator() {
      position += spelling
      report(message, start, position, hint: hint)
      emit(.invalid, from: start)
      return
    }
    guard let (scalar, length) = decodeScalar(bytes, at: position) else {
      // Not UTF-8; reported once for the whole text.
      while position < bytes.count, bytes[position] >= 0x80, decodeScalar(bytes, at: position) == nil { position += 1 }
      position = max(position, start + 1)
      emit(.invalid, from: start)
      return
    }
    position += length
    while position < bytes.count, bytes[start..<start + length].elementsEqual(bytes[position...].prefix(length)) {
      position += length
    }
    let code = "U+" + String(repeating: "0", count: max(0, 4 - hex(scalar.value).count)) + hex(scalar.value)
    let isVisible = scalar.value > 0x20 && scalar.properties.generalCategory.isVisible
    report(
      isVisible
        ? "the character `\(scalar)` (\(code)) has no meaning here" : "there is an invisible character (\(code))",
      start, position, hint: ForeignHabits.characterAdvice(scalar))
    emit(.invalid, from: start)
  }

  private func foreignOperator() -> (length: Int, message: String, hint: String)? {
    for habit in ForeignHabits.operators where bytes[position...].starts(with: habit.spelling.utf8) {
      return (habit.spelling.utf8.count, habit.message, habit.hint)
    }
    return nil
  }
}

private func hex(_ value: UInt32) -> String { String(value, radix: 16, uppercase: true) }

func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

func isHexDigit(_ byte: UInt8) -> Bool {
  isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
}

func isWordByte(_ byte: UInt8) -> Bool {
  (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")) || isDigit(byte) || byte == UInt8(ascii: "_")
}

func isIdentifierStart(_ scalar: Unicode.Scalar) -> Bool { scalar == "_" || scalar.properties.isXIDStart }

/// Letters, digits, marks, and the subscript digits of `T₁`.
func isIdentifierPart(_ scalar: Unicode.Scalar) -> Bool {
  scalar.properties.isXIDContinue || (0x2080...0x2089).contains(scalar.value)
}

/// The scalar at an offset and its length in bytes; nil if the bytes are not UTF-8.
func decodeScalar(_ bytes: [UInt8], at index: Int) -> (Unicode.Scalar, Int)? {
  guard index < bytes.count else { return nil }
  let first = bytes[index]
  if first < 0x80 { return (Unicode.Scalar(first), 1) }
  let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
  guard first >= 0xC2, first <= 0xF4, index + length <= bytes.count else { return nil }
  var value = UInt32(first) & (length == 4 ? 0x07 : length == 3 ? 0x0F : 0x1F)
  for offset in 1..<length {
    let byte = bytes[index + offset]
    guard byte & 0xC0 == 0x80 else { return nil }
    value = value << 6 | UInt32(byte & 0x3F)
  }
  guard value >= (length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80) else { return nil }
  return Unicode.Scalar(value).map { ($0, length) }
}

extension Unicode.GeneralCategory {
  fileprivate var isVisible: Bool {
    switch self {
    case .control, .format, .surrogate, .unassigned, .privateUse, .spaceSeparator, .lineSeparator,
      .paragraphSeparator, .nonspacingMark, .enclosingMark:
      false
    default: true
    }
  }
}

/// The name of a module file without its folder and its `.ltd`.
func moduleName(ofPath path: String) -> String {
  let last = path.split(separator: "/").last.map(String.init) ?? ""
  return last.hasSuffix(".ltd") ? String(last.dropLast(4)) : last
}
