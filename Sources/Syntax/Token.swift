/// The smallest unit of the text that has a meaning. White space and comments are not tokens.
public struct Token: Sendable, Hashable {
  /// What sort of token it is.
  public var kind: Kind
  /// Whether a line break stands between the token before and this one.
  public var startsLine: Bool
  /// The offset of its first byte.
  public var start: Int32
  /// The offset after its last byte.
  public var end: Int32

  /// Where it stands.
  public var span: Span { Span(Int(start), Int(end)) }

  /// The kinds of token; words and signs have their spelling as raw value.
  public enum Kind: String, Sendable, CaseIterable {
    case endOfFile = "the end of the text"
    /// Bytes that belong to no token; reported by the lexer.
    case invalid = "an unknown character"
    case identifier = "a name"
    case int = "a whole number"
    case float = "a number"
    /// `'…'`
    case rawString = "a string"
    /// `"` or `"""`; then texts and interpolations follow up to `stringEnd`.
    case stringStart = "a string "
    case stringText = "text"
    case interpolationStart = "{ in a string"
    case formatSpec = "a format"
    case interpolationEnd = "} in a string"
    case stringEnd = "the end of a string"

    case `fn`
    case `if`
    case `else`
    case `for`
    case `in`
    case `while`
    case by
    case `break`
    case `continue`
    case `return`
    case `try`
    case `catch`
    case finally
    case `import`
    case `as`
    case const
    case outer
    case and
    case or
    case not
    case `true`
    case `false`
    case none

    case plus = "+"
    case minus = "-"
    case star = "*"
    case slash = "/"
    case slashSlash = "//"
    case percent = "%"
    case starStar = "**"
    case at = "@"
    case equal = "="
    case plusEqual = "+="
    case minusEqual = "-="
    case starEqual = "*="
    case slashEqual = "/="
    case slashSlashEqual = "//="
    case percentEqual = "%="
    case starStarEqual = "**="
    case atEqual = "@="
    case equalEqual = "=="
    case bangEqual = "!="
    case less = "<"
    case lessEqual = "<="
    case greater = ">"
    case greaterEqual = ">="
    case leftParen = "("
    case rightParen = ")"
    case leftBracket = "["
    case rightBracket = "]"
    case leftBrace = "{"
    case rightBrace = "}"
    case comma = ","
    case colon = ":"
    case semicolon = ";"
    case dot = "."
    case dotDot = ".."
    case ellipsis = "..."
    case pipe = "|>"
    case arrow = "=>"
    case resultArrow = "->"
    /// Allowed between the types of a union only.
    case bar = "|"
  }

  /// Keywords by their length in bytes.
  private static let keywords: [[(word: [UInt8], kind: Kind)]] = {
    let all = Kind.allCases.filter(\.isKeyword).map { (word: Array($0.rawValue.utf8), kind: $0) }
    return (0...(all.map(\.word.count).max() ?? 0)).map { length in all.filter { $0.word.count == length } }
  }()

  static func keyword(_ word: ArraySlice<UInt8>) -> Kind? {
    guard word.count < keywords.count else { return nil }
    return keywords[word.count].first { word.elementsEqual($0.word) }?.kind
  }
}

extension Token.Kind {
  /// The reserved words of the language, `true`, `false` and `none` included.
  public static let keywords = allCases.filter(\.isKeyword).map(\.rawValue)

  /// Whether the token is a reserved word, `true`, `false` and `none` included.
  public var isKeyword: Bool {
    switch self {
    case .fn, .if, .else, .for, .in, .while, .by, .break, .continue, .return, .try, .catch, .finally, .import, .as,
      .const, .outer, .and, .or, .not, .true, .false, .none:
      true
    default: false
    }
  }

  /// How an error message names the token.
  var description: String {
    switch self {
    case .endOfFile, .invalid, .identifier, .int, .float, .rawString, .stringText, .formatSpec, .stringEnd: rawValue
    case .stringStart: "a string"
    case .interpolationStart: "`{`"
    case .interpolationEnd: "`}`"
    default: "`\(rawValue)`"
    }
  }

  /// Whether an expression can start with the token.
  var startsExpression: Bool {
    switch self {
    case .identifier, .int, .float, .rawString, .stringStart, .fn, .if, .try, .not, .true, .false, .none, .plus,
      .minus, .leftParen, .leftBracket, .leftBrace:
      true
    default: false
    }
  }

  /// The binary operator of `+=` and its like.
  var augmentedOperator: BinaryOperator? {
    rawValue.hasSuffix("=") ? BinaryOperator(rawValue: String(rawValue.dropLast())) : nil
  }
}

/// The tokens of a source, for the parser, the formatter, highlighting and completion.
public struct TokenStream: Sendable {
  /// What was read.
  public internal(set) var source: Source
  /// Ends with `endOfFile`.
  public internal(set) var tokens: [Token] = []
  /// For every bracket (string quotes and interpolation braces too) the index of its partner, else -1.
  public internal(set) var partners: [Int32] = []
  /// The comments in the order of the text, which are not among the tokens.
  public internal(set) var comments: [Comment] = []
  /// What the lexer found wrong.
  public internal(set) var diagnostics: [Diagnostic] = []
  /// Whether the text ends within `"""`.
  var isInsideTripleString = false
  /// Lines with an error of the lexer, counted from 0.
  var reportedLines: Set<Int> = []
}
