import Base

/// The arguments of a call as they are written, without their values.
final class ArgumentShape {
  enum Kind {
    case positional
    case named(Name)
  }
  let source: Source?
  let span: Span
  /// In the order of the source; the receiver of `x.f(a)` first.
  let arguments: [(kind: Kind, span: Span)]

  init(source: Source?, span: Span, arguments: [(kind: Kind, span: Span)]) {
    self.source = source
    self.span = span
    self.arguments = arguments
  }

  /// The arguments of a call from the host, which stands in no source.
  convenience init(positional: Int, named: [String], source: Source? = nil, span: Span = Span(0, 0)) {
    var arguments: [(kind: Kind, span: Span)] = []
    for _ in 0..<positional { arguments.append((.positional, span)) }
    for name in named { arguments.append((.named(Name(name, span)), span)) }
    self.init(source: source, span: span, arguments: arguments)
  }
}

/// Which argument goes to which parameter.
///
/// A plan is made of the arguments as they are written (`ArgumentShape`) and of a signature, without any value: positional
/// arguments fill the parameters in order, named ones their own, the rest goes to `*rest` and `**named`, and what is left
/// out gets its default. It is made once for each call in the source and each function that is called there, and used at
/// every call. Whether the values fit the types is a second step (`ParameterList.check`).
///
/// All errors about the arguments of all functions, built-in or not, are made in these two steps.
final class CallPlan {
  enum Destination {
    case parameter(Int)
    case rest
    case named(String)
  }
  let destinations: [Destination]
  /// The positions of the parameters that get their default.
  let missing: [Int]
  /// Whether argument i goes to parameter i.
  let isOrdered: Bool
  /// Whether, in addition, every parameter gets an argument.
  var isDirect: Bool { isOrdered && missing.isEmpty }
  /// The constant defaults of parameters that are left out.
  let defaults: [(place: Int, value: Value)]
  let site: CallSite?
  /// Bit i is set where parameter i is given.
  let given: UInt64

  init(_ shape: ArgumentShape, _ signature: CallSignature) throws(LTDError) {
    let parameters = signature.parameters
    if let failure = parameters.failure {
      throw LTDError(.internal, "the signature of \(signature.name) is wrong: \(failure.message)", hint: signature.text)
    }
    let normal = parameters.items.indices.filter { parameters.items[$0].kind == .normal }
    let positionalPlaces = normal.filter { parameters.rest == nil || $0 < parameters.rest.unsafelyUnwrapped }
    var destinations: [Destination] = []
    var spans = [Span?](repeating: nil, count: parameters.items.count)
    var next = 0
    for (kind, span) in shape.arguments {
      switch kind {
      case .positional:
        while next < positionalPlaces.count, spans[positionalPlaces[next]] != nil { next += 1 }
        if next < positionalPlaces.count {
          destinations.append(.parameter(positionalPlaces[next]))
          spans[positionalPlaces[next]] = span
          next += 1
        } else if parameters.rest != nil {
          destinations.append(.rest)
        } else {
          throw CallPlan.tooMany(shape, signature, positionalPlaces.count, span)
        }
      case .named(let name):
        if let place = normal.first(where: { parameters.items[$0].name == name.text }) {
          if spans[place] != nil {
            throw CallPlan.error(
              "\(signature.name) gets \(name.text) twice", shape, signature, name.span,
              hint: CallPlan.settingsAlone(signature))
          }
          destinations.append(.parameter(place))
          spans[place] = span
        } else if parameters.named != nil {
          destinations.append(.named(name.text))
        } else {
          throw CallPlan.unknownName(shape, signature, name)
        }
      }
    }
    missing = normal.filter { spans[$0] == nil }
    let required = missing.filter { !parameters.items[$0].hasDefault }
    if !required.isEmpty {
      let names = required.map { parameters.items[$0].name }
      throw CallPlan.error(
        "\(signature.name) needs \(names.count == 1 ? "the argument" : "the arguments") \(names.joined(separator: ", "))",
        shape, signature, shape.span)
    }
    self.destinations = destinations
    var isOrdered = parameters.rest == nil && parameters.named == nil
    for (place, destination) in destinations.enumerated() {
      if case .parameter(place) = destination { continue }
      isOrdered = false
    }
    self.isOrdered = isOrdered
    defaults = missing.compactMap { place in parameters.items[place].constantDefault.map { (place, $0) } }
    var given: UInt64 = 0
    for (place, span) in spans.enumerated() where span != nil && place < 64 { given |= 1 << UInt64(place) }
    self.given = given
    site = shape.source.map { CallSite(source: $0, span: shape.span, argumentSpans: spans) }
  }

  private static func error(
    _ message: String, _ shape: ArgumentShape, _ signature: CallSignature, _ span: Span, hint: String? = nil
  ) -> LTDError {
    var diagnostic = Diagnostic(
      .type, message, source: shape.source, span: shape.source == nil ? nil : span, hint: hint)
    diagnostic.notes = [signature.text]
    return LTDError(diagnostic)
  }

  private static func tooMany(
    _ shape: ArgumentShape, _ signature: CallSignature, _ limit: Int, _ span: Span
  ) -> LTDError {
    let count = shape.arguments.count { if case .positional = $0.kind { true } else { false } }
    let takes = limit == 0 ? "no arguments" : limit.of("argument")
    let keywordOnly = signature.parameters.items.count > limit
    // NumPy and PyTorch take the sizes of a shape one by one as well.
    if let hint = settingsAlone(signature) {
      return error("\(signature.name) takes \(takes), not \(count)", shape, signature, span, hint: hint)
    }
    let list = limit > 0 ? signature.parameters.items[limit - 1] : nil
    let hint = list?.type?.isList == true ? list.map { "\($0.name) is a single list, such as [2, 3]" } : nil
    return error(
      "\(signature.name) takes \(takes)\(keywordOnly ? " by position" : ""), not \(count)", shape, signature, span,
      hint: hint)
  }

  /// What to write instead of `pgd(net, x, y)`: attacks and methods are made of their settings, and what they work on is
  /// handed to the function that uses them.
  static func settingsAlone(_ signature: CallSignature) -> String? {
    guard case .host(let made, _)? = signature.parameters.result?.terms.first else { return nil }
    switch made {
    case "attack":
      return
        "\(signature.name)(…) takes settings alone: perturb(net, x, y, \(signature.name)(eps=8/255)) attacks images"
    case "method":
      return "\(signature.name)(…) takes settings alone: fit(net, train, method=\(signature.name)(…)) trains"
    default: return nil
    }
  }

  private static func unknownName(_ shape: ArgumentShape, _ signature: CallSignature, _ name: Name) -> LTDError {
    let known = signature.parameters.items.filter { $0.kind == .normal }.map(\.name)
    let hint: String?
    if name.text == "dim" || name.text == "dims", known.contains("axis") {
      hint = "the axis of a tensor is named axis: axis=…"
    } else if name.text == "keepdims", known.contains("keepdim") {
      hint = "did you mean keepdim?"
    } else if let close = nearest(name.text, among: known) {
      hint = "did you mean \(close)?"
    } else if let longer = known.first(where: { $0.hasPrefix(name.text) || name.text.hasPrefix($0) }),
      name.text.count > 1
    {
      hint = "did you mean \(longer)?"
    } else {
      hint = known.isEmpty ? "it takes no arguments" : "its arguments are \(known.joined(separator: ", "))"
    }
    return error("\(signature.name) has no argument \(name.text)", shape, signature, name.span, hint: hint)
  }
}

extension ParameterList {
  /// Checks and converts the arguments that have a type or a condition.
  ///
  /// - Parameter pointer: returns where the value of a parameter stands, by its position.
  /// - Returns: what the names of sizes stand for.
  @discardableResult
  func check(
    _ signature: CallSignature, _ session: Session, _ site: CallSite?,
    _ pointer: (Int) -> UnsafeMutablePointer<Value>
  ) throws(LTDError) -> TypeCheck.Sizes {
    var sizes: TypeCheck.Sizes = []
    for place in checked {
      let parameter = items[place]
      let target = pointer(place)
      if let type = parameter.type {
        do {
          try matchArgument(parameter, type, target, session, &sizes, signature)
        } catch {
          throw locate(error, place, site)
        }
      }
      for check in parameter.constantChecks {
        try require(check.op, check.bound, place, target.pointee, signature, session, site)
      }
    }
    return sizes
  }

  private func matchArgument(
    _ parameter: ParameterInfo, _ type: TypeCheck, _ target: UnsafeMutablePointer<Value>, _ session: Session,
    _ sizes: inout TypeCheck.Sizes, _ signature: CallSignature
  ) throws(LTDError) {
    switch parameter.kind {
    case .normal:
      guard let value = try type.match(target.pointee, session, parameter.name, &sizes) else {
        throw mismatch(parameter, type, target.pointee, signature, session)
      }
      target.pointee = value
    case .rest:
      guard case .list(let list) = target.pointee else { return }
      var items: [Value] = []
      for item in list.items {
        guard let value = try type.match(item, session, parameter.name, &sizes) else {
          throw mismatch(parameter, type, item, signature, session)
        }
        items.append(value)
      }
      target.pointee = Value(items)
    case .named:
      guard case .record(let record) = target.pointee else { return }
      for (_, item) in record.fields where try type.match(item, session, parameter.name, &sizes) == nil {
        throw mismatch(parameter, type, item, signature, session)
      }
    }
  }

  /// Checks one condition such as `> 0`.
  /// - Throws: `value` unless it holds.
  func require(
    _ op: ComparisonOperator, _ bound: Value, _ place: Int, _ value: Value, _ signature: CallSignature,
    _ session: Session, _ site: CallSite?
  ) throws(LTDError) {
    if case .none = value { return }
    var value = value
    let holds: Bool
    do {
      if case .object(let object) = value {
        guard object.isNumber, let number = try fromHost({ try object.number() }) else { return }
        value = number
      }
      guard case .bool(let truth) = try Operations.compare(op, value, bound, session) else { return }
      holds = truth
    } catch {
      throw locate(error, place, site)
    }
    if holds { return }
    let limit = bound.shortText(PrintOptions())
    let wanted = op == .in ? "one of \(limit)" : op == .notIn ? "none of \(limit)" : "\(op.rawValue) \(limit)"
    var diagnostic = Diagnostic(
      .value, "\(items[place].name) of \(signature.name) must be \(wanted), not \(value.shortText(PrintOptions()))")
    diagnostic.notes = [signature.text]
    if op == .in, case .string(let text) = value, let names = bound.asList?.compactMap(\.asString) {
      diagnostic.hint = nearest(text.text, among: names).map { "did you mean \"\($0)\"?" }
    }
    throw locate(LTDError(diagnostic), place, site)
  }

  private func mismatch(
    _ parameter: ParameterInfo, _ type: TypeCheck, _ value: Value, _ signature: CallSignature, _ session: Session
  ) -> LTDError {
    var found = ", not \(value.described)"
    if case .list(let list) = value, let place = type.misfit(in: list, session) {
      found = "; element \(place) is \(list.items[place].described)"
    }
    var diagnostic = Diagnostic(
      .type, "\(parameter.name) of \(signature.name) must be \(type.expectation)\(found)")
    diagnostic.notes = [signature.text]
    if case .object(let object) = value, ["model", "tensor", "dataset"].contains(object.typeName),
      let hint = CallPlan.settingsAlone(signature)
    {
      diagnostic.hint = hint
      return LTDError(diagnostic)
    }
    switch value.plain {
    case .string where signature.name == "join" && parameter.name == "parts":
      diagnostic.hint = "the list comes first: xs.join(\(value.shortText(PrintOptions())))"
    case .function(let function) where function.name != "function":
      diagnostic.hint = "call the function: \(function.name)(…)"
    case .string(let text) where session.table.functions[text.text].map({ type.takesResult(of: $0.signature) }) ?? false:
      diagnostic.hint = "it is made by a function: \(parameter.name)=\(text.text)(…)"
    case .string:
      if type.text.contains("float") || type.text.contains("int") {
        diagnostic.hint = "float(x) or int(x) make a number of a string"
      }
    case .float(let number):
      if type.text.contains("int"), number == number.rounded() {
        diagnostic.hint = "int(x) makes an int; // divides to an int"
      }
    case .int(let number):
      if type.isList { diagnostic.hint = "a list of one item is [\(number)]" }
    case .object(let object):
      if let other = items.first(where: { $0.name != parameter.name && $0.type?.takes(object) ?? false }) {
        diagnostic.hint = "\(object.typeName.withArticle) is given by name here: \(other.name)=…"
      } else if object.shape?.isEmpty == false {
        if type.takesLists {
          diagnostic.hint = "list(x) makes a list of the elements, or rows, of a tensor"
        } else if type.takesNumbers {
          diagnostic.hint = "x[0] is one number of a vector"
        }
      }
    default: break
    }
    return LTDError(diagnostic)
  }

  private func locate(_ error: LTDError, _ place: Int, _ site: CallSite?) -> LTDError {
    guard let site else { return error }
    return error.located(site.source, site.argumentSpans[place] ?? site.span)
  }
}

extension TypeCheck {
  /// The index of the first element that a list of this type cannot have.
  func misfit(in list: ListValue, _ session: Session) -> Int? {
    for case .list(let element?) in terms {
      for (place, item) in list.items.enumerated() {
        var sizes: Sizes = []
        do { if try element.match(item, session, "", &sizes) == nil { return place } } catch { return place }
      }
    }
    return nil
  }

  /// Whether a host object of this kind fits.
  func takes(_ object: HostObject) -> Bool {
    terms.contains { if case .host(let name, _) = $0 { object.isKind(of: name) } else { false } }
  }

  /// Whether what a function makes is a host object that fits.
  func takesResult(of signature: CallSignature) -> Bool {
    guard case .host(let made, _)? = signature.parameters.result?.terms.first else { return false }
    return terms.contains { if case .host(made, _) = $0 { true } else { false } }
  }

  /// Whether nothing but a list fits.
  var isList: Bool {
    terms.allSatisfy { if case .list = $0 { true } else { false } }
  }

  /// Whether a list fits.
  var takesLists: Bool {
    terms.contains { if case .list = $0 { true } else { false } }
  }

  /// Whether a number fits.
  var takesNumbers: Bool {
    terms.contains {
      switch $0 {
      case .int, .float, .number: true
      default: false
      }
    }
  }

  /// In a sentence: `an int or none`.
  var expectation: String {
    let parts = terms.map { term -> String in
      switch term {
      case .any: "any value"
      case .none: "none"
      case .int: "an int"
      case .error: "an error"
      case .list(let element?) where element.plainKinds != .all: "a list of \(element.text)"
      case .list: "a list"
      case .host(let name, let sizes):
        (name.first.map { "aeiou".contains($0) } ?? false ? "an " : "a ") + name
          + (sizes == nil ? "" : text.drop { $0 != "[" }.prefix { $0 != "|" })
      case .bool: "true or false"
      case .float: "a number"
      case .number: "a number"
      case .string: "a string"
      case .record: "a record"
      case .range: "a range"
      case .function: "a function"
      case .module: "a module"
      }
    }
    guard let last = parts.last, parts.count > 1 else { return parts.first ?? text }
    return parts.dropLast().joined(separator: ", ") + " or " + last
  }
}
