import Base
import Tensors

/// What the object of a PyTorch file holds: the state dicts in it, wherever they stand, and the tensors by name.
///
/// Dictionaries, lists and objects are looked through from the outside in, in the order of the file. What directly holds
/// a tensor is a table; a module that was saved whole is a table of all its parameters and buffers, as its `state_dict()`
/// would name them. Nothing is made that is not a tensor: other objects are named and left alone.
struct TorchContents {
  private(set) var stateDicts: [StateDict] = []
  private(set) var notes: [String] = []
  private var tensors: [String: [String: TorchTensor]] = [:]
  /// What stands under a name and is no tensor that can be read.
  private var reasons: [String: [String: String]] = [:]

  private let pickle: Pickle
  private let path: String
  /// Modules met so far, in all tables: shared ones are met once for each name.
  private var modules = 0

  private static let deepest = 32
  private static let mostModules = 100_000
  private static let mostNotes = 20
  /// A name is made of those of everything around it: long ones, one in the other, would take memory without end.
  private static let longestKey = 4096

  /// Looks through an object.
  ///
  /// - Throws: `io` where a tensor cannot be what it is said to be; what `StopSignal.poll` throws.
  init(_ pickle: Pickle, path: String) throws(CoreError) {
    self.pickle = pickle
    self.path = path
    try walk()
  }

  /// A tensor by its name and that of its table.
  func tensor(_ name: String, in key: String) -> TorchTensor? { tensors[key]?[name] }

  /// What stands under a name instead of a tensor, as it ends a sentence.
  func reason(_ name: String, in key: String) -> String? { reasons[key]?[name] }

  /// Every tensor with its name.
  var all: [(name: String, tensor: TorchTensor)] {
    stateDicts.flatMap { table in
      table.entries.compactMap { entry in tensors[table.key]?[entry.name].map { (entry.name, $0) } }
    }
  }

  // MARK: Walking

  private struct Place {
    let node: Int
    let key: String
    let depth: Int
  }

  private mutating func walk() throws(CoreError) {
    var waiting = [Place(node: pickle.root, key: "", depth: 0)]
    // What is held twice, or holds itself, is looked at once.
    var seen: Set<Int> = []
    if let found = TorchTensor.find(pickle, pickle.root) {
      try add(table("", .tensor, [("", pickle.root)]))
      if case .unreadable(let what) = found { notes.append("the tensor is \(what)") }
      return
    }
    while let place = waiting.popLast() {
      try StopSignal.poll(at: seen.count)
      guard seen.insert(place.node).inserted else { continue }
      guard place.depth < Self.deepest else {
        note("'\(place.key)' is nested more than \(Self.deepest) deep and was left alone")
        continue
      }
      if isModule(place.node) {
        try add(table(place.key, .dictionary, try moduleItems(place.node)))
        continue
      }
      guard let (form, items) = contents(place.node) else { continue }
      try add(table(place.key, form, items))
      for item in items.reversed() where holds(item.node) {
        guard place.key.utf8.count + item.name.utf8.count <= Self.longestKey else {
          note("what stands under a name of more than \(Self.longestKey) bytes was left alone")
          continue
        }
        let key = place.key.isEmpty ? item.name : "\(place.key).\(item.name)"
        waiting.append(Place(node: item.node, key: key, depth: place.depth + 1))
      }
    }
  }

  /// Whether something may hold others, and is no tensor.
  private func holds(_ node: Int) -> Bool {
    switch pickle[node] {
    case .list, .tuple, .dictionary: true
    case .object: TorchTensor.find(pickle, node) == nil
    default: false
    }
  }

  /// What a dictionary, list or object holds, with a name for each.
  private func contents(_ node: Int) -> (StateDict.Form, [(name: String, node: Int)])? {
    if let pairs = pickle.pairs(node) {
      return (.dictionary, named(pairs))
    }
    if let items = pickle.items(node) {
      return (.list, items.enumerated().map { ("\($0.offset)", $0.element) })
    }
    // An object of a class that nobody knows here may hold weights among its attributes.
    guard case .object(let number) = pickle[node], pickle.array(node) == nil, let state = pickle.objects[number].state
    else { return nil }
    return pickle.pairs(state).map { (.dictionary, named($0)) }
  }

  private func named(_ pairs: [Pickle.Pair]) -> [(name: String, node: Int)] {
    pairs.compactMap { pair in
      if let text = pickle.text(pair.key) { return (text, pair.value) }
      return pickle.int(pair.key).map { ("\($0)", pair.value) }
    }
  }

  /// A table where there is a tensor among the items; else nil.
  private mutating func table(
    _ key: String, _ form: StateDict.Form, _ items: [(name: String, node: Int)]
  ) throws(CoreError) -> StateDict? {
    var (entries, others): ([StateDict.Entry], [StateDict.Other]) = ([], [])
    var (found, what): ([String: TorchTensor], [String: String]) = ([:], [:])
    // Of two values under one key Python keeps the later.
    var last: [String: Int] = [:]
    var hasTensor = false
    for (index, item) in items.enumerated() { last[item.name] = index }
    for (index, item) in items.enumerated() where last[item.name] == index {
      try StopSignal.poll(at: index)
      switch TorchTensor.find(pickle, item.node) {
      case .tensor(let tensor):
        entries.append(.init(name: item.name, shape: tensor.shape, elementType: tensor.element.name))
        found[item.name] = tensor
        hasTensor = true
      case .unreadable(let description):
        what[item.name] = description
        hasTensor = true
      case .damaged(let problem):
        throw .file(path, "is damaged: of tensor '\(item.name)', \(problem)", hint: downloadAgain)
      case nil:
        guard let description = describe(item.node) else { continue }
        what[item.name] = description
      }
      if let description = what[item.name] { others.append(.init(name: item.name, what: description)) }
    }
    guard hasTensor else { return nil }
    guard tensors[key] == nil else {
      note("there is more than one '\(key)'; the first was taken")
      return nil
    }
    (tensors[key], reasons[key]) = (found, what)
    for (index, item) in items.enumerated() where last[item.name] == index {
      guard let description = what[item.name], !isPlain(item.node) else { continue }
      note("'\(key.isEmpty ? item.name : "\(key).\(item.name)")' is \(description) and was left alone")
    }
    return StateDict(key: key, form: form, entries: entries, others: others)
  }

  private mutating func add(_ table: StateDict?) { if let table { stateDicts.append(table) } }

  private mutating func note(_ text: String) { if notes.count < Self.mostNotes { notes.append(text) } }

  // MARK: Modules saved whole

  private func attributes(_ node: Int) -> [String: Int] {
    guard case .object(let number) = pickle[node], let state = pickle.objects[number].state,
      let pairs = pickle.pairs(state)
    else { return [:] }
    return Dictionary(named(pairs).map { ($0.name, $0.node) }) { $1 }
  }

  private func isModule(_ node: Int) -> Bool {
    let attributes = attributes(node)
    return attributes["_parameters"] != nil && attributes["_modules"] != nil
  }

  /// The parameters and buffers of a module and of those in it, by the names of its `state_dict()`.
  private mutating func moduleItems(_ node: Int) throws(CoreError) -> [(name: String, node: Int)] {
    var items: [(name: String, node: Int)] = []
    var waiting = [Place(node: node, key: "", depth: 0)]
    while let place = waiting.popLast() {
      try StopSignal.poll()
      modules += 1
      guard modules <= Self.mostModules, place.depth < 2 * Self.deepest else {
        note(
          "there are more modules than \(Self.mostModules), or deeper ones than \(2 * Self.deepest); some were left alone"
        )
        break
      }
      let attributes = attributes(place.node)
      for group in ["_parameters", "_buffers"] {
        for item in named(attributes[group].flatMap { pickle.pairs($0) } ?? []) {
          if case .none = pickle[item.node] { continue }
          items.append((place.key + item.name, item.node))
        }
      }
      let inner = named(attributes["_modules"].flatMap { pickle.pairs($0) } ?? []).filter { isModule($0.node) }
      for item in inner.reversed() where place.key.utf8.count + item.name.utf8.count < Self.longestKey {
        waiting.append(Place(node: item.node, key: "\(place.key)\(item.name).", depth: place.depth + 1))
      }
    }
    return items
  }

  // MARK: What else there is

  /// What something is that is no tensor, as it ends a sentence; nil for what is looked through itself.
  private func describe(_ node: Int) -> String? {
    switch pickle[node] {
    case .none: return "none"
    case .bool(let value): return "\(value)"
    case .int(let value): return "the number \(value)"
    case .largeInt(let text): return "the number \(text.prefix(40))"
    case .float(let value): return "the number \(value)"
    case .string(let text): return "the string '\(text.count > 80 ? "\(text.prefix(80))…" : text)'"
    case .bytes: return pickle.text(node).map { "the string '\($0.prefix(80))'" } ?? "bytes"
    case .set: return "a set"
    case .global(let name): return "the class \(name.prefix(80))"
    case .persistent: return TorchStorage(pickle, node) == nil ? "something kept outside" : "a storage without a tensor"
    case .list, .tuple, .dictionary: return nil
    case .object:
      if pickle.array(node) != nil { return "a NumPy array" }
      guard let (name, _, _) = pickle.call(node) else { return "an object" }
      if name.hasPrefix("numpy.") { return name.hasSuffix("scalar") ? "a NumPy number" : "a NumPy object" }
      return contents(node) == nil ? "an object of the class \(name.prefix(80))" : nil
    }
  }

  /// Whether a value is of the kinds that need no word.
  private func isPlain(_ node: Int) -> Bool {
    switch pickle[node] {
    case .none, .bool, .int, .largeInt, .float, .string, .bytes: true
    default: false
    }
  }
}
