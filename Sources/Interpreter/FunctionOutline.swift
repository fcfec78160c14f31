/// A function as completion and the hint of a call see it: its parameters, what it takes and returns.
///
/// Nothing is made for it but what the first call of the function makes too, so that all functions of a session can be
/// looked through while somebody types.
public struct FunctionOutline: Sendable {
  /// A parameter in order.
  public struct Parameter: Sendable {
    /// The word by which it is given.
    public let name: String
    /// As in the signature: `eps: float = 8/255`.
    public let text: String
    /// One argument, the further ones by position, or the further ones by name.
    public let kind: Syntax.Parameter.Kind
    /// What it takes; nil where nothing is said.
    public let type: DeclaredType?
    /// Whether a call may leave it out.
    public let hasDefault: Bool
  }

  /// As it is called.
  public let name: String
  /// In the order of the signature.
  public let parameters: [Parameter]
  /// What it returns; nil where nothing is said.
  public let result: DeclaredType?

  /// The outline of what a signature says.
  public init(_ signature: CallSignature) {
    self.init(signature.name, signature.parameters.items, signature.parameters.result)
  }

  /// Reads a signature whose defaults need not be constant, as those of functions written in the language.
  init?(signature text: String) {
    guard let signature = try? parseSignature(text) else { return nil }
    self.init(
      signature.name.text, signature.parameters.map { ParameterInfo($0, signature.source) },
      signature.result.map { TypeCheck($0) })
  }

  private init(_ name: String, _ items: [ParameterInfo], _ result: TypeCheck?) {
    self.name = name
    parameters = items.map { item in
      Parameter(
        name: item.name, text: item.text, kind: item.kind, type: item.type.map { DeclaredType($0) },
        hasDefault: item.hasDefault)
    }
    self.result = result.map { DeclaredType($0) }
  }

  private init(_ name: String, _ parameters: [Parameter], _ result: DeclaredType?) {
    (self.name, self.parameters, self.result) = (name, parameters, result)
  }

  /// The same function with its first argument given.
  func bound(_ name: String) -> FunctionOutline { FunctionOutline(name, Array(parameters.dropFirst()), result) }
}

/// A type as a signature or a member says it: `tensor | none`, `list[record]`. It tells what a value that does not exist
/// yet will be.
public struct DeclaredType: Sendable {
  private let check: TypeCheck

  init(_ check: TypeCheck) { self.check = check }

  /// Reads a type; nil where the text is none.
  public init?(_ text: String) {
    guard let result = try? parseSignature("f() -> \(text)").result else { return nil }
    check = TypeCheck(result)
  }

  /// As it is written.
  public var text: String { check.text }

  /// The names of its alternatives, without those of elements: `tensor`, `none`.
  public var names: [String] { check.terms.map(\.name) }

  /// Whether it says nothing, as `any` does.
  public var isAny: Bool { names.contains("any") }

  /// What the elements are, where it is a list that says so.
  public var element: DeclaredType? {
    for case .list(let element?) in check.terms { return DeclaredType(element) }
    return nil
  }

  /// Whether a value is of this type, or is made so by the call; of a list only the first element is looked at.
  public func takes(_ value: Value) -> Bool { check.terms.contains { Self.takes($0, value.plain) } }

  private static func takes(_ term: TypeCheck.Term, _ value: Value) -> Bool {
    switch (term, value) {
    case (.any, _), (.none, .none), (.bool, .bool), (.int, .int), (.float, .float), (.float, .int), (.number, .int),
      (.number, .float), (.string, .string), (.record, .record), (.range, .range), (.function, .function),
      (.error, .error), (.module, .module), (.list(nil), .list), (.list, .range):
      return true
    case (.list(let element?), .list(let list)):
      return list.items.first.map { first in element.terms.contains { takes($0, first.plain) } } ?? true
    case (.list(let element), .object(let object)):
      return object.isVector && element.map { $0.plainKinds != .all } ?? true
    case (.float, .object(let object)), (.number, .object(let object)): return object.isNumber
    case (.host("tensor", _), .list(let list)): return list.items.first.map { isNumeric($0) } ?? false
    case (.host("tensor", _), .range): return true
    case (.host(let name, _), .object(let object)): return object.isKind(of: name)
    default: return false
    }
  }

  /// Whether a tensor can be made of it, as far as the first numbers tell.
  private static func isNumeric(_ value: Value) -> Bool {
    var value = value
    while case .list(let list) = value, let first = list.items.first { value = first }
    return value.isNumber || value.asBool != nil
  }

  /// Whether a value of the other type can be of this one: none and `any` of the other do not count.
  public func takes(_ other: DeclaredType) -> Bool {
    let own = Set(names)
    if own.contains("any") { return true }
    return other.check.terms.contains { term in
      switch term {
      case .none, .any: false
      case .int: !own.isDisjoint(with: ["int", "number", "float"])
      case .float: !own.isDisjoint(with: ["float", "number"])
      case .number: !own.isDisjoint(with: ["float", "number", "int"])
      case .list(let element?):
        own.contains("list") && (self.element.map { $0.takes(DeclaredType(element)) } ?? true)
          || own.contains("tensor") && !Set(DeclaredType(element).names).isDisjoint(with: ["int", "float", "number"])
      default: own.contains(term.name)
      }
    }
  }
}

extension TypeCheck.Term {
  fileprivate var name: String {
    switch self {
    case .any: "any"
    case .none: "none"
    case .bool: "bool"
    case .int: "int"
    case .float: "float"
    case .number: "number"
    case .string: "string"
    case .list: "list"
    case .record: "record"
    case .range: "range"
    case .function: "function"
    case .error: "error"
    case .module: "module"
    case .host(let name, _): name
    }
  }
}

extension Session {
  /// The parameters and the result of what can be called under a name: a function, a module's function as
  /// `module.name`, a model; nil where nothing is known of them.
  public func outline(of name: String) -> FunctionOutline? {
    if let point = name.firstIndex(of: ".") {
      let (first, rest) = (String(name[..<point]), String(name[name.index(after: point)...]))
      switch self[first] {
      case .module(let module): return module[rest].flatMap { outline(of: $0) }
      case .record(let record): return record[rest].flatMap { outline(of: $0) }
      case nil:
        guard let page = moduleDocumentation(of: first)?.functions.first(where: { $0.name == rest }) else { return nil }
        return FunctionOutline(signature: page.signature)
      default: return nil
      }
    }
    if let value = self[name] { return outline(of: value) }
    return table.functions[name].map { FunctionOutline($0.signature) }
  }

  /// The parameters and the result of a function value, or of an object that can be called.
  public func outline(of value: Value) -> FunctionOutline? {
    switch value {
    case .function(let function):
      if let signature = function.signature { return FunctionOutline(signature) }
      guard let binding = function.binding else { return nil }
      return outline(of: binding.target)?.bound(binding.name)
    case .object(let object): return object.callSignature.map { FunctionOutline($0) }
    default: return nil
    }
  }

  /// What a name stands for in a few words: the sentence of a function or constant, the size of a variable.
  public func summary(of name: String) -> String {
    if let value = self[name] { return summary(of: value) }
    return table.functions[name]?.summary ?? table.constants[name]?.summary ?? ""
  }

  /// What a value is in a few words, made without a look at all of it: `tensor f32 [2, 3]`, `list of 3`, `0.5`.
  public func summary(of value: Value) -> String {
    switch value.plain {
    case .none: return "none"
    case .function(let function):
      if let builtin = function.builtin { return builtin.summary }
      return (function.code?.documentation ?? "").split(separator: "\n", omittingEmptySubsequences: false)
        .prefix { !$0.allSatisfy { $0 == " " } && !$0.hasPrefix("- ") && !$0.hasPrefix(">>>") }
        .joined(separator: " ")
    case .object(let object): return object.summary
    case .list(let list): return "list of \(list.items.count)"
    case .record(let record): return "record of \(record.count)"
    case .module(let module): return "the module \(module.name)"
    default:
      var options = printing
      (options.width, options.characters, options.items, options.depth) = (60, 60, 4, 2)
      return value.plain.shortText(options)
    }
  }
}

extension Session {
  /// The value of a member that is a record or a list of records, whose fields only the value knows; nil for others, which
  /// may be large and are told by their type.
  public func part(_ member: Member, of value: Value) -> Value? {
    guard member.type.hasPrefix("record") || member.type.hasPrefix("list[record]") else { return nil }
    return try? member.read(value.plain)
  }
}
