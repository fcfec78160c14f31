import Base

/// Numbers of one element type in row-major order, which a saved session keeps beside its graph: the elements of a tensor,
/// the pixels of a data set.
public struct SavedBlob {
  /// What it is called in the file.
  public var name: String
  /// What holds the numbers: whoever writes the file knows how to read them there.
  public var content: Any

  /// Numbers under a name.
  public init(name: String, content: Any) {
    self.name = name
    self.content = content
  }
}

/// Values with all that they hold, as bytes and blobs.
///
/// An object that can be reached in several ways has one entry and is referred to by its number, so that two names of one
/// model are one model afterwards, and functions that share a variable share it again. Entries stand beside each other
/// and not within each other: no depth of nesting and no cycle matters. Functions are kept as the text of the programs
/// that they stand in, which is compiled again, and what they have captured.
public struct SavedGraph {
  /// The graph.
  public var bytes: [UInt8]
  /// What it refers to by number.
  public var blobs: [SavedBlob]
  /// What could not be kept: a variable, and why.
  public var omitted: [(name: String, reason: String)] = []

  /// What could not be kept, a line for each reason: `_` and `_1` hold what a variable holds, and are not told one by one.
  public var omittedLines: [String] {
    var reasons: [(reason: String, names: [String])] = []
    for (name, reason) in omitted {
      if let index = reasons.firstIndex(where: { $0.reason == reason }) {
        reasons[index].names.append(name)
      } else {
        reasons.append((reason, [name]))
      }
    }
    return reasons.map { reason, names in
      let own = names.filter { !Self.isOfPrompt($0) }
      let list = own.isEmpty ? names.prefix(1) : own.prefix(8)
      return list.joined(separator: ", ") + (own.count > 8 ? " and \(own.count - 8) more" : "") + ": \(reason)"
    }
  }

  /// Whether a variable is one of `_`, `_1` and `ans`, where the prompt keeps values.
  private static func isOfPrompt(_ name: String) -> Bool {
    name == "ans" || name.first == "_" && name.dropFirst().allSatisfy(\.isNumber)
  }

  /// A graph as it was read.
  public init(bytes: [UInt8], blobs: [SavedBlob]) {
    self.bytes = bytes
    self.blobs = blobs
  }

  /// The version of the form; an older program refuses a newer one.
  static let version = 1
  static let mark = Array("LTDV".utf8)
}

/// The state of something that changes in place, such as the weights of a model, as it was at one moment.
///
/// It holds values that are copied before they are written, so that it costs nothing until something changes, and may be
/// read from any thread.
public protocol RestorePoint: AnyObject {
  /// What changes.
  var owner: AnyObject { get }
  /// How many bytes it may come to hold on its own.
  var byteCount: Int { get }
  /// Whether the owner is no longer as it was.
  var isChanged: Bool { get }
  /// Sets the owner back.
  func restore()
}

/// Writes one entry: what a kind of object needs to be made again.
public final class ObjectWriter {
  fileprivate(set) var bytes = ByteWriter()
  /// The kind, by which the table of built-ins knows who reads it.
  public var kind = ""
  unowned let saver: Saver

  fileprivate init(_ saver: Saver) { self.saver = saver }

  /// A whole number.
  public func write(_ number: Int) { bytes.write(number) }
  /// A float, by its bits.
  public func write(_ number: Double) { bytes.write(number) }
  /// A truth value.
  public func write(_ flag: Bool) { bytes.write(flag) }
  /// A string.
  public func write(_ text: String) { bytes.write(text) }
  /// Whole numbers with their count.
  public func write(_ numbers: [Int]) {
    bytes.write(numbers.count)
    for number in numbers { bytes.write(number) }
  }
  /// Strings with their count.
  public func write(_ texts: [String]) {
    bytes.write(texts.count)
    for text in texts { bytes.write(text) }
  }
  /// A value of the language.
  public func write(_ value: Value) throws(CoreError) { try saver.write(value, to: &bytes) }

  /// Numbers that are kept beside the graph.
  ///
  /// - Parameter name: what is added to the name of the variable.
  public func write(blob content: Any, name: String) { bytes.write(saver.add(content, name)) }

  /// An object that others may share, with an entry of its own that `save` writes.
  public func write(_ object: AnyObject, _ save: @escaping (ObjectWriter) throws(CoreError) -> Void) {
    bytes.write(saver.reference(object) { (out) throws(CoreError) in try save(out) })
  }

  /// As for an object, for memory that several objects share, by its address; whoever writes holds it.
  public func write(sharing address: UInt, _ save: @escaping (ObjectWriter) throws(CoreError) -> Void) {
    bytes.write(saver.reference(address: address, save))
  }

  /// Whether the graph is only to be compared with another one: times do not count.
  public var isComparing: Bool { saver.isComparing }

  /// The state that the object had at the moment that is saved; nil where it is as it is now.
  public func restorePoint(of object: AnyObject) -> (any RestorePoint)? { saver.points[ObjectIdentifier(object)] }
}

/// Makes a `SavedGraph` of a session.
final class Saver {
  private typealias Save = (ObjectWriter) throws(CoreError) -> Void
  let points: [ObjectIdentifier: any RestorePoint]
  private let table: BuiltinTable
  private var entries: [(kind: String, bytes: [UInt8])] = []
  private var ids: [ObjectIdentifier: Int] = [:]
  /// What has an id is held, so that no other object takes its address.
  private var held: [AnyObject] = []
  private var pending: [(id: Int, save: Save)] = []
  private var blobs: [SavedBlob] = []
  private var blobNames: Set<String> = ["ltd.graph", "__metadata__"]
  /// What stands for memory that several objects share.
  private final class Key {}
  private var addresses: [UInt: Key] = [:]
  private var root = ""
  /// Whether functions are known by their texts, and times are left out.
  var isComparing = false

  private var sources: [Source] = []
  private var sourceIDs: [ObjectIdentifier: Int] = [:]
  private var units: [Unit] = []
  private var unitIDs: [ObjectIdentifier: Int] = [:]
  /// The modules; -1 is the session itself.
  private(set) var modules: [SavedModule] = []
  private var ownerIDs: [ObjectIdentifier: Int] = [:]

  struct SavedModule {
    var key: String
    var name: String
    var path: String?
    var source: Source
    var hasRun: Bool
    var globals: Globals
  }

  init(table: BuiltinTable, globals: Globals, points: [any RestorePoint]) {
    self.table = table
    self.points = Dictionary(points.map { (ObjectIdentifier($0.owner), $0) }) { first, _ in first }
    ownerIDs[ObjectIdentifier(globals)] = -1
  }

  /// Adds a module; returns its index.
  @discardableResult
  func add(_ module: SavedModule) -> Int {
    if let known = ownerIDs[ObjectIdentifier(module.globals)] { return known }
    ownerIDs[ObjectIdentifier(module.globals)] = modules.count
    modules.append(module)
    return modules.count - 1
  }

  // MARK: Roots

  /// The value of a variable with all that it holds, or nothing of it.
  ///
  /// - Returns: the bytes that refer to it.
  /// - Throws: why it cannot be kept.
  func save(root name: String, _ value: Value) throws(CoreError) -> [UInt8] {
    let mark = (entries.count, held.count, blobs.count)
    root = name
    var bytes = ByteWriter()
    do throws(CoreError) {
      try write(value, to: &bytes)
      while let (id, save) = pending.popLast() {
        try StopSignal.poll()
        let out = ObjectWriter(self)
        try save(out)
        entries[id] = (out.kind, out.bytes.bytes)
      }
      return bytes.bytes
    } catch {
      pending = []
      for object in held[mark.1...] { ids[ObjectIdentifier(object)] = nil }
      entries.removeLast(entries.count - mark.0)
      held.removeLast(held.count - mark.1)
      for blob in blobs[mark.2...] { blobNames.remove(blob.name) }
      blobs.removeLast(blobs.count - mark.2)
      throw error
    }
  }

  // MARK: Values

  func write(_ value: Value, to bytes: inout ByteWriter) throws(CoreError) {
    switch value.plain {
    case .none: bytes.write(byte: Tag.none)
    case .bool(let flag): bytes.write(byte: flag ? Tag.yes : Tag.no)
    case .int(let number):
      bytes.write(byte: Tag.int)
      bytes.write(number)
    case .float(let number):
      bytes.write(byte: Tag.float)
      bytes.write(number)
    case .string(let text):
      if text.text.utf8.count <= 64 {
        bytes.write(byte: Tag.string)
        bytes.write(text.text)
      } else {
        refer(text, &bytes) { out in
          out.kind = "string"
          out.write(text.text)
        }
      }
    case .range(let range):
      bytes.write(byte: Tag.range)
      for number in [range.start, range.end, range.step] { bytes.write(number) }
    case .list(let list):
      refer(list, &bytes) { (out) throws(CoreError) in
        out.kind = "list"
        out.write(list.items.count)
        for (place, item) in list.items.enumerated() {
          if place & 4095 == 4095 { try StopSignal.poll() }
          try out.write(item)
        }
      }
    case .record(let record):
      refer(record, &bytes) { (out) throws(CoreError) in
        out.kind = "record"
        let fields = record.fields
        out.write(fields.count)
        for (name, _) in fields { out.write(name) }
        for (name, value) in fields { try out.write(self.isComparing && name == "seconds" ? .none : value) }
      }
    case .function(let function): try write(function, &bytes)
    case .error(let error):
      refer(error, &bytes) { out in
        out.kind = "error"
        self.write(error.diagnostic, out)
      }
    case .module(let module):
      bytes.write(byte: Tag.module)
      if isComparing { bytes.write(module.name) } else { bytes.write(owner(module)) }
    case .object(let object):
      if value.isUnset { return bytes.write(byte: Tag.unset) }
      if let cell = value.cell {
        return refer(cell, &bytes) { (out) throws(CoreError) in
          out.kind = "cell"
          let point = out.restorePoint(of: cell) as? CellRestorePoint
          try out.write(point?.value ?? cell.pointer.pointee)
        }
      }
      refer(object, &bytes) { (out) throws(CoreError) in try object.save(to: out) }
    }
  }

  enum Tag {
    static let none: UInt8 = 0
    static let no: UInt8 = 1
    static let yes: UInt8 = 2
    static let int: UInt8 = 3
    static let float: UInt8 = 4
    static let string: UInt8 = 5
    static let range: UInt8 = 6
    static let entry: UInt8 = 7
    static let builtin: UInt8 = 8
    static let module: UInt8 = 9
    static let unset: UInt8 = 10
  }

  private func refer(
    _ object: AnyObject, _ bytes: inout ByteWriter, _ save: @escaping (ObjectWriter) throws(CoreError) -> Void
  ) {
    bytes.write(byte: Tag.entry)
    bytes.write(reference(object, save))
  }

  /// The number of an object's entry, which is written when its turn comes.
  func reference(_ object: AnyObject, _ save: @escaping (ObjectWriter) throws(CoreError) -> Void) -> Int {
    let identifier = ObjectIdentifier(object)
    if let id = ids[identifier] { return id }
    let id = entries.count
    ids[identifier] = id
    held.append(object)
    entries.append(("", []))
    pending.append((id, save))
    return id
  }

  func reference(address: UInt, _ save: @escaping (ObjectWriter) throws(CoreError) -> Void) -> Int {
    if let key = addresses[address] { return reference(key, save) }
    let key = Key()
    addresses[address] = key
    return reference(key, save)
  }

  func add(_ content: Any, _ suffix: String) -> Int {
    let stem = root + suffix
    var name = stem
    var number = 2
    while !blobNames.insert(name).inserted {
      name = "\(stem)#\(number)"
      number += 1
    }
    blobs.append(SavedBlob(name: name, content: content))
    return blobs.count - 1
  }

  // MARK: Functions

  private func write(_ function: FunctionValue, _ bytes: inout ByteWriter) throws(CoreError) {
    if let builtin = function.builtin {
      guard table.functions[builtin.name] === builtin else {
        throw CoreError(.value, "the function \(builtin.name) belongs to an object and cannot be kept")
      }
      bytes.write(byte: Tag.builtin)
      bytes.write(builtin.name)
      return
    }
    if let binding = function.binding {
      return refer(function, &bytes) { (out) throws(CoreError) in
        out.kind = "bound"
        out.write(binding.name)
        try out.write(binding.target)
        try out.write(binding.receiver)
      }
    }
    guard let code = function.code, let unit = code.unit else {
      throw CoreError(.value, "the text of the function \(function.name) is not known")
    }
    let number = isComparing ? 0 : self.number(unit)
    let captures = function.captures
    refer(function, &bytes) { (out) throws(CoreError) in
      out.kind = "function"
      if self.isComparing {
        out.write(code.source.text(code.headerSpan.union(code.body.span)))
      } else {
        out.write(number)
        out.write(Int(code.headerSpan.start))
        out.write(Int(code.headerSpan.end))
      }
      out.write(captures.count)
      for value in captures { try out.write(value) }
    }
  }

  private func number(_ unit: Unit) -> Int {
    if let known = unitIDs[ObjectIdentifier(unit)] { return known }
    if ownerIDs[ObjectIdentifier(unit.globals)] == nil {
      // A module that was read again since keeps its functions in this form.
      add(
        SavedModule(
          key: "", name: unit.source.name, path: nil, source: unit.source, hasRun: true, globals: unit.globals))
    }
    unitIDs[ObjectIdentifier(unit)] = units.count
    units.append(unit)
    return units.count - 1
  }

  private func owner(_ module: ModuleValue) -> Int {
    ownerIDs[ObjectIdentifier(module.globals)]
      ?? add(
        SavedModule(
          key: "", name: module.name, path: module.path, source: module.source, hasRun: true, globals: module.globals))
  }

  private func number(_ source: Source?) -> Int {
    guard let source else { return -1 }
    if let known = sourceIDs[ObjectIdentifier(source)] { return known }
    sourceIDs[ObjectIdentifier(source)] = sources.count
    sources.append(source)
    return sources.count - 1
  }

  private func write(_ diagnostic: Diagnostic, _ out: ObjectWriter) {
    func write(_ span: Span) {
      out.write(Int(span.start))
      out.write(Int(span.end))
    }
    func write(_ text: String?) { out.write(text.map { [$0] } ?? []) }
    out.write(diagnostic.kind.rawValue)
    out.write(diagnostic.message)
    if isComparing { return }
    out.write(number(diagnostic.source))
    write(diagnostic.span ?? Span(-1, -1))
    write(diagnostic.primaryLabel)
    write(diagnostic.hint)
    out.write(diagnostic.notes)
    out.write(diagnostic.labels.count)
    for label in diagnostic.labels {
      write(label.span)
      out.write(label.text)
    }
    out.write(diagnostic.trace.count)
    for frame in diagnostic.trace {
      out.write(frame.function)
      out.write(number(frame.source))
      write(frame.span)
      out.write(frame.isImport)
    }
    out.write(diagnostic.omittedFrames)
  }

  // MARK: All together

  /// - Parameter roots: of the session, then of each module: a name, whether it is constant, and what `save` returned.
  func graph(_ roots: [[(name: String, isConstant: Bool, bytes: [UInt8])]]) -> SavedGraph {
    var out = ByteWriter()
    for byte in SavedGraph.mark { out.write(byte: byte) }
    out.write(SavedGraph.version)
    // Units and modules name their sources.
    let unitSources = units.map { number($0.source) }
    let moduleSources = modules.map { number($0.source) }
    out.write(sources.count)
    for source in sources {
      out.write(source.name)
      out.write(source.bytes)
      out.write(source.firstLine)
      out.write(source.isLibrary)
    }
    out.write(modules.count)
    for (module, source) in zip(modules, moduleSources) {
      out.write(module.key)
      out.write(module.name)
      out.write(module.path != nil)
      out.write(module.path ?? "")
      out.write(source)
      out.write(module.hasRun)
    }
    out.write(units.count)
    for (unit, source) in zip(units, unitSources) {
      out.write(source)
      out.write(ownerIDs[ObjectIdentifier(unit.globals)] ?? -1)
      out.write(unit.known.count)
      for name in unit.known.sorted() { out.write(name) }
    }
    out.write(entries.count)
    for entry in entries {
      out.write(entry.kind)
      out.write(entry.bytes)
    }
    for list in roots {
      out.write(list.count)
      for root in list {
        out.write(root.name)
        out.write(root.isConstant)
        out.write(root.bytes)
      }
    }
    return SavedGraph(bytes: out.bytes, blobs: blobs)
  }
}

/// A program that was compiled: functions are known by it and by where they stand in it.
final class Unit {
  let source: Source
  /// Whose variables it speaks of.
  let globals: Globals
  /// The names that were variables of the session when it was compiled; all others are its own or built-ins.
  var known: Set<String> = []

  init(_ source: Source, _ globals: Globals) {
    self.source = source
    self.globals = globals
  }
}

/// What a variable that functions share held.
final class CellRestorePoint: RestorePoint {
  private let cell: Cell
  let value: Value

  init(_ cell: Cell) {
    self.cell = cell
    value = cell.pointer.pointee
  }

  var owner: AnyObject { cell }
  var byteCount: Int { 0 }
  var isChanged: Bool { !value.isSameReference(cell.pointer.pointee) }
  func restore() { cell.pointer.pointee = value }
}
