// The tree that the parser makes. Every node carries its span; what a formatter needs beyond that (comments, blank
// lines, the spelling of literals) is in `Program.comments` and in the source under the spans.

/// An identifier where it stands.
public struct Name: Sendable, Hashable {
  public var text: String
  public var span: Span

  public init(_ text: String, _ span: Span) {
    self.text = text
    self.span = span
  }
}

/// A parsed source text.
public struct Program: Sendable {
  public let source: Source
  public var body: Block
  /// All comments in the order of the text, `##` included.
  public var comments: [Comment]
  /// Every syntax error found; a program with any must not run.
  public var diagnostics: [Diagnostic]
  /// Whether the text ends in `;`, which hides the value at the prompt.
  public var endsWithSemicolon: Bool
}

/// A `#` comment, from the `#` to the end of its line.
public struct Comment: Sendable, Hashable {
  public var span: Span
  /// Whether nothing but white space stands before it on its line.
  public var isOwnLine: Bool
  /// Whether it starts with `##`.
  public var isDoc: Bool
}

/// Statements between braces, or a whole program. The value of a block is that of its last statement if that is an
/// expression, and none otherwise.
public struct Block: Sendable {
  public var statements: [Stmt]
  /// Braces included.
  public var span: Span
  var height: Int32 = 1
}

/// `catch e { }`
public struct CatchClause: Sendable {
  /// The variable that gets the error.
  public var name: Name?
  public var body: Block
}

public struct Stmt: Sendable {
  public var kind: Kind
  public var span: Span
  var height: Int32 = 1

  public indirect enum Kind: Sendable {
    case expression(Expr)
    /// `target = value`; a bare `a, b` on the right is a list.
    case assign(AssignScope, Pattern, Expr)
    /// `target += value`; the target is a name, an index or an attribute.
    case augmentedAssign(AssignScope, Expr, BinaryOperator, Expr)
    /// `fn name(…) { … }`
    case function(Function)
    case `for`(Pattern, in: Expr, Block)
    case `while`(Expr, Block)
    case `break`
    case `continue`
    case `return`(Expr?)
    case `import`(Import)
    /// A place that did not parse; only in programs with diagnostics.
    case invalid
  }
}

public enum AssignScope: Sendable, Hashable {
  /// `x = …`: the variable of this function.
  case local
  /// `const x = …`
  case constant
  /// `outer x = …`: the variable of an enclosing function.
  case outer
}

/// What stands left of `=`, after `for`, and in comprehensions.
public indirect enum Pattern: Sendable {
  case name(Name)
  /// `x[0]` or `r.name`: an `Expr` of kind `index` or `attribute`. Never a pattern of `for`.
  case place(Expr)
  /// `a, b`, `(a, b)` or `[a, b]`; at most one item is `rest`.
  case list([Pattern], Span)
  /// `*name` within a list pattern.
  case rest(Name, Span)
  /// `{x, y: z}`: takes `x` and `y` (into `z`) out of a record.
  case record([(key: Name, target: Pattern)], Span)

  public var span: Span {
    switch self {
    case .name(let name): name.span
    case .place(let place): place.span
    case .list(_, let span), .rest(_, let span), .record(_, let span): span
    }
  }
}

public struct Import: Sendable {
  /// The text between the quotes for a file, the bare name for a library module.
  public var path: String
  public var pathSpan: Span
  /// `import "lib/metrics.ltd"` rather than `import attacks`.
  public var isFile: Bool
  /// The name after `as`.
  public var alias: Name?
  /// The name that the module gets: the alias, or the last part of the path without `.ltd`.
  public var name: Name
}

public struct Expr: Sendable {
  public var kind: Kind
  public var span: Span
  /// Height of the tree below, limited by the parser so that recursion over a tree is safe.
  var height: Int32 = 1

  public indirect enum Kind: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string([StringPart])
    case name(String)
    /// `(x)`
    case group(Expr)
    case list([ListItem])
    case comprehension(Expr, [ComprehensionClause])
    case record([RecordItem])
    case unary(UnaryOperator, Expr)
    case binary(BinaryOperator, Expr, Expr, operatorSpan: Span)
    /// `and`, `or`
    case logical(LogicalOperator, Expr, Expr, operatorSpan: Span)
    /// `a < b <= c`: each operand is evaluated once; one entry for a plain comparison.
    case comparison(Expr, [ComparisonTail])
    /// `start..end` and `start..end by step`; the end is included.
    case range(Expr, Expr, by: Expr?)
    /// `f(a, x=1)`
    case call(Expr, [Argument])
    /// `x.f(a)`: the same as `f(x, a)` unless `x` has a callable field `f`.
    case methodCall(Expr, Name, [Argument])
    /// `x.name`
    case attribute(Expr, Name)
    /// `x[…]`
    case index(Expr, [Subscript])
    /// `value |> target`: the value becomes the first argument if the target is a call, else the target is called with it.
    case pipe(Expr, Expr)
    /// A lambda `x => …` or `fn(x) { … }`.
    case function(Function)
    /// `if c { } else if d { } else { }`; without `else` the value of no branch is none.
    case `if`([IfBranch], else: Block?)
    /// `try { } catch e { } finally { }`; one of the two parts may be left out.
    case `try`(Block, catch: CatchClause?, finally: Block?)
    /// A place that did not parse; only in programs with diagnostics.
    case invalid
  }
}

public enum UnaryOperator: String, Sendable {
  case negate = "-"
  case plus = "+"
  case not = "not"
}

public enum BinaryOperator: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case remainder = "%"
  case power = "**"
  case matmul = "@"
}

public enum LogicalOperator: String, Sendable {
  case and
  case or
}

public enum ComparisonOperator: String, Sendable {
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessEqual = "<="
  case greater = ">"
  case greaterEqual = ">="
  case `in` = "in"
  case notIn = "not in"
}

public struct ComparisonTail: Sendable {
  public var op: ComparisonOperator
  public var operatorSpan: Span
  public var operand: Expr
}

public struct IfBranch: Sendable {
  public var condition: Expr
  public var body: Block
}

public enum StringPart: Sendable {
  /// Text with its escapes resolved.
  case text(String)
  /// `{expr}` and `{expr:spec}`
  case interpolation(Expr, FormatSpec?)
}

/// One item of a list literal.
public struct ListItem: Sendable {
  public var value: Expr
  /// `*xs` puts the items of `xs` here.
  public var isSpread: Bool
}

/// One item of a record literal.
public enum RecordItem: Sendable {
  /// `key: value`, `"any text": value`; `{x}` is `{x: x}`.
  case field(key: Name, value: Expr)
  /// `...r` puts the fields of `r` here.
  case spread(Expr)
}

public enum ComprehensionClause: Sendable {
  case `for`(Pattern, in: Expr)
  case `if`(Expr)
}

public struct Argument: Sendable {
  public enum Kind: Sendable, Hashable {
    case positional
    case named(Name)
    /// `*xs`
    case spreadList
    /// `**record`
    case spreadRecord
  }
  public var kind: Kind
  public var value: Expr
  /// From the name or star to the end of the value.
  public var span: Span

  public init(kind: Kind, value: Expr, span: Span) {
    self.kind = kind
    self.value = value
    self.span = span
  }
}

/// One part between the commas of `x[…]`.
public enum Subscript: Sendable {
  /// An index, a mask, a list of indices, or `none` for a new axis.
  case value(Expr)
  case slice(start: Expr?, stop: Expr?, step: Expr?, Span)
  case ellipsis(Span)
}

/// A named function, `fn(x) { … }`, or a lambda.
public struct Function: Sendable {
  public enum Body: Sendable {
    case expression(Expr)
    case block(Block)
  }
  /// Absent in lambdas and `fn(x) { … }`.
  public var name: Name?
  public var parameters: [Parameter]
  public var result: TypeExpr?
  public var body: Body
  /// The `##` lines above, without their marks.
  public var doc: String?
  /// From `fn` to the closing parenthesis or result type; the parameters of a lambda.
  public var headerSpan: Span
  /// Whether it is written with `=>`.
  public var isArrow: Bool
  var height: Int32 = 1
}

public struct Parameter: Sendable {
  public enum Kind: Sendable, Hashable {
    case normal
    /// `*rest`: the further positional arguments as a list.
    case rest
    /// `**named`: the further named arguments as a record.
    case named
  }
  public var kind: Kind
  public var name: Name
  public var type: TypeExpr?
  /// `> 0`, `in ["mean", "sum"]`, … after the type; all must hold.
  public var checks: [ComparisonTail]
  /// Evaluated at every call that leaves the argument out, in the scope of the function.
  public var defaultValue: Expr?
  public var span: Span
}

/// A check such as `int | none` or `list[tensor[n, c]]`.
public struct TypeExpr: Sendable {
  public var alternatives: [TypeTerm]
  public var span: Span
}

public struct TypeTerm: Sendable {
  /// `float`, `tensor`, `none`, …
  public var name: Name
  /// What stands between brackets; nil without brackets.
  public var arguments: [TypeArgument]?
}

public enum TypeArgument: Sendable {
  /// A type in `list[int]`; in `tensor[n, c]` a plain name is the name of a size.
  case type(TypeExpr)
  /// A size in `tensor[n, 10]`.
  case size(Int, Span)
  /// `...` in `tensor[..., 10]`: any number of axes.
  case ellipsis(Span)
}

/// A parsed built-in signature such as `pgd(eps: float = 8/255, steps: int = 10) -> attack`.
public struct Signature: Sendable {
  public var name: Name
  public var parameters: [Parameter]
  public var result: TypeExpr?
  /// The text it was parsed from, for messages that point into it.
  public let source: Source
}

/// What stands after `:` in `"{x:>8.2%}"`: `[[fill]align][sign][#][0][width][,][.precision][type]`, as in Python.
public struct FormatSpec: Sendable, Hashable {
  public enum Alignment: Character, Sendable {
    case left = "<"
    case right = ">"
    case center = "^"
    case afterSign = "="
  }
  public enum Sign: Character, Sendable {
    case always = "+"
    case negativeOnly = "-"
    case space = " "
  }
  public var fill: Character = " "
  public var alignment: Alignment?
  public var sign: Sign?
  public var isAlternate = false
  /// A `0` before the width, unless a fill stands before it.
  public var padsWithZeros = false
  public var width: Int?
  /// `,` or `_` between groups of three digits; `_` between four of b, o, x and X.
  public var grouping: Character?
  public var precision: Int?
  /// One of `b c d e E f F g G n o s x X %`.
  public var type: Character?
  public var span: Span

  /// The first part that only a number can have.
  public var markForNumbers: String? {
    if let sign { return sign == .space ? "a space for the sign" : String(sign.rawValue) }
    if isAlternate { return "#" }
    if alignment == .afterSign { return "=" }
    return grouping.map { String($0) }
  }
}
