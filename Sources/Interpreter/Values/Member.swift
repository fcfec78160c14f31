/// What can stand after the point of a value, such as `net.size`. Reading it, completion, "did you mean", help and the manual
/// follow from one line in the list of its kind.
public struct Member: Sendable {
  /// What is written after the point.
  public let name: String
  /// The type of its value as in signatures: `int`, `list[string]`, `tensor | none`.
  public let type: String
  /// One sentence.
  public let summary: String
  @usableFromInline
  let read: @Sendable (Value) throws -> Value?
  @usableFromInline
  let write: (@Sendable (HostObject, Value) throws -> Bool)?

  /// A member of a kind of host object.
  ///
  /// - Parameters:
  ///   - set: changes it, for kinds that are references; says whether it takes the value. Without it the member is only read.
  ///   - read: its value; an error gets the place of the member.
  // Inlined where a list is written, so that the class is known there and costs no search at run time.
  @inlinable
  public init<Object: HostObject>(
    _ name: String, _ type: String, _ summary: String,
    set: (@Sendable (Object, Value) throws -> Bool)? = nil, _ read: @escaping @Sendable (Object) throws -> Value
  ) {
    (self.name, self.type, self.summary) = (name, type, summary)
    self.read = { value in
      guard case .object(let object) = value, let object = object as? Object else { return nil }
      return try read(object)
    }
    guard let set else {
      write = nil
      return
    }
    write = { object, value in
      guard let object = object as? Object else { return false }
      return try set(object, value)
    }
  }

  /// A member of a kind of value that the language has itself.
  init(_ name: String, _ type: String, _ summary: String, of read: @escaping @Sendable (Value) -> Value?) {
    (self.name, self.type, self.summary) = (name, type, summary)
    self.read = read
    write = nil
  }
}

/// A kind of value for help and the manual: its name, what it is, and what it has.
public struct Kind: Sendable {
  /// The name of the type.
  public let name: String
  /// One sentence.
  public let summary: String
  private let list: @Sendable () -> [Member]

  /// What can stand after the point of such a value.
  public var members: [Member] { list() }

  init(_ name: String, _ summary: String, members: [Member]) {
    (self.name, self.summary, list) = (name, summary, { members })
  }

  /// The kind of the objects of one class.
  public init(_ type: HostObject.Type) {
    (name, summary, list) = (type.typeName, type.typeSummary, { type.members })
  }
}

extension Kind {
  /// The kinds of the language that have members.
  static let core = [range, error, function]

  static let range = Kind(
    "range", "Whole numbers in equal steps, such as 0..9.",
    members: [
      Member("start", "int", "The first number.", of: { range($0) { $0.start } }),
      Member("end", "int", "The number that it does not go beyond.", of: { range($0) { $0.end } }),
      Member("step", "int", "From one number to the next.", of: { range($0) { $0.step } }),
    ])

  private static func range(_ value: Value, _ read: (RangeValue) -> Int) -> Value? {
    if case .range(let range) = value { .int(read(range)) } else { nil }
  }

  static let function = Kind(
    "function", "What can be called.",
    members: [
      Member("name", "string", "The name under which it was written.", of: { $0.asFunction.map { Value($0.name) } })
    ])
}

extension [Member] {
  /// Reads a member by its name; `nil` where there is none.
  func read(_ name: String, of value: Value) throws -> Value? {
    for member in self where member.name == name { return try member.read(value) }
    return nil
  }
}
