/// What a parameter takes, such as `int | none` or `tensor[n, 10]`.
///
/// A type is a list of alternatives. A value that fits one of them as it is passes unchanged. Otherwise it may be
/// converted, by three rules: an int becomes a float, a vector becomes a list of numbers, and a host may make an object of
/// a plain value (`BuiltinTable.coercions`), such as a tensor of a list. Sizes with names, as the n of `tensor[n, 10]`,
/// must be the same everywhere in one call. For speed, `plainKinds` says which kinds of value fit without any further look.
struct TypeCheck: Sendable {
  indirect enum Term: Sendable {
    case any, none, bool, int, float, number, string
    case list(TypeCheck?)
    case record, range, function, error, module
    case host(String, sizes: [Size]?)
  }
  enum Size: Sendable {
    case exact(Int)
    case named(String)
    case ellipsis
  }

  let terms: [Term]
  let text: String
  /// The kinds of value that fit as they are, without a further look.
  let plainKinds: ValueKinds

  /// The names that are not host objects.
  static let plainNames = [
    "any", "none", "bool", "int", "float", "number", "string", "list", "record", "range", "function", "error", "module",
  ]

  init(_ type: TypeExpr) {
    terms = type.alternatives.map { TypeCheck.term($0) }
    text = TypeCheck.text(type)
    plainKinds = terms.reduce(into: []) { $0.formUnion(TypeCheck.plainKinds($1)) }
  }

  private static func plainKinds(_ term: Term) -> ValueKinds {
    switch term {
    case .any: .all
    case .none: .none
    case .bool: .bool
    case .int: .int
    case .float: .float
    case .number: [.int, .float]
    case .string: .string
    case .list(nil): [.list, .range]
    case .list(let element?) where element.plainKinds == .all: [.list, .range]
    case .record: .record
    case .range: .range
    case .function: .function
    case .error: .error
    case .module: .module
    case .list, .host: []
    }
  }

  private static func term(_ term: TypeTerm) -> Term {
    switch term.name.text {
    case "any": return .any
    case "none": return .none
    case "bool": return .bool
    case "int": return .int
    case "float": return .float
    case "number": return .number
    case "string": return .string
    case "list":
      if case .type(let element)? = term.arguments?.first { return .list(TypeCheck(element)) }
      return .list(nil)
    case "record": return .record
    case "range": return .range
    case "function": return .function
    case "error": return .error
    case "module": return .module
    default:
      let sizes = term.arguments?.map { argument -> Size in
        switch argument {
        case .size(let size, _): .exact(size)
        case .ellipsis: .ellipsis
        case .type(let type): .named(type.alternatives.first?.name.text ?? "_")
        }
      }
      return .host(term.name.text, sizes: sizes)
    }
  }

  static func text(_ type: TypeExpr) -> String {
    type.alternatives.map { term in
      guard let arguments = term.arguments else { return term.name.text }
      let inside = arguments.map { argument in
        switch argument {
        case .type(let type): text(type)
        case .size(let size, _): "\(size)"
        case .ellipsis: "..."
        }
      }
      return "\(term.name.text)[\(inside.joined(separator: ", "))]"
    }.joined(separator: " | ")
  }

  /// Every type name in it, with its position in the source.
  static func names(in type: TypeExpr) -> [Name] {
    type.alternatives.flatMap { term -> [Name] in
      guard term.name.text == "list" else { return [term.name] }
      return [term.name]
        + (term.arguments ?? []).flatMap { argument -> [Name] in
          if case .type(let element) = argument { names(in: element) } else { [] }
        }
    }
  }

  /// Whether a shape with sizes is among its parts.
  var namesSizes: Bool {
    terms.contains { term in
      switch term {
      case .host(_, let sizes): sizes != nil
      case .list(let element?): element.namesSizes
      default: false
      }
    }
  }

  var allNames: [String] {
    terms.flatMap { term -> [String] in
      switch term {
      case .host(let name, _): [name]
      case .list(let element?): element.allNames
      default: []
      }
    }
  }

  /// The sizes that names such as `n` in `tensor[n, c]` stand for in one call.
  typealias Sizes = [(name: String, size: Int, parameter: String)]

  /// The value as the parameter takes it, or `nil` when it has another type.
  func match(
    _ value: Value, _ session: Session, _ parameter: String, _ sizes: inout Sizes
  ) throws(LTDError) -> Value? {
    for term in terms {
      if try matches(term, value, session, parameter, &sizes) {
        if case .host(_, let expected?) = term, case .object(let object) = value {
          try checkSizes(expected, object, parameter, &sizes)
        }
        return value
      }
    }
    for term in terms {
      switch (term, value) {
      case (.float, .int(let number)): return .float(Double(number))
      case (.list(let element), .object(let object)) where object.isVector:
        // What holds anything is changed or kept as a list: a vector there is taken for a mistake.
        if element?.plainKinds == .all { continue }
        let numbers = Value(try value.elements(session))
        if try matches(term, numbers, session, parameter, &sizes) { return numbers }
      case (.host(let name, let expected), _):
        guard let coercion = session.table.coercions[name], let object = try fromHost({ try coercion(value) }) else {
          continue
        }
        if let expected { try checkSizes(expected, object, parameter, &sizes) }
        return .object(object)
      default: continue
      }
    }
    return nil
  }

  private func matches(
    _ term: Term, _ value: Value, _ session: Session, _ parameter: String, _ sizes: inout Sizes
  ) throws(LTDError) -> Bool {
    switch (term, value) {
    case (.any, _), (.none, .none), (.bool, .bool), (.int, .int), (.float, .float), (.number, .int), (.number, .float),
      (.string, .string), (.record, .record), (.range, .range), (.function, .function), (.error, .error),
      (.module, .module), (.list(nil), .list), (.list(nil), .range):
      return true
    case (.list(let element?), .list(let list)):
      let namesSizes = element.namesSizes
      for (place, item) in list.items.enumerated() {
        let name = namesSizes ? "\(parameter)[\(place)]" : ""
        if try element.match(item, session, name, &sizes) == nil { return false }
      }
      return true
    case (.list(let element?), .range):
      return try element.match(.int(0), session, "", &sizes) != nil
    case (.function, .object(let object)): return object.callSignature != nil
    case (.float, .object(let object)), (.number, .object(let object)): return object.isNumber
    case (.host(let name, _), .object(let object)): return object.isKind(of: name)
    default: return false
    }
  }

  private func checkSizes(
    _ expected: [Size], _ object: HostObject, _ parameter: String, _ sizes: inout Sizes
  ) throws(LTDError) {
    guard let shape = object.shape else { return }
    var axes: [(Size, Int)] = []
    if let gap = expected.firstIndex(where: { if case .ellipsis = $0 { true } else { false } }) {
      guard shape.count >= expected.count - 1 else { throw wrongShape(object, parameter) }
      for place in 0..<gap { axes.append((expected[place], shape[place])) }
      let after = expected.count - 1 - gap
      for place in 0..<after { axes.append((expected[gap + 1 + place], shape[shape.count - after + place])) }
    } else {
      guard shape.count == expected.count else { throw wrongShape(object, parameter) }
      axes = Array(zip(expected, shape))
    }
    for (size, actual) in axes {
      switch size {
      case .ellipsis: continue
      case .exact(let number):
        if number != actual { throw wrongShape(object, parameter) }
      case .named("_"): continue
      case .named(let name):
        if let known = sizes.first(where: { $0.name == name }) {
          if known.size != actual {
            throw LTDError(
              .shape, "\(name) is \(known.size) in \(known.parameter), \(actual) in \(parameter)",
              hint: "\(parameter) is \(object.summary)")
          }
        } else {
          sizes.append((name, actual, parameter))
        }
      }
    }
  }

  private func wrongShape(_ object: HostObject, _ parameter: String) -> LTDError {
    LTDError(.shape, "\(parameter) must be \(text), not \(object.summary)")
  }
}

/// A set of kinds of values.
struct ValueKinds: OptionSet, Sendable {
  let rawValue: UInt16

  static let none = ValueKinds(rawValue: 1)
  static let bool = ValueKinds(rawValue: 1 << 1)
  static let int = ValueKinds(rawValue: 1 << 2)
  static let float = ValueKinds(rawValue: 1 << 3)
  static let string = ValueKinds(rawValue: 1 << 4)
  static let list = ValueKinds(rawValue: 1 << 5)
  static let record = ValueKinds(rawValue: 1 << 6)
  static let range = ValueKinds(rawValue: 1 << 7)
  static let function = ValueKinds(rawValue: 1 << 8)
  static let object = ValueKinds(rawValue: 1 << 9)
  static let error = ValueKinds(rawValue: 1 << 10)
  static let module = ValueKinds(rawValue: 1 << 11)
  static let all = ValueKinds(rawValue: (1 << 12) - 1)
}

extension UnsafeMutablePointer<Value> {
  /// The kind of the value, read without retaining it.
  @inline(__always)
  var kind: ValueKinds {
    switch pointee {
    case .none: .none
    case .bool: .bool
    case .int: .int
    case .float: .float
    case .string: .string
    case .list: .list
    case .record: .record
    case .range: .range
    case .function: .function
    case .object: .object
    case .error: .error
    case .module: .module
    }
  }
}
