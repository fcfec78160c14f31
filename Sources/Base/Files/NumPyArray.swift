/// The type of a NumPy array's elements: a real number in some size and byte order, or a truth value.
package struct NumPyType: Sendable, Equatable {
  /// How the bytes of an element are read.
  package enum Kind: String, Sendable {
    case bool
    case int
    case uint
    case float
  }

  /// How the bytes of an element are read.
  package let kind: Kind
  /// The number of bytes of an element: 1, 2, 4 or 8.
  package let size: Int
  /// Whether the first byte is the highest.
  package let isBigEndian: Bool

  /// The type as NumPy calls it: "float32".
  package var name: String { kind == .bool ? "bool" : "\(kind.rawValue)\(size * 8)" }

  /// Reads a type as NumPy writes it: "<f4", "|u1", ">i8".
  ///
  /// - Throws: what elements that are not read are, in words that end a sentence: "Python objects".
  package init(_ text: String) throws(Unreadable) {
    var rest = text[...]
    var isBig = false
    if let order = rest.first, "<>|=".contains(order) {
      isBig = order == ">"
      rest.removeFirst()
    }
    guard let letter = rest.first else { throw Unreadable(what: "a type without a name") }
    let size = Int(rest.dropFirst())
    switch letter {
    case "b" where size == 1: (kind, self.size) = (.bool, 1)
    case "?" where rest.count == 1: (kind, self.size) = (.bool, 1)
    case "i", "u":
      guard let size, [1, 2, 4, 8].contains(size) else { throw Unreadable(what: "the unknown type '\(text)'") }
      (kind, self.size) = (letter == "i" ? .int : .uint, size)
    case "f":
      guard let size, [2, 4, 8].contains(size) else {
        throw Unreadable(
          what: size == 12 || size == 16 ? "numbers of extended precision ('\(text)')" : "the unknown type '\(text)'")
      }
      (kind, self.size) = (.float, size)
    case "O": throw Unreadable(what: "Python objects")
    case "c": throw Unreadable(what: "complex numbers ('\(text)')")
    case "V": throw Unreadable(what: "records or raw bytes ('\(text)')")
    case "S", "a", "U": throw Unreadable(what: "strings ('\(text)')")
    case "M": throw Unreadable(what: "dates ('\(text)')")
    case "m": throw Unreadable(what: "spans of time ('\(text)')")
    default: throw Unreadable(what: "the unknown type '\(text.prefix(40))'")
    }
    isBigEndian = isBig && self.size > 1
  }

  /// Elements that are not read.
  package struct Unreadable: Error {
    /// What they are: "complex numbers ('<c8')".
    package let what: String
  }
}

/// The head of a NumPy array in the form of `numpy.save`, versions 1 to 3: what the raw bytes after it mean.
///
/// The head is a dictionary as Python writes it, of which only what NumPy puts there is read: nothing is evaluated.
package struct NumPyHeader: Sendable {
  /// The type of the elements.
  package let type: NumPyType
  /// The size of each axis; empty for a single number.
  package let shape: [Int]
  /// Whether the first axis is the fastest in memory.
  package let isFortran: Bool
  /// The number of elements.
  package let count: Int
  /// Where the elements begin, in bytes from the start.
  package let start: Int

  /// How many bytes the elements take.
  package var byteCount: Int { count * type.size }

  /// The most bytes that a head is taken to have; NumPy's are below 200.
  package static let limit = 1 << 16
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Whether bytes begin as an array does.
  package static func begins(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic) }

  /// Reads the head of an array.
  ///
  /// - Parameters:
  ///   - bytes: the beginning of the array: all of it, or at least `limit` bytes.
  ///   - size: how many bytes the array has; nil where that is not known beforehand.
  ///   - path: the file, for errors.
  ///   - part: which part of the file it is, for errors: "images.npy"; nil where it is the whole file.
  /// - Throws: `io` where it is not an array, is damaged, is longer or shorter than it says, or holds what is not read.
  package init(_ bytes: [UInt8], size: Int?, path: String, part: String? = nil) throws(CoreError) {
    let place = part.map { ", \($0)" } ?? ""
    func damaged(_ what: String) -> CoreError { .file(path, "is damaged\(place): \(what)", hint: downloadAgain) }
    guard Self.begins(bytes), bytes.count >= 10 else {
      throw damaged(
        Self.begins(bytes) ? "the head of a NumPy array is cut short" : "it does not begin as a NumPy array does")
    }
    let version = bytes[6]
    guard (1...3).contains(version) else { throw damaged("its head is of the unknown version \(version)") }
    let width = version == 1 ? 2 : 4
    guard bytes.count >= 8 + width else { throw damaged("the head of a NumPy array is cut short") }
    let length = bytes[8..<8 + width].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.limit - 12 else { throw damaged("its head has \(length) bytes") }
    guard length <= bytes.count - 8 - width else { throw damaged("the head of a NumPy array is cut short") }
    start = 8 + width + length

    guard let fields = Self.fields(bytes[8 + width..<start]) else {
      throw damaged("its head is no dictionary of Python")
    }
    func field(_ name: String) -> PythonLiteral.Value? { fields.last { $0.key == name }?.value }
    guard fields.count == 3, let described = field("descr"), case .bool(let isFortran)? = field("fortran_order"),
      case .list(let sizes)? = field("shape")
    else { throw damaged("its head lacks descr, fortran_order or shape, or has more") }
    var shape: [Int] = []
    for size in sizes {
      guard case .int(let size) = size, size >= 0 else { throw damaged("its shape is not of whole numbers from 0 on") }
      shape.append(size)
    }
    do throws(NumPyType.Unreadable) {
      type = try Self.type(described)
    } catch {
      throw .file(
        path, "holds \(error.what)\(part.map { " in \($0)" } ?? ""), which are not read",
        hint: "save numbers or truth values: numpy.save(path, array.astype('float32'))")
    }
    guard shape.count <= 16 else { throw damaged("it has \(shape.count) axes") }
    var count = 1
    // An axis of size 0 does not excuse others that are impossible.
    var isTooLarge = false
    for size in shape where size > 0 {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      (count, isTooLarge) = (overflow ? 1 : product, isTooLarge || overflow)
    }
    let (all, overflow) = count.multipliedReportingOverflow(by: type.size)
    if shape.contains(0) { count = 0 }
    guard !isTooLarge, !overflow else { throw damaged("no file holds the shape \(shape)") }
    if let size {
      let (needed, there) = (count == 0 ? 0 : all, size - start)
      guard needed <= there else {
        throw .file(
          path,
          "is cut short\(place): the shape \(shape) of \(type.name) takes \(needed) bytes, and \(max(0, there)) are there",
          hint: downloadAgain)
      }
      guard needed == there else {
        throw .file(
          path, "holds \(there - needed) bytes more than its array\(place)",
          hint: "save one array to a file; several go into an archive: numpy.savez")
      }
    }
    (self.shape, self.isFortran, self.count) = (shape, isFortran, count)
  }

  /// What the elements of an array are, in words that end a sentence, where they are not read: "Python objects". Nil
  /// for one that is read, and for what is no array.
  package static func unreadable(_ bytes: [UInt8]) -> String? {
    guard begins(bytes), bytes.count >= 12 else { return nil }
    let width = bytes[6] == 1 ? 2 : 4
    let end = 8 + width + bytes[8..<8 + width].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard end <= bytes.count, let fields = fields(bytes[(8 + width)..<end]),
      let described = fields.last(where: { $0.key == "descr" })?.value
    else { return nil }
    do throws(NumPyType.Unreadable) {
      _ = try type(described)
      return nil
    } catch { return error.what }
  }

  private static func fields(_ bytes: ArraySlice<UInt8>) -> [(key: String, value: PythonLiteral.Value)]? {
    var literal = PythonLiteral(bytes)
    guard case .dictionary(let fields)? = literal.value(), literal.isAtEnd else { return nil }
    return fields
  }

  private static func type(_ described: PythonLiteral.Value) throws(NumPyType.Unreadable) -> NumPyType {
    guard case .string(let text) = described else { throw NumPyType.Unreadable(what: "records (a structured array)") }
    return try NumPyType(text)
  }
}

/// A value as Python writes it in its programs: strings, whole numbers, truth values, None, and tuples, lists and
/// dictionaries of them, nested a few levels deep.
struct PythonLiteral {
  indirect enum Value {
    case none
    case bool(Bool)
    case int(Int)
    case string(String)
    /// A list or a tuple.
    case list([Value])
    case dictionary([(key: String, value: Value)])
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// Whether nothing but white space and zero bytes is left.
  var isAtEnd: Bool { rest.allSatisfy { $0 == 0 || Self.isSpace($0) } }

  /// The next value; nil where there is none.
  mutating func value(depth: Int = 0) -> Value? {
    guard depth < 16, let first = next() else { return nil }
    switch first {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return string(quote: first).map { .string($0) }
    case UInt8(ascii: "("), UInt8(ascii: "["):
      let close = first == UInt8(ascii: "(") ? UInt8(ascii: ")") : UInt8(ascii: "]")
      var items: [Value] = []
      while true {
        skipSpace()
        if take(close) { return .list(items) }
        guard let item = value(depth: depth + 1) else { return nil }
        items.append(item)
        skipSpace()
        if take(close) {
          // One value in parentheses is that value.
          return items.count == 1 && close == UInt8(ascii: ")") ? item : .list(items)
        }
        guard take(UInt8(ascii: ",")) else { return nil }
      }
    case UInt8(ascii: "{"):
      var fields: [(key: String, value: Value)] = []
      while true {
        skipSpace()
        if take(UInt8(ascii: "}")) { return .dictionary(fields) }
        guard case .string(let key)? = value(depth: depth + 1) else { return nil }
        skipSpace()
        guard take(UInt8(ascii: ":")), let value = value(depth: depth + 1) else { return nil }
        fields.append((key, value))
        skipSpace()
        if !take(UInt8(ascii: ",")) {
          guard take(UInt8(ascii: "}")) else { return nil }
          return .dictionary(fields)
        }
      }
    default:
      var word = [first]
      while let byte = rest.first, byte == 95 || byte &- 48 < 10 || (byte | 32) &- 97 < 26 {
        word.append(byte)
        rest.removeFirst()
      }
      var text = String(decoding: word, as: UTF8.self)
      switch text {
      case "True": return .bool(true)
      case "False": return .bool(false)
      case "None": return Value.none
      default:
        // The long numbers of Python 2.
        if text.hasSuffix("L") { text.removeLast() }
        return Int(text).map { .int($0) }
      }
    }
  }

  private mutating func string(quote: UInt8) -> String? {
    var content: [UInt8] = []
    while let byte = rest.popFirst() {
      if byte == quote { return String(decoding: content, as: UTF8.self) }
      if byte == 0x5C {
        guard let escaped = rest.popFirst() else { return nil }
        content.append(escaped)
      } else {
        content.append(byte)
      }
    }
    return nil
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  private mutating func skipSpace() { rest = rest.drop(while: Self.isSpace) }

  private mutating func next() -> UInt8? {
    skipSpace()
    return rest.popFirst()
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard rest.first == byte else { return false }
    rest.removeFirst()
    return true
  }
}

extension Pickle {
  /// A NumPy array within a pickle.
  package struct NumPyArray: Sendable {
    /// The type of its elements.
    package let type: NumPyType
    /// The size of each axis.
    package let shape: [Int]
    /// Whether the first axis is the fastest in memory.
    package let isFortran: Bool
    /// Its elements, as many as the shape says.
    package let bytes: ArraySlice<UInt8>
  }

  /// The NumPy array that a node is; nil where it is none, or one of elements that are not read.
  package func array(_ node: Int) -> NumPyArray? {
    guard let (name, arguments, object) = call(node) else { return nil }
    var (type, shape, isFortran, bytes): (NumPyType?, [Int]?, Bool, ArraySlice<UInt8>?) = (nil, nil, false, nil)
    switch name {
    case "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct":
      // (version, shape, type, order, bytes)
      guard let state = object.state.flatMap({ items($0) }), state.count >= 4 else { return nil }
      let last = state.suffix(4).map { $0 }
      (shape, type, bytes) = (ints(last[0]), numPyType(last[1]), self.bytes(last[3]))
      if case .bool(true) = self[last[2]] { isFortran = true }
      if case .int(1) = self[last[2]] { isFortran = true }
    case "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer":
      guard arguments.count == 4 else { return nil }
      // The bytes may be those of a bytearray.
      bytes = self.bytes(arguments[0]) ?? call(arguments[0]).flatMap { $0.arguments.first }.flatMap { self.bytes($0) }
      (type, shape) = (numPyType(arguments[1]), ints(arguments[2]))
      isFortran = text(arguments[3]) == "F"
    default: return nil
    }
    guard let type, let shape, let bytes, shape.allSatisfy({ $0 >= 0 }) else { return nil }
    var count = type.size
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { return nil }
      count = product
    }
    guard count == bytes.count else { return nil }
    return NumPyArray(type: type, shape: shape, isFortran: isFortran, bytes: bytes)
  }

  /// A `numpy.dtype`: its name is what it is made with, its byte order is in its state.
  private func numPyType(_ node: Int) -> NumPyType? {
    guard let (name, arguments, object) = call(node), name == "numpy.dtype", let first = arguments.first,
      let text = text(first), let type = try? NumPyType(text)
    else { return nil }
    guard let state = object.state.flatMap({ items($0) }), state.count > 1, let order = self.text(state[1]) else {
      return type
    }
    return try? NumPyType(order + text)
  }
}
