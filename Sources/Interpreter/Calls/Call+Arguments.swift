/// The arguments by name, as Swift values. Each accessor has a form for parameters whose type allows none. An argument of
/// another type than the signature promises is an error of kind `type` that points at it.
extension Call {
  /// True or false.
  public func bool(_ name: String) throws(LTDError) -> Bool { try bool(place(name)) }
  /// A whole number.
  public func int(_ name: String) throws(LTDError) -> Int { try int(place(name)) }
  /// An int or a float.
  public func float(_ name: String) throws(LTDError) -> Double { try float(place(name)) }
  /// The characters of a string.
  public func string(_ name: String) throws(LTDError) -> String { try string(place(name)) }
  /// The elements of a list or range.
  public func list(_ name: String) throws(LTDError) -> [Value] { try list(place(name)) }
  /// The fields of a record.
  public func record(_ name: String) throws(LTDError) -> RecordValue { try record(place(name)) }
  /// A host object of one class, such as that of a model.
  public func object<T: HostObject>(_ name: String, as type: T.Type) throws(LTDError) -> T {
    try object(place(name), as: type)
  }

  /// As `bool`; nil for none.
  public func optionalBool(_ name: String) throws(LTDError) -> Bool? {
    try optional(name) { c, p throws(LTDError) in try c.bool(p) }
  }
  /// As `int`; nil for none.
  public func optionalInt(_ name: String) throws(LTDError) -> Int? {
    try optional(name) { c, p throws(LTDError) in try c.int(p) }
  }
  /// As `float`; nil for none.
  public func optionalFloat(_ name: String) throws(LTDError) -> Double? {
    try optional(name) { c, p throws(LTDError) in try c.float(p) }
  }
  /// As `string`; nil for none.
  public func optionalString(_ name: String) throws(LTDError) -> String? {
    try optional(name) { c, p throws(LTDError) in try c.string(p) }
  }
  /// As `list`; nil for none.
  public func optionalList(_ name: String) throws(LTDError) -> [Value]? {
    try optional(name) { c, p throws(LTDError) in try c.list(p) }
  }
  /// As `record`; nil for none.
  public func optionalRecord(_ name: String) throws(LTDError) -> RecordValue? {
    try optional(name) { c, p throws(LTDError) in try c.record(p) }
  }
  /// As `object`; nil for none.
  public func optionalObject<T: HostObject>(_ name: String, as type: T.Type) throws(LTDError) -> T? {
    try optional(name) { c, p throws(LTDError) in try c.object(p, as: type) }
  }

  private func optional<T>(_ name: String, _ read: (Call, Int) throws(LTDError) -> T) throws(LTDError) -> T? {
    let place = try place(name)
    if case .none = base[place] { return nil }
    return try read(self, place)
  }
}

/// The arguments by position: quicker, for built-ins that run often.
extension Call {
  /// True or false.
  public func bool(_ place: Int) throws(LTDError) -> Bool {
    guard case .bool(let value) = self[place] else { throw mismatch(place, "a bool") }
    return value
  }

  /// A whole number.
  public func int(_ place: Int) throws(LTDError) -> Int {
    guard case .int(let value) = self[place] else { throw mismatch(place, "an int") }
    return value
  }

  /// An int, a float or a tensor without axes; an error where a gradient is followed through it, which would be lost.
  public func float(_ place: Int) throws(LTDError) -> Double {
    if let value = self[place].asDouble { return value }
    guard case .object(let object) = self[place], object.isNumber,
      let number = try fromHost({ try object.number() })?.asDouble
    else {
      throw mismatch(place, "a number")
    }
    if !object.isRecording { return number }
    throw noGradient(through: place)
  }

  /// The error for an argument through which no gradient can pass, where one is asked for. Taking it as a constant would
  /// make a silently wrong gradient.
  public func noGradient(through parameter: String) throws(LTDError) -> LTDError {
    noGradient(through: try place(parameter))
  }

  private func noGradient(through place: Int) -> LTDError {
    let parameter = parameters.items[place].name
    return error(
      .type, "no gradient passes through \(parameter) of \(name)",
      hint: "write the operation with +, *, exp and the like; detach(x) is a constant", at: parameter)
  }

  /// The characters of a string.
  public func string(_ place: Int) throws(LTDError) -> String {
    guard case .string(let value) = self[place] else { throw mismatch(place, "a string") }
    return value.text
  }

  /// The elements of a list, or of a range that is not longer than lists may be.
  public func list(_ place: Int) throws(LTDError) -> [Value] {
    switch self[place] {
    case .list(let list): return list.items
    case .range(let range):
      try session.checkSize(range.count, of: "list")
      return (0..<range.count).map { .int(range[$0]) }
    default: throw mismatch(place, "a list")
    }
  }

  /// The fields of a record.
  public func record(_ place: Int) throws(LTDError) -> RecordValue {
    guard case .record(let value) = self[place] else { throw mismatch(place, "a record") }
    return value
  }

  /// A host object of one class.
  public func object<T: HostObject>(_ place: Int, as type: T.Type) throws(LTDError) -> T {
    guard case .object(let object) = self[place], let object = object as? T else {
      throw mismatch(place, "another kind of object")
    }
    return object
  }
}

extension Call {
  /// An error that points at one argument.
  public func error(
    _ kind: Diagnostic.Kind, _ message: String, hint: String? = nil, at parameter: String? = nil
  ) -> LTDError {
    guard let site else { return LTDError(kind, message, hint: hint) }
    var span = site.span
    if let parameter, let place = parameters.items.firstIndex(where: { $0.name == parameter }),
      place < site.argumentSpans.count, let argument = site.argumentSpans[place]
    {
      span = argument
    }
    return LTDError(kind, message, source: site.source, span: span, hint: hint)
  }

  /// Runs `body`; its error, if it points at nothing yet, points at an argument.
  public func at<T>(_ parameter: String, _ body: () throws -> T) throws(LTDError) -> T {
    do throws(LTDError) {
      return try fromHost(body)
    } catch {
      guard let site, let place = parameters.items.firstIndex(where: { $0.name == parameter }),
        place < site.argumentSpans.count
      else { throw error }
      throw error.located(site.source, site.argumentSpans[place] ?? site.span)
    }
  }

  /// An error of the body as the language reports it, at the argument that it names.
  func placed(_ error: any Error) -> LTDError {
    let error = LTDError.reporting(error)
    guard let argument = error.diagnostic.argument else { return error }
    var diagnostic = error.diagnostic
    diagnostic.argument = nil
    if diagnostic.span == nil, let site {
      let names = [argument] + (session.table.argumentNames[argument] ?? [])
      let places = names.compactMap { name in parameters.items.firstIndex { $0.name == name } }
      let spans = places.compactMap { $0 < site.argumentSpans.count ? site.argumentSpans[$0] : nil }
      if let span = spans.first { (diagnostic.source, diagnostic.span) = (site.source, span) }
    }
    return LTDError(diagnostic)
  }

  private func mismatch(_ place: Int, _ expected: String) -> LTDError {
    let name = place >= 0 && place < parameters.items.count ? parameters.items[place].name : "\(place)"
    return error(
      .type, "\(name) of \(self.name) must be \(expected), not \(self[place].described)", at: name)
  }

  /// Calls a function value, such as a key function or the body of a sweep.
  public func invoke(_ function: Value, _ arguments: [Value] = [], named: [(String, Value)] = []) throws(LTDError)
    -> Value
  {
    do { return try session.invoke(function, arguments, named: named) } catch {
      throw error.called(back: function, site)
    }
  }

  /// Throws when the user asked to stop or a limit is reached; for loops of a built-in's own.
  public func poll() throws(LTDError) { try session.poll() }

  /// `poll` for loops over elements: it looks at one index of 4096.
  @inline(__always)
  public func poll(at place: Int) throws(LTDError) {
    if place & 4095 == 4095 { try session.poll() }
  }

  /// Prints a string as it is, without a line end added.
  public func write(_ text: String) throws(LTDError) { try session.write(text) }
}
