/// What running a piece of source led to.
public enum Outcome {
  /// The value of the last statement, if that is an expression; `isHidden` when the entry ends in `;` or is an assignment.
  case value(Value, isHidden: Bool)
  /// Errors found before running (several), or the one that stopped the run; an interrupt is of kind `interrupted`.
  case failure([Diagnostic])
  /// `exit(code)` was called.
  case exit(Int)
}

/// Bounds for untrusted scripts; `nil` and the defaults are generous.
public struct Limits: Sendable {
  /// Calls within calls.
  public var callDepth = 5_000
  /// Elements of one list, record or range made into a list.
  public var elements = 100_000_000
  /// Bytes of one string.
  public var stringBytes = 1_000_000_000
  /// Loop rounds and calls in one run.
  public var steps: Int?
  public var seconds: Double?
  /// Bytes that the process may hold.
  public var memoryBytes: Int?
  public var allowsFiles = true

  public init() {}
}

/// A running instance of the language: its variables, where its output goes, what may stop it.
public final class Session {
  public let table: BuiltinTable
  public var limits = Limits()
  /// Where `print` writes.
  public var output: (String) -> Void = { _ in }
  /// Asked at loop ends and calls; true stops the run with an error of kind `interrupted`.
  public var isInterrupted: () -> Bool = { false }
  /// The room for `print` and for values at the prompt.
  public var printing = PrintOptions()
  /// The words after the script's name, as `args()` gives them.
  public var arguments: [String] = []
  /// The text of a library module by its name; `nil` when there is none.
  public var libraryModule: (String) -> String? = { _ in nil }
  /// The bytes of a source file by its path.
  public var readFile: (String) throws(LTDError) -> [UInt8] = { path throws(LTDError) in
    throw LTDError(.io, "cannot read \(path)")
  }

  public init(table: BuiltinTable) {
    self.table = table
  }

  /// Runs a source with the session's variables: an entry at the prompt, or a script.
  public func run(_ source: Source) -> Outcome {
    .failure([Diagnostic(.internal, "not here yet")])
  }

  /// All errors that can be found without running.
  public func check(_ source: Source) -> [Diagnostic] { [] }

  /// The session's own variables in alphabetical order.
  public var variables: [(name: String, value: Value)] { [] }

  /// A variable of the session.
  public subscript(name: String) -> Value? {
    get { nil }
    set {}
  }

  /// Every name that can stand in an expression: variables, functions, constants.
  public var names: [String] { table.functions.keys.sorted() }

  /// What is known about a function or constant, whether built in or written in the language.
  public func documentation(of name: String) -> Documentation? { nil }

  /// Forgets all variables.
  public func reset() {}

  /// Calls a function value.
  public func invoke(_ function: Value, _ arguments: [Value], named: [(String, Value)] = []) throws(LTDError) -> Value {
    .none
  }

  /// Throws when the user asked to stop or a limit is reached.
  public func poll() throws(LTDError) {}

  func checkSize(_ count: Int, of kind: String) throws(LTDError) {}
}

/// A help page, from the one table or from a function's `##` comment.
public struct Documentation: Sendable {
  public var name: String
  public var signature: String
  public var summary: String
  public var details: String
  public var examples: [Example]
  public var seeAlso: [String]
  public var search: [String]
  public var family: String
}
