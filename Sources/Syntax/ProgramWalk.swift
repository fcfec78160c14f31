/// A walk through a program: the one place that knows what stands within each statement, expression and pattern.
///
/// A type that wants to look at all names, calls or assignments of a program writes the `visit` functions of what it
/// looks at, does its own work there, and calls `walk` for what stands within; what it does not write walks through
/// the parts by itself. The switches here have no `default`, so that a new form of the language is an error of the
/// compiler in this file until the walk goes through it, and then every walker does.
///
/// The parts come in the order in which they run: a value before the target that it is assigned to, what a loop goes
/// through before its body, the clauses of a comprehension before its element. Types hold neither values nor variables,
/// so no walk goes into them. The parser limits the height of a tree, so the recursion is bounded.
public protocol ProgramWalk {
  /// Called for each statement; calls `walk` unless the walker writes it.
  mutating func visit(_ statement: Stmt)
  /// Called for each expression; calls `walk` unless the walker writes it.
  mutating func visit(_ expression: Expr)
  /// Called for each target of an assignment or a loop, and each target within it; calls `walk` unless the walker
  /// writes it.
  mutating func visit(_ pattern: Pattern)
  /// Called for each function, named or not; calls `walk` unless the walker writes it.
  mutating func visit(_ function: Function)
  /// Called before what runs once for each round of a loop: the condition and body of `while`, the body of `for`, and
  /// what follows `for … in xs` in a comprehension.
  ///
  /// - Parameter variables: What a clause of a comprehension sets, which is known until `leaveLoop` and nowhere else;
  ///   nil in the loops of statements.
  mutating func enterLoop(_ variables: Pattern?)
  /// Called after what `enterLoop` was called before.
  mutating func leaveLoop()
}

extension ProgramWalk {
  /// Goes through the parts of the statement.
  public mutating func visit(_ statement: Stmt) { walk(statement) }
  /// Goes through the parts of the expression.
  public mutating func visit(_ expression: Expr) { walk(expression) }
  /// Goes through the parts of the pattern.
  public mutating func visit(_ pattern: Pattern) { walk(pattern) }
  /// Goes through the parameters and the body.
  public mutating func visit(_ function: Function) { walk(function) }
  /// Does nothing.
  public mutating func enterLoop(_ variables: Pattern?) {}
  /// Does nothing.
  public mutating func leaveLoop() {}

  /// Visits the statements of a block or a program.
  public mutating func walk(_ block: Block) {
    for statement in block.statements { visit(statement) }
  }

  /// Visits what stands directly within a statement.
  public mutating func walk(_ statement: Stmt) {
    switch statement.kind {
    case .expression(let value): visit(value)
    case .assign(_, let target, let value):
      visit(value)
      visit(target)
    case .augmentedAssign(_, let target, _, let value):
      visit(value)
      visit(target)
    case .function(let function): visit(function)
    case .for(let target, let items, let body):
      visit(items)
      visit(target)
      enterLoop(nil)
      walk(body)
      leaveLoop()
    case .while(let condition, let body):
      enterLoop(nil)
      visit(condition)
      walk(body)
      leaveLoop()
    case .return(let value): if let value { visit(value) }
    case .break, .continue, .import, .invalid: break
    }
  }

  /// Visits what stands directly within a pattern.
  public mutating func walk(_ pattern: Pattern) {
    switch pattern {
    case .name, .rest: break
    case .place(let place): visit(place)
    case .list(let items, _): for item in items { visit(item) }
    case .record(let fields, _): for field in fields { visit(field.target) }
    }
  }

  /// Visits the defaults and checks of the parameters, and the body.
  public mutating func walk(_ function: Function) {
    for parameter in function.parameters {
      if let value = parameter.defaultValue { visit(value) }
      for check in parameter.checks { visit(check.operand) }
    }
    switch function.body {
    case .block(let body): walk(body)
    case .expression(let body): visit(body)
    }
  }

  /// Visits what stands directly within an expression.
  public mutating func walk(_ expression: Expr) {
    switch expression.kind {
    case .none, .bool, .int, .float, .name, .invalid: break
    case .string(let parts): for case .interpolation(let value, _) in parts { visit(value) }
    case .list(let items): for item in items { visit(item.value) }
    case .record(let items):
      for item in items {
        switch item {
        case .field(_, let value), .spread(let value): visit(value)
        }
      }
    case .group(let value), .unary(_, let value), .attribute(let value, _): visit(value)
    case .binary(_, let left, let right, _), .logical(_, let left, let right, _), .pipe(let left, let right):
      visit(left)
      visit(right)
    case .comparison(let first, let tails):
      visit(first)
      for tail in tails { visit(tail.operand) }
    case .range(let start, let end, let step):
      visit(start)
      visit(end)
      if let step { visit(step) }
    case .call(let callee, let arguments), .methodCall(let callee, _, let arguments):
      visit(callee)
      for argument in arguments { visit(argument.value) }
    case .index(let container, let subscripts):
      visit(container)
      for part in subscripts {
        switch part {
        case .value(let value): visit(value)
        case .slice(let start, let stop, let step, _):
          for bound in [start, stop, step] { if let bound { visit(bound) } }
        case .ellipsis: break
        }
      }
    case .comprehension(let element, let clauses): walk(element, clauses)
    case .function(let function): visit(function)
    case .if(let branches, let otherwise):
      for branch in branches {
        visit(branch.condition)
        walk(branch.body)
      }
      if let otherwise { walk(otherwise) }
    case .try(let body, let handler, let cleanup):
      walk(body)
      if let handler { walk(handler.body) }
      if let cleanup { walk(cleanup) }
    }
  }

  private mutating func walk(_ element: Expr, _ clauses: [ComprehensionClause]) {
    var loops = 0
    for clause in clauses {
      switch clause {
      case .for(let target, let items):
        visit(items)
        enterLoop(target)
        visit(target)
        loops += 1
      case .if(let condition): visit(condition)
      }
    }
    visit(element)
    for _ in 0..<loops { leaveLoop() }
  }
}

extension Pattern {
  /// The variables that the pattern sets, in the order of the text.
  public var names: [Name] {
    switch self {
    case .name(let name), .rest(let name, _): [name]
    case .place: []
    case .list(let items, _): items.flatMap(\.names)
    case .record(let fields, _): fields.flatMap(\.target.names)
    }
  }

  /// The variables of which the pattern sets a part: `x` of `x[0].name = …`.
  public var changedNames: [String] {
    switch self {
    case .name, .rest: []
    case .place(let place): place.rootName.map { [$0] } ?? []
    case .list(let items, _): items.flatMap(\.changedNames)
    case .record(let fields, _): fields.flatMap(\.target.changedNames)
    }
  }
}

extension Expr {
  /// `x` of `x[0].name`.
  public var rootName: String? {
    var current = self
    while true {
      switch current.kind {
      case .index(let container, _), .attribute(let container, _): current = container
      case .group(let inner): current = inner
      case .name(let name): return name
      default: return nil
      }
    }
  }
}
