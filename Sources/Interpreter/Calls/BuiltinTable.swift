import Base

/// All built-ins by name. The table of the language itself is `BuiltinTable.core`; a host adds its own to a copy.
public struct BuiltinTable: Sendable {
  /// The functions by name.
  public private(set) var functions: [String: Builtin] = [:]
  /// The constants by name.
  public private(set) var constants: [String: Constant] = [:]
  /// Foreign names and what to write instead, for the hints of errors: `clamp` → "use clip(x, min=…, max=…)".
  public private(set) var advice: [String: String] = [:]
  /// What parameters of a name mean wherever an entry says nothing else, such as `seed`; `family.name` goes before `name`.
  public private(set) var parameterNotes: [String: String] = [:]
  /// By the name of an argument in the core: what built-ins call it. An error of the core that names `labels` points at the
  /// first of `target`, `y` and `index` that the built-in has.
  public private(set) var argumentNames: [String: [String]] = [:]
  /// By type name: a function that makes a host object of a plain value where a parameter has that type, such as a tensor
  /// of a list of numbers. `nil` leaves the value as it is.
  public private(set) var coercions: [String: @Sendable (Value) throws -> HostObject?] = [:]
  /// A function that makes a host object of a list of numbers when an operator or a generic function meets it without help
  /// of its own kind, as in `[2, 4, 8] / 255`.
  public private(set) var listLift: (@Sendable (ListValue) throws -> HostObject?)?

  /// By the kind that `HostObject.save` writes: what makes an object of a saved session again.
  public private(set) var restorers: [String: Restorer] = [:]

  /// Makes an object of what was saved of it.
  public typealias Restorer = @Sendable (ObjectReader) throws(CoreError) -> AnyObject

  /// The kinds of values for help and the manual, by name.
  public private(set) var kinds: [String: Kind] = [:]

  /// A table without entries.
  public init() {}

  /// Adds entries; one of the same name replaces an earlier one.
  public mutating func add(_ builtins: [Builtin]) {
    for builtin in builtins { functions[builtin.name] = builtin }
  }

  /// Adds what makes objects of saved sessions again.
  public mutating func restore(_ restorers: [String: Restorer]) {
    self.restorers.merge(restorers) { $1 }
  }

  /// Adds constants; one of the same name replaces an earlier one.
  public mutating func add(_ constants: [Constant]) {
    for constant in constants { self.constants[constant.name] = constant }
  }

  /// Adds kinds of values for help and the manual.
  public mutating func add(_ kinds: [Kind]) {
    for kind in kinds { self.kinds[kind.name] = kind }
  }

  /// Adds foreign names, and what to write instead.
  public mutating func advise(_ hints: [String: String]) {
    advice.merge(hints) { $1 }
  }

  /// Adds what parameters of a name mean; see `parameterNotes`.
  public mutating func describe(_ notes: [String: String]) {
    parameterNotes.merge(notes) { $1 }
  }

  /// Adds what parameters are called that have another name in the core; see `argumentNames`.
  public mutating func nameArguments(_ names: [String: [String]]) {
    argumentNames.merge(names) { $1 }
  }

  /// Makes host objects of plain values for parameters of a type; see `coercions`.
  public mutating func coerce(
    to typeName: String, _ coercion: @escaping @Sendable (Value) throws -> HostObject?
  ) {
    coercions[typeName] = coercion
  }

  /// Makes host objects of lists of numbers for operators and generic functions; see `listLift`.
  public mutating func liftLists(_ lift: @escaping @Sendable (ListValue) throws -> HostObject?) {
    listLift = lift
  }

  /// The families in alphabetical order with their functions in alphabetical order.
  public var families: [(name: String, functions: [Builtin])] {
    Dictionary(grouping: functions.values, by: \.family).sorted { $0.key < $1.key }
      .map { (name: $0.key, functions: $0.value.sorted { $0.name < $1.name }) }
  }
}
