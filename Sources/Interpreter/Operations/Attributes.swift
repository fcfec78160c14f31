extension Operations {
  /// `value.name` without the search for a function of that name; `nil` when there is no such attribute.
  static func ownAttribute(_ value: Value, _ name: String) throws(LTDError) -> Value? {
    switch value {
    case .record(let record): return record[name]
    case .module(let module): return name.hasPrefix("_") ? nil : module.globals[name]
    default: return try fromHost { try members(of: value).read(name, of: value) }
    }
  }

  /// `value.name`; without a `function` in scope of that name, an error with what there is.
  static func attribute(
    _ value: Value, _ name: String, _ function: Value?, _ table: BuiltinTable? = nil
  ) throws(LTDError) -> Value {
    if let own = try ownAttribute(value, name) { return own }
    // A module is no argument: what it does not have is misspelt or stands elsewhere.
    if case .module = value { throw noAttribute(value, name, isBuiltin: function?.asFunction?.builtin != nil) }
    if let function { return .function(FunctionValue(function, boundTo: value, name: name)) }
    throw noAttribute(value, name, table)
  }

  /// - Parameters:
  ///   - table: for advice on names of other languages.
  ///   - isBuiltin: whether there is a built-in function of that name.
  static func noAttribute(
    _ value: Value, _ name: String, _ table: BuiltinTable? = nil, isBuiltin: Bool = false
  ) -> LTDError {
    let value = value.plain
    switch value {
    case .record(let record): return noField(name, record)
    case .module(let module):
      return noMember(name, of: module.name, names: module.globals.publicNames, isBuiltin: isBuiltin)
    default:
      let members = members(of: value).map(\.name)
      var advice = (table ?? .core).advice[name]
      if case .object(let object) = value { advice = object.advice(on: name) ?? advice }
      if advice == nil, case .list(let list) = value, case .record(let first)? = list.items.first, first[name] != nil {
        advice = "the records in it have: [r.\(name) for r in xs]"
      }
      let functions = (table ?? .core).functions.keys
      return LTDError(
        .name, "\(value.kindText) has no \(name), and no function has that name",
        hint: advice ?? (nearest(name, among: members) ?? nearest(name, among: functions)).map { "did you mean \($0)?" }
          ?? (members.isEmpty ? nil : fieldList(members)))
    }
  }

  /// - Parameter names: what the module has.
  static func noMember(_ name: String, of module: String, names: [String], isBuiltin: Bool) -> LTDError {
    if name.hasPrefix("_") {
      return LTDError(.name, "\(name) is private to \(module)", hint: "names that start with _ stay in their file")
    }
    return LTDError(
      .name, "\(module) has no \(name)",
      hint: isBuiltin
        ? "\(name) is built in: write \(name)(…) without \(module)."
        : nearest(name, among: names).map { "did you mean \($0)?" } ?? fieldList(names))
  }

  /// The members that all values of a kind have; records and modules have fields of their own.
  static func members(of value: Value) -> [Member] {
    switch value {
    case .object(let object): type(of: object).members
    case .error: Kind.error.members
    case .range: Kind.range.members
    case .function: Kind.function.members
    default: []
    }
  }
}
