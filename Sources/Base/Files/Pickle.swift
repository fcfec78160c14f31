/// A Python pickle as what it describes, read without running anything.
///
/// A pickle is a program for a small stack machine, and Python runs what it says: it imports modules and calls functions.
/// Here nothing is imported or called. A call is kept as an `Object`: what was to be called, with what, and which items
/// and state were put into the result. A reader of a format looks at the few constructors that it knows and leaves the
/// others alone.
///
/// Values are numbered nodes in one list, and hold each other by number: a list may contain itself, a value may stand in
/// a thousand places, and nesting of any depth costs no stack, neither here nor when all is freed. Who walks through
/// nodes has to remember where it was. Every instruction makes at most one node, so that memory follows from the size of
/// the file, and there are at most ten million.
package struct Pickle: Sendable {
  /// What a node is.
  package enum Value: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    /// A whole number that `Int` does not hold, as Python's `hex` writes it.
    case largeInt(String)
    case float(Double)
    case string(String)
    /// Bytes, or a string of Python 2, by their number in `chunks`.
    case bytes(Int)
    /// A list by its number in `collections`.
    case list(Int)
    /// A tuple by its number in `collections`.
    case tuple(Int)
    /// A set or a frozen set by its number in `collections`.
    case set(Int)
    /// A dictionary by its number in `dictionaries`.
    case dictionary(Int)
    /// A class or function by its module and name: "collections.OrderedDict".
    case global(String)
    /// The result of a call, by its number in `objects`.
    case object(Int)
    /// What the writer kept outside, by the node that names it.
    case persistent(Int)
  }

  /// A key of a dictionary and its value, by their nodes.
  package struct Pair: Sendable {
    package let key: Int
    package let value: Int
  }

  /// The result of a call that was not made.
  package struct Object: Sendable {
    /// What was to be called.
    package let callable: Int
    /// The tuple of its arguments.
    package let arguments: Int
    /// What its attributes were to be set from, if anything.
    package var state: Int?
    /// What was appended to it, as to a list.
    package var items: [Int] = []
    /// What was put into it, as into a dictionary.
    package var pairs: [Pair] = []
  }

  /// Why a pickle was not read.
  package enum Failure: Error {
    /// It ends before its last instruction; more bytes may help.
    case endsEarly
    /// What is wrong, and the byte at which.
    case damaged(String, at: Int)
    /// The run has to stop.
    case stopped(CoreError)

    /// The error about a file.
    ///
    /// - Parameter part: what of the file the pickle is, as in "its data.pkl".
    package func error(in path: String, _ part: String) -> CoreError {
      switch self {
      case .endsEarly: .file(path, "is damaged: \(part) ends early", hint: downloadAgain)
      case .damaged(let what, let position):
        .file(path, "is damaged: \(part) is no valid pickle at byte \(position): \(what)", hint: downloadAgain)
      case .stopped(let error): error
      }
    }
  }

  /// Every value, the parts of others among them.
  package private(set) var nodes: [Value]
  /// The items of lists, tuples and sets, by their nodes.
  package private(set) var collections: [[Int]] = [[]]
  /// What dictionaries hold.
  package private(set) var dictionaries: [[Pair]] = []
  /// The results of calls.
  package private(set) var objects: [Object] = []
  /// Bytes, each a part of the input where it stands there as it is.
  package private(set) var chunks: [ArraySlice<UInt8>] = []
  /// The node that the whole pickle is.
  package private(set) var root = 0
  /// The index after its last byte.
  package private(set) var end = 0

  static let mostNodes = 10_000_000
  // The first nodes: what needs no node of its own.
  private static let (none, no, yes, empty, numbers) = (0, 1, 2, 3, 4)

  /// Reads one pickle of any protocol from 0 to 5.
  ///
  /// - Parameters:
  ///   - bytes: what it stands in; others may follow.
  ///   - start: the index of its first byte.
  package init(_ bytes: [UInt8], from start: Int = 0) throws(Failure) {
    nodes = [.none, .bool(false), .bool(true), .tuple(0)] + (0..<256).map { .int($0) }
    var machine = Machine(bytes, at: start)
    try machine.run(&self)
    end = machine.input.position
  }

  // MARK: Looking

  package subscript(_ node: Int) -> Value { nodes[node] }

  /// A string, one of Python 2 or bytes in UTF-8 among them; nil for anything else.
  package func text(_ node: Int) -> String? {
    switch nodes[node] {
    case .string(let text): text
    case .bytes(let chunk): String(validating: chunks[chunk], as: UTF8.self)
    default: nil
    }
  }

  /// Bytes, also those that Python 3 writes as a call for protocols that have none.
  package func bytes(_ node: Int) -> ArraySlice<UInt8>? {
    switch nodes[node] {
    case .bytes(let chunk): return chunks[chunk]
    case .object:
      guard let (name, arguments, _) = call(node) else { return nil }
      if name == "_codecs.encode", arguments.count == 2, case .string(let text) = nodes[arguments[0]] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
          guard scalar.value < 256 else { return nil }
          bytes.append(UInt8(scalar.value))
        }
        return bytes[...]
      }
      let isEmpty = arguments.isEmpty && ["builtins.bytes", "__builtin__.bytes", "__builtin__.str"].contains(name)
      return isEmpty ? [] : nil
    default: return nil
    }
  }

  /// A whole number that fits into an `Int`.
  package func int(_ node: Int) -> Int? {
    if case .int(let value) = nodes[node] { value } else { nil }
  }

  /// Several whole numbers in a tuple or list.
  package func ints(_ node: Int) -> [Int]? {
    guard let items = items(node) else { return nil }
    var numbers: [Int] = []
    for item in items {
      guard let number = int(item) else { return nil }
      numbers.append(number)
    }
    return numbers
  }

  /// The items of a list or tuple.
  package func items(_ node: Int) -> [Int]? {
    switch nodes[node] {
    case .list(let number), .tuple(let number): collections[number]
    default: nil
    }
  }

  /// A call by the name of what is called, with its arguments and the object.
  package func call(_ node: Int) -> (name: String, arguments: [Int], object: Object)? {
    guard case .object(let number) = nodes[node], case .global(let name) = nodes[objects[number].callable],
      case .tuple(let arguments) = nodes[objects[number].arguments]
    else { return nil }
    return (name, collections[arguments], objects[number])
  }

  /// What a dictionary holds, one of a class of its own (OrderedDict, defaultdict) among them; nil for anything else.
  package func pairs(_ node: Int) -> [Pair]? {
    switch nodes[node] {
    case .dictionary(let number): return dictionaries[number]
    case .object(let number):
      let object = objects[number]
      if !object.pairs.isEmpty { return object.pairs }
      guard case .global("collections.OrderedDict") = nodes[object.callable] else { return nil }
      // Early Pythons give the pairs to the constructor.
      guard let first = items(object.arguments)?.first else { return [] }
      var pairs: [Pair] = []
      for item in items(first) ?? [] {
        guard let pair = items(item), pair.count == 2 else { return nil }
        pairs.append(Pair(key: pair[0], value: pair[1]))
      }
      return pairs
    default: return nil
    }
  }

  // MARK: Making

  mutating func add(_ value: Value, at position: Int) throws(Failure) -> Int {
    guard nodes.count < Self.mostNodes else {
      throw .damaged("it holds more than \(Self.mostNodes) values", at: position)
    }
    nodes.append(value)
    return nodes.count - 1
  }

  mutating func add(_ object: Object, at position: Int) throws(Failure) -> Int {
    objects.append(object)
    return try add(.object(objects.count - 1), at: position)
  }

  mutating func add(_ chunk: ArraySlice<UInt8>, at position: Int) throws(Failure) -> Int {
    chunks.append(chunk)
    return try add(.bytes(chunks.count - 1), at: position)
  }

  mutating func add(
    _ items: [Int], as make: (Int) -> Value, at position: Int
  ) throws(Failure) -> Int {
    collections.append(items)
    return try add(make(collections.count - 1), at: position)
  }

  mutating func addDictionary(at position: Int) throws(Failure) -> Int {
    dictionaries.append([])
    return try add(.dictionary(dictionaries.count - 1), at: position)
  }

  mutating func add(_ number: Int, at position: Int) throws(Failure) -> Int {
    (0..<256).contains(number) ? Self.numbers + number : try add(.int(number), at: position)
  }

  static func constant(_ value: Bool?) -> Int { value.map { $0 ? yes : no } ?? none }
  static var emptyTuple: Int { empty }

  /// Puts items to the end of a list, or of an object that behaves like one.
  mutating func append(_ items: some Sequence<Int>, to node: Int, at position: Int) throws(Failure) {
    switch nodes[node] {
    case .list(let number), .set(let number): collections[number] += items
    case .object(let number): objects[number].items += items
    default: throw .damaged("items for what is no list", at: position)
    }
  }

  /// Puts keys and values, one after the other, into a dictionary or an object that behaves like one.
  mutating func put(_ items: [Int], into node: Int, at position: Int) throws(Failure) {
    guard items.count % 2 == 0 else { throw .damaged("a key without a value", at: position) }
    let pairs = stride(from: 0, to: items.count, by: 2).map { Pair(key: items[$0], value: items[$0 + 1]) }
    switch nodes[node] {
    case .dictionary(let number): dictionaries[number] += pairs
    case .object(let number): objects[number].pairs += pairs
    default: throw .damaged("keys for what is no dictionary", at: position)
    }
  }

  mutating func setState(_ state: Int, of node: Int, at position: Int) throws(Failure) {
    guard case .object(let number) = nodes[node] else { throw .damaged("a state for what is no object", at: position) }
    objects[number].state = state
  }

  mutating func finish(_ node: Int) { root = node }
}
