import Base

/// Reads one entry: makes the object that an `ObjectWriter` has written.
public final class ObjectReader {
  private var bytes: ByteReader
  private unowned let loader: Loader

  init(_ bytes: ByteReader, _ loader: Loader) {
    self.bytes = bytes
    self.loader = loader
  }

  /// The session that is restored.
  public var session: Session { loader.session }

  /// A whole number.
  public func int() throws(CoreError) -> Int { try bytes.int() }
  /// A float.
  public func double() throws(CoreError) -> Double { try bytes.double() }
  /// A truth value.
  public func bool() throws(CoreError) -> Bool { try bytes.bool() }
  /// A string.
  public func string() throws(CoreError) -> String { try bytes.string() }
  /// How many parts follow.
  public func count() throws(CoreError) -> Int { try bytes.count() }
  /// Whole numbers.
  public func ints() throws(CoreError) -> [Int] {
    var numbers: [Int] = []
    for _ in 0..<(try bytes.count()) { numbers.append(try bytes.int()) }
    return numbers
  }
  /// Strings.
  public func strings() throws(CoreError) -> [String] {
    var texts: [String] = []
    for _ in 0..<(try bytes.count()) { texts.append(try bytes.string()) }
    return texts
  }
  /// A value; lists, records and functions are not filled yet.
  public func value() throws(CoreError) -> Value { try loader.value(&bytes) }
  /// What was kept beside the graph.
  public func blob() throws(CoreError) -> Any { try loader.blob(try bytes.int()) }
  /// An object with an entry of its own.
  public func object<Object: AnyObject>(_ type: Object.Type) throws(CoreError) -> Object {
    guard let object = try loader.object(try bytes.int()) as? Object else {
      throw ByteReader.damaged("an object is not of the kind that was meant")
    }
    return object
  }

  /// The error for what cannot be.
  public func damaged(_ what: String) -> CoreError { ByteReader.damaged(what) }
}

/// Makes the values of a `SavedGraph` again, and nothing of the session until all are there.
final class Loader {
  unowned let session: Session
  private let graph: SavedGraph
  private var kinds: [String] = []
  private var parts: [ByteReader] = []
  private var objects: [AnyObject?] = []
  private var isBeingMade: Set<Int> = []
  private var sources: [Source] = []
  private var codes: [[Span: Code]] = []
  private(set) var modules: [(key: String, module: LoadedModule)] = []
  let globals = Globals()
  /// The session's variables that belong to whoever saved, by name.
  private(set) var extras: [String: Value] = [:]

  static let extraMark: Character = ":"

  init(_ graph: SavedGraph, _ session: Session) {
    self.graph = graph
    self.session = session
  }

  /// Reads everything.
  ///
  /// - Parameter moduleTable: where the modules go: the session's, for as long as functions are compiled.
  func load(_ prepare: ([(key: String, module: LoadedModule)]) -> Void) throws(CoreError) {
    var reader = ByteReader(graph.bytes)
    for byte in SavedGraph.mark where try reader.byte() != byte {
      throw CoreError(.io, "it is no saved session")
    }
    let version = try reader.int()
    guard version == SavedGraph.version else {
      throw CoreError(
        .io, "its form is version \(version), and this program reads version \(SavedGraph.version)",
        hint: version > SavedGraph.version ? "a newer ltd has written it" : nil)
    }
    for _ in 0..<(try reader.count()) {
      sources.append(
        Source(
          name: try reader.string(), bytes: try reader.data(), firstLine: try reader.int(),
          isLibrary: try reader.bool()))
    }
    for _ in 0..<(try reader.count()) {
      let (key, name) = (try reader.string(), try reader.string())
      let (isFile, path) = (try reader.bool(), try reader.string())
      let source = try self.source(try reader.int())
      let module = LoadedModule(name: name, path: isFile ? path : key, source: source, isFile: isFile)
      if try reader.bool() { module.setRestored() }
      modules.append((key, module))
    }
    var units: [(source: Source, globals: Globals, known: Set<String>)] = []
    for _ in 0..<(try reader.count()) {
      let source = try self.source(try reader.int())
      let owner = try reader.int()
      var known: Set<String> = []
      for _ in 0..<(try reader.count()) { known.insert(try reader.string()) }
      guard owner == -1 || modules.indices.contains(owner) else { throw ByteReader.damaged("no module \(owner)") }
      units.append((source, owner == -1 ? globals : modules[owner].module.globals, known))
    }
    for _ in 0..<(try reader.count()) {
      kinds.append(try reader.string())
      parts.append(try reader.part())
    }
    objects = [AnyObject?](repeating: nil, count: kinds.count)
    var roots: [(Globals?, [(name: String, isConstant: Bool, bytes: ByteReader)])] = []
    for owner in -1..<modules.count {
      var list: [(name: String, isConstant: Bool, bytes: ByteReader)] = []
      let globals = owner == -1 ? globals : modules[owner].module.globals
      for _ in 0..<(try reader.count()) {
        let root = (try reader.string(), try reader.bool(), try reader.part())
        if owner != -1 || root.0.first != Self.extraMark { _ = globals.cell(root.0) }
        list.append(root)
      }
      roots.append((globals, list))
    }
    guard reader.left == 0 else { throw ByteReader.damaged("there are bytes after its end") }
    prepare(modules)
    for unit in units {
      try StopSignal.poll()
      codes.append(
        try session.compileAgain(unit.source, unit.globals, known: unit.known))
    }
    for id in kinds.indices { try makeShell(id) }
    for id in kinds.indices { _ = try object(id) }
    for id in kinds.indices { try fill(id) }
    for (globals, list) in roots {
      for var root in list {
        let value = try self.value(&root.bytes)
        if globals === self.globals, root.name.first == Self.extraMark {
          extras[String(root.name.dropFirst())] = value
        } else if let cell = globals?.cell(root.name) {
          cell.pointer.pointee = value
          cell.isConstant = root.isConstant
        }
      }
    }
  }

  private func source(_ number: Int) throws(CoreError) -> Source {
    guard sources.indices.contains(number) else { throw ByteReader.damaged("it has no program \(number)") }
    return sources[number]
  }

  func blob(_ number: Int) throws(CoreError) -> Any {
    guard graph.blobs.indices.contains(number) else { throw ByteReader.damaged("it has no numbers \(number)") }
    return graph.blobs[number].content
  }

  // MARK: Values

  func value(_ bytes: inout ByteReader) throws(CoreError) -> Value {
    switch try bytes.byte() {
    case Saver.Tag.none: return .none
    case Saver.Tag.no: return .bool(false)
    case Saver.Tag.yes: return .bool(true)
    case Saver.Tag.int: return .int(try bytes.int())
    case Saver.Tag.float: return .float(try bytes.double())
    case Saver.Tag.string: return Value(try bytes.string())
    case Saver.Tag.range:
      let (start, end, step) = (try bytes.int(), try bytes.int(), try bytes.int())
      guard let range = RangeValue(start: start, end: end, step: step) else {
        throw ByteReader.damaged("a range cannot be")
      }
      return .range(range)
    case Saver.Tag.entry:
      let id = try bytes.int()
      switch try object(id) {
      case let list as ListValue: return .list(list)
      case let record as RecordValue: return .record(record)
      case let text as StringValue: return .string(text)
      case let function as FunctionValue: return .function(function)
      case let error as ErrorValue: return .error(error)
      case let object as HostObject: return .object(object)
      default: throw ByteReader.damaged("a \(kinds[id]) is no value")
      }
    case Saver.Tag.builtin:
      let name = try bytes.string()
      guard let builtin = session.table.functions[name] else {
        throw CoreError(.io, "this ltd has no function \(name)", hint: "another version has written it")
      }
      return .function(FunctionValue(builtin))
    case Saver.Tag.module:
      let number = try bytes.int()
      guard modules.indices.contains(number), let module = modules[number].module.restoredValue else {
        throw ByteReader.damaged("it has no module \(number)")
      }
      return module
    case Saver.Tag.unset: return Unset.value
    case let tag: throw ByteReader.damaged("no value begins with \(tag)")
    }
  }

  /// The object of an entry; one of the host's is made when it is first needed.
  func object(_ id: Int) throws(CoreError) -> AnyObject {
    guard objects.indices.contains(id) else { throw ByteReader.damaged("it has no entry \(id)") }
    if let object = objects[id] { return object }
    guard let make = session.table.restorers[kinds[id]] else {
      throw CoreError(.io, "this ltd does not know what a \(kinds[id]) is", hint: "another version has written it")
    }
    guard isBeingMade.count < 500, isBeingMade.insert(id).inserted else {
      throw ByteReader.damaged("an object is a part of itself")
    }
    defer { isBeingMade.remove(id) }
    let made = try make(ObjectReader(parts[id], self))
    objects[id] = made
    return made
  }

  /// Makes what holds values, without them, so that cycles find each other.
  private func makeShell(_ id: Int) throws(CoreError) {
    var bytes = parts[id]
    switch kinds[id] {
    case "string": objects[id] = StringValue(try bytes.string())
    case "list": objects[id] = ListValue([])
    case "cell": objects[id] = Cell(.none)
    case "record":
      let count = try bytes.count()
      var fields: [(String, Value)] = []
      for _ in 0..<count { fields.append((try bytes.string(), .none)) }
      let record = RecordValue.make(fields)
      guard record.count == count else { throw ByteReader.damaged("a record has two fields of one name") }
      objects[id] = record
    case "bound": objects[id] = FunctionValue(.none, boundTo: .none, name: try bytes.string())
    case "function":
      let (unit, start, end) = (try bytes.int(), try bytes.int(), try bytes.int())
      guard codes.indices.contains(unit), let code = codes[unit][Span(start, end)] else {
        throw ByteReader.damaged("a function is not where it was written")
      }
      let count = try bytes.count()
      guard count == code.captureCount else { throw ByteReader.damaged("a function has captured other variables") }
      objects[id] = FunctionValue(code, captures: [Value](repeating: .none, count: count))
    case "error": objects[id] = ErrorValue(try diagnostic(&bytes))
    default: break
    }
  }

  private func fill(_ id: Int) throws(CoreError) {
    var bytes = parts[id]
    switch kinds[id] {
    case "list":
      let count = try bytes.count()
      var items: [Value] = []
      items.reserveCapacity(count)
      for place in 0..<count {
        if place & 4095 == 4095 { try StopSignal.poll() }
        items.append(try value(&bytes))
      }
      (objects[id] as? ListValue)?.items = items
    case "cell": (objects[id] as? Cell)?.pointer.pointee = try value(&bytes)
    case "record":
      guard let record = objects[id] as? RecordValue else { return }
      for _ in 0..<(try bytes.count()) { _ = try bytes.string() }
      for place in 0..<record.count { record.pointer(to: place).pointee = try value(&bytes) }
    case "bound":
      _ = try bytes.string()
      (objects[id] as? FunctionValue)?.bind(try value(&bytes), to: try value(&bytes))
    case "function":
      for _ in 0..<3 { _ = try bytes.int() }
      guard let function = objects[id] as? FunctionValue else { return }
      var captures: [Value] = []
      for _ in 0..<(try bytes.count()) { captures.append(try value(&bytes)) }
      function.restore(captures)
    default: break
    }
  }

  private func diagnostic(_ bytes: inout ByteReader) throws(CoreError) -> Diagnostic {
    func optionalString() throws(CoreError) -> String? {
      let count = try bytes.count()
      guard count <= 1 else { throw ByteReader.damaged("an error has two hints") }
      return count == 1 ? try bytes.string() : nil
    }
    func span() throws(CoreError) -> Span { Span(try bytes.int(), try bytes.int()) }
    let name = try bytes.string()
    guard let kind = Diagnostic.Kind(rawValue: name) else { throw ByteReader.damaged("there is no error \(name)") }
    let message = try bytes.string()
    let number = try bytes.int()
    let source = number == -1 ? nil : try self.source(number)
    let place = try span()
    var diagnostic = Diagnostic(kind, message, source: source, span: place.start < 0 ? nil : place)
    diagnostic.primaryLabel = try optionalString()
    diagnostic.hint = try optionalString()
    for _ in 0..<(try bytes.count()) { diagnostic.notes.append(try bytes.string()) }
    for _ in 0..<(try bytes.count()) { diagnostic.labels.append(Diagnostic.Label(try span(), try bytes.string())) }
    for _ in 0..<(try bytes.count()) {
      let function = try bytes.string()
      let source = try self.source(try bytes.int())
      diagnostic.trace.append(
        Diagnostic.Frame(function: function, source: source, span: try span(), isImport: try bytes.bool()))
    }
    diagnostic.omittedFrames = try bytes.int()
    return diagnostic
  }
}
