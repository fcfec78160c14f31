// The tree that the parser makes. Every node carries its span; what a formatter needs beyond that (comments, blank
// lines, the spelling of literals) is in `Program.comments` and in the source under the spans.

/// An identifier where it stands.
public struct Name: Sendable, Hashable {
  /// The name as it is written.
  public var text: String
  /// Where it stands.
  public var span: Span

  /// A name at a place.
  public init(_ text: String, _ span: Span) {
    self.text = text
    self.span = span
  }
}

/// A parsed source text.
public struct Program: Sendable {
  /// What was parsed; all spans point into it.
  public let source: Source
  /// The statements of the program.
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
  /// From the `#` to the end of the line.
  public var span: Span
  /// Whether nothing but white space stands before it on its line.
  public var isOwnLine: Bool
  /// Whether it starts with `##`.
  public var isDoc: Bool
}

/// Statements between braces, or a whole program. The value of a block is that of its last statement if that is an
/// expression, and none otherwise.
public struct Block: Sendable {
  /// The statements in the order of the text.
  public var statements: [Stmt]
  /// Braces included.
  public var span: Span
  var height: Int32 = 1
}

/// `catch e { }`
public struct CatchClause: Sendable {
  /// The variable that gets the error.
  public var name: Name?
  /// What runs after an error.
  public var body: Block
}

/// A statement: an assignment, a loop, an expression on its own, …
public struct Stmt: Sendable {
  /// Which statement it is, with its parts.
  public var kind: Kind
  /// From its first to its last token, without `;`.
  public var span: Span
  var height: Int32 = 1

  /// The statements of the language.
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

/// Which variable an assignment sets.
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

  /// Where the whole pattern stands.
  public var span: Span {
    switch self {
    case .name(let name): name.span
    case .place(let place): place.span
    case .list(_, let span), .rest(_, let span), .record(_, let span): span
    }
  }
}

/// `import name as alias`, or `import "file.ltd" as alias`.
public struct Import: Sendable {
  /// The text between the quotes for a file, the bare name for a library module.
  public var path: String
  /// Where the path or name of the module stands, quotes included.
  public var pathSpan: Span
  /// `import "lib/metrics.ltd"` rather than `import attacks`.
  public var isFile: Bool
  /// The name after `as`.
  public var alias: Name?
  /// The name that the module gets: the alias, or the last part of the path without `.ltd`.
  public var name: Name
}

/// An expression: whatever has a value.
public struct Expr: Sendable {
  /// Which expression it is, with its parts.
  public var kind: Kind
  /// From its first to its last token.
  public var span: Span
  /// Height of the tree below, limited by the parser so that recursion over a tree is safe.
  var height: Int32 = 1

  /// The expressions of the language.
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

/// An operator before its only operand.
public enum UnaryOperator: String, Sendable {
  case negate = "-"
  case plus = "+"
  case not = "not"
}

/// An operator of arithmetic between two operands.
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

/// `and` and `or`, which may leave out their right side.
public enum LogicalOperator: String, Sendable {
  case and
  case or
}

/// An operator that compares two operands, or looks for one in the other.
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

/// An operator of a comparison, with the operand on its right.
public struct ComparisonTail: Sendable {
  /// How the two are compared.
  public var op: ComparisonOperator
  /// Where the operator stands, both words of `not in` included.
  public var operatorSpan: Span
  /// The operand on the right.
  public var operand: Expr
}

/// One condition of an `if`, with the block that it stands before.
public struct IfBranch: Sendable {
  /// What must be true for the block to run.
  public var condition: Expr
  /// The block.
  public var body: Block
}

/// A part of a string literal: characters as they are, or a value put in.
public enum StringPart: Sendable {
  /// Text with its escapes resolved.
  case text(String)
  /// `{expr}` and `{expr:spec}`
  case interpolation(Expr, FormatSpec?)
}

/// One item of a list literal.
public struct ListItem: Sendable {
  /// The item, or what is spread.
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

/// One `for` or `if` of a comprehension.
public enum ComprehensionClause: Sendable {
  case `for`(Pattern, in: Expr)
  case `if`(Expr)
}

/// One argument of a call.
public struct Argument: Sendable {
  /// How an argument is matched with a parameter.
  public enum Kind: Sendable, Hashable {
    case positional
    case named(Name)
    /// `*xs`
    case spreadList
    /// `**record`
    case spreadRecord
  }
  /// How it is matched.
  public var kind: Kind
  /// The value, or what is spread.
  public var value: Expr
  /// From the name or star to the end of the value.
  public var span: Span

  /// An argument; the span goes from its name or star to the end of its value.
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
  /// What follows the parameters: a block, or the expression of a lambda.
  public enum Body: Sendable {
    case expression(Expr)
    case block(Block)
  }
  /// Absent in lambdas and `fn(x) { … }`.
  public var name: Name?
  /// The parameters in the order of the text.
  public var parameters: [Parameter]
  /// The type after `->`, checked when the function returns.
  public var result: TypeExpr?
  /// What runs when the function is called.
  public var body: Body
  /// The `##` lines above, without their marks.
  public var doc: String?
  /// From `fn` to the closing parenthesis or result type; the parameters of a lambda.
  public var headerSpan: Span
  /// Whether it is written with `=>`.
  public var isArrow: Bool
  var height: Int32 = 1
}

/// One parameter of a function, as in `eps: float > 0 = 8/255`.
public struct Parameter: Sendable {
  /// Which arguments the parameter takes.
  public enum Kind: Sendable, Hashable {
    case normal
    /// `*rest`: the further positional arguments as a list.
    case rest
    /// `**named`: the further named arguments as a record.
    case named
  }
  /// Which arguments it takes.
  public var kind: Kind
  /// The variable that gets the argument.
  public var name: Name
  /// The type after `:`, checked at every call.
  public var type: TypeExpr?
  /// `> 0`, `in ["mean", "sum"]`, … after the type; all must hold.
  public var checks: [ComparisonTail]
  /// Evaluated at every call that leaves the argument out, in the scope of the function.
  public var defaultValue: Expr?
  /// From the name or star to the end of the default.
  public var span: Span
}

/// A check such as `int | none` or `list[tensor[n, c]]`.
public struct TypeExpr: Sendable {
  /// The types of which one must fit, in the order of the text.
  public var alternatives: [TypeTerm]
  /// From the first to the last type.
  public var span: Span
}

/// One type of a union, such as `list[int]`.
public struct TypeTerm: Sendable {
  /// `float`, `tensor`, `none`, …
  public var name: Name
  /// What stands between brackets; nil without brackets.
  public var arguments: [TypeArgument]?
}

/// One part between the brackets of a type.
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
  /// The name of the function.
  public var name: Name
  /// The parameters in the order of the text.
  public var parameters: [Parameter]
  /// The type after `->`.
  public var result: TypeExpr?
  /// The text it was parsed from, for messages that point into it.
  public let source: Source
}

/// What stands after `:` in `"{x:>8.2%}"`: `[[fill]align][sign][#][0][width][,][.precision][type]`, as in Python.
public struct FormatSpec: Sendable, Hashable {
  /// On which side the padding stands.
  public enum Alignment: Character, Sendable {
    case left = "<"
    case right = ">"
    case center = "^"
    case afterSign = "="
  }
  /// Which signs are written before a number.
  public enum Sign: Character, Sendable {
    case always = "+"
    case negativeOnly = "-"
    case space = " "
  }
  /// The character that pads up to the width.
  public var fill: Character = " "
  /// On which side the padding stands; by the kind of value when left out.
  public var alignment: Alignment?
  /// Which signs are written; only those of negative numbers when left out.
  public var sign: Sign?
  /// Whether `#` asks for the other form: a prefix such as `0x`, or a point in every case.
  public var isAlternate = false
  /// A `0` before the width, unless a fill stands before it.
  public var padsWithZeros = false
  /// The least number of characters.
  public var width: Int?
  /// `,` or `_` between groups of three digits; `_` between four of b, o, x and X.
  public var grouping: Character?
  /// Decimals, significant digits, or characters of a string, by the type.
  public var precision: Int?
  /// One of `b c d e E f F g G n o s x X %`.
  public var type: Character?
  /// Where the format stands, its `:` included.
  public var span: Span

  /// The first part that only a number can have.
  public var markForNumbers: String? {
    if let sign { return sign == .space ? "a space for the sign" : String(sign.rawValue) }
    if isAlternate { return "#" }
    if alignment == .afterSign { return "=" }
    return grouping.map { String($0) }
  }
}
