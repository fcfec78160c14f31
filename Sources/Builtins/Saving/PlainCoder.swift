import Base
import Interpreter

/// Writes plain structures of the core into a saved session and reads them again, by the conformances to `Codable` that the
/// compiler makes.
///
/// The parts of a structure stand one after another in the order of their declaration, without names, each list with its
/// length. So a structure that has changed is not readable any more, which is noticed: the form of a session has a
/// version.
enum PlainCoder {
  static func write(_ value: some Encodable, to out: ObjectWriter) throws(CoreError) {
    let part = Part()
    do { try value.encode(to: PlainEncoder(part)) } catch {
      throw CoreError(.value, "it cannot be written: \(error)")
    }
    part.write(to: out)
  }

  static func read<Value: Decodable>(_ type: Value.Type, from reader: ObjectReader) throws(CoreError) -> Value {
    let part = try Part(reader, 0)
    do { return try Value(from: PlainDecoder(part)) } catch let error as CoreError { throw error } catch {
      throw reader.damaged("a \(type) has other parts")
    }
  }
}

/// A number, a string, or parts in order.
private final class Part {
  enum Content {
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case parts
  }
  var content = Content.parts
  var parts: [Part] = []

  init(_ content: Content = .parts) { self.content = content }

  func add(_ content: Content = .parts) -> Part {
    let part = Part(content)
    parts.append(part)
    return part
  }

  func write(to out: ObjectWriter) {
    switch content {
    case .none: out.write(0)
    case .bool(let value):
      out.write(1)
      out.write(value)
    case .int(let value):
      out.write(2)
      out.write(value)
    case .double(let value):
      out.write(3)
      out.write(value)
    case .string(let value):
      out.write(4)
      out.write(value)
    case .parts:
      out.write(5)
      out.write(parts.count)
      for part in parts { part.write(to: out) }
    }
  }

  init(_ reader: ObjectReader, _ depth: Int) throws(CoreError) {
    guard depth < 50 else { throw reader.damaged("its parts are nested too deep") }
    switch try reader.int() {
    case 0: content = .none
    case 1: content = .bool(try reader.bool())
    case 2: content = .int(try reader.int())
    case 3: content = .double(try reader.double())
    case 4: content = .string(try reader.string())
    case 5:
      let count = try reader.count()
      for _ in 0..<count { parts.append(try Part(reader, depth + 1)) }
    default: throw reader.damaged("a part is of no known kind")
    }
  }
}

private struct PlainEncoder: Encoder {
  let part: Part
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  init(_ part: Part) { self.part = part }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(Keyed<Key>(part: part))
  }
  func unkeyedContainer() -> any UnkeyedEncodingContainer { Sequence(part: part) }
  func singleValueContainer() -> any SingleValueEncodingContainer { Single(part: part) }

  static func encode<T: Encodable>(_ value: T, into part: Part) throws {
    switch value {
    case let value as Bool: part.content = .bool(value)
    case let value as Int: part.content = .int(value)
    case let value as UInt64: part.content = .int(Int(bitPattern: UInt(value)))
    case let value as Double: part.content = .double(value)
    case let value as Float: part.content = .double(Double(value))
    case let value as String: part.content = .string(value)
    default: try value.encode(to: PlainEncoder(part))
    }
  }

  struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let part: Part
    var codingPath: [any CodingKey] { [] }
    mutating func encodeNil(forKey key: Key) { _ = part.add(.none) }
    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
      try PlainEncoder.encode(value, into: part.add())
    }
    mutating func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
      if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
    }
    mutating func encodeIfPresent(_ value: Bool?, forKey key: Key) throws {
      _ = part.add(value.map { .bool($0) } ?? .none)
    }
    mutating func encodeIfPresent(_ value: String?, forKey key: Key) throws {
      _ = part.add(value.map { .string($0) } ?? .none)
    }
    mutating func encodeIfPresent(_ value: Int?, forKey key: Key) throws {
      _ = part.add(value.map { .int($0) } ?? .none)
    }
    mutating func encodeIfPresent(_ value: Double?, forKey key: Key) throws {
      _ = part.add(value.map { .double($0) } ?? .none)
    }
    mutating func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws {
      _ = part.add(value.map { .int(Int(bitPattern: UInt($0))) } ?? .none)
    }
    mutating func nestedContainer<Nested: CodingKey>(
      keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
      // Cases with values: the name of the case goes before them.
      let inner = part.add()
      inner.parts.append(Part(.string(key.stringValue)))
      return KeyedEncodingContainer(Keyed<Nested>(part: inner))
    }
    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { Sequence(part: part.add()) }
    mutating func superEncoder() -> any Encoder { PlainEncoder(part.add()) }
    mutating func superEncoder(forKey key: Key) -> any Encoder { PlainEncoder(part.add()) }
  }

  struct Sequence: UnkeyedEncodingContainer {
    let part: Part
    var codingPath: [any CodingKey] { [] }
    var count: Int { part.parts.count }
    mutating func encodeNil() { _ = part.add(.none) }
    mutating func encode<T: Encodable>(_ value: T) throws { try PlainEncoder.encode(value, into: part.add()) }
    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
      KeyedEncodingContainer(Keyed<Nested>(part: part.add()))
    }
    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { Sequence(part: part.add()) }
    mutating func superEncoder() -> any Encoder { PlainEncoder(part.add()) }
  }

  struct Single: SingleValueEncodingContainer {
    let part: Part
    var codingPath: [any CodingKey] { [] }
    mutating func encodeNil() { part.content = .none }
    mutating func encode<T: Encodable>(_ value: T) throws { try PlainEncoder.encode(value, into: part) }
  }
}

private struct PlainDecoder: Decoder {
  let part: Part
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  init(_ part: Part) { self.part = part }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(Keyed<Key>(Cursor(part)))
  }
  func unkeyedContainer() -> any UnkeyedDecodingContainer { Sequence(Cursor(part)) }
  func singleValueContainer() -> any SingleValueDecodingContainer { Single(part: part) }

  static func decode<T: Decodable>(_ type: T.Type, _ part: Part) throws -> T {
    var value: Any?
    switch (part.content, type) {
    case (.bool(let flag), is Bool.Type): value = flag
    case (.int(let number), is Int.Type): value = number
    case (.int(let number), is UInt64.Type): value = UInt64(bitPattern: Int64(number))
    case (.double(let number), is Double.Type): value = number
    case (.double(let number), is Float.Type): value = Float(number)
    case (.string(let text), is String.Type): value = text
    case (_, is Bool.Type), (_, is Int.Type), (_, is UInt64.Type), (_, is Double.Type), (_, is Float.Type),
      (_, is String.Type):
      break
    default: return try T(from: PlainDecoder(part))
    }
    guard let value = value as? T else { throw mismatch }
    return value
  }

  static var mismatch: CoreError { CoreError(.io, "it is damaged: a structure has other parts") }

  /// Where the reading of parts stands.
  final class Cursor {
    let part: Part
    var place = 0
    init(_ part: Part) { self.part = part }

    func next() throws -> Part {
      guard place < part.parts.count else { throw PlainDecoder.mismatch }
      defer { place += 1 }
      return part.parts[place]
    }
    var isAtNone: Bool {
      if place < part.parts.count, case .none = part.parts[place].content { return true }
      return false
    }
  }

  struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let cursor: Cursor
    var codingPath: [any CodingKey] { [] }
    init(_ cursor: Cursor) { self.cursor = cursor }
    /// Of cases with values: the one that is there.
    var allKeys: [Key] {
      guard let first = cursor.part.parts.first?.parts.first, case .string(let name) = first.content else { return [] }
      return Key(stringValue: name).map { [$0] } ?? []
    }
    func contains(_ key: Key) -> Bool { true }
    func decodeNil(forKey key: Key) throws -> Bool {
      guard cursor.isAtNone else { return false }
      _ = try cursor.next()
      return true
    }
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
      try PlainDecoder.decode(type, cursor.next())
    }
    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
      try decodeNil(forKey: key) ? nil : try decode(type, forKey: key)
    }
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
      try decodeNil(forKey: key) ? nil : try decode(type, forKey: key)
    }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
      try decodeNil(forKey: key) ? nil : try decode(type, forKey: key)
    }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
      try decodeNil(forKey: key) ? nil : try decode(type, forKey: key)
    }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
      try decodeNil(forKey: key) ? nil : try decode(type, forKey: key)
    }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? {
      try decodeNil(forKey: key) ? nil : try decode(type, forKey: key)
    }
    func nestedContainer<Nested: CodingKey>(
      keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
      let inner = Cursor(try cursor.next())
      guard case .string(key.stringValue)? = inner.part.parts.first?.content else { throw PlainDecoder.mismatch }
      inner.place = 1
      return KeyedDecodingContainer(Keyed<Nested>(inner))
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
      Sequence(Cursor(try cursor.next()))
    }
    func superDecoder() throws -> any Decoder { PlainDecoder(try cursor.next()) }
    func superDecoder(forKey key: Key) throws -> any Decoder { PlainDecoder(try cursor.next()) }
  }

  struct Sequence: UnkeyedDecodingContainer {
    let cursor: Cursor
    init(_ cursor: Cursor) { self.cursor = cursor }
    var codingPath: [any CodingKey] { [] }
    var count: Int? { cursor.part.parts.count }
    var isAtEnd: Bool { cursor.place >= cursor.part.parts.count }
    var currentIndex: Int { cursor.place }
    mutating func decodeNil() throws -> Bool {
      guard cursor.isAtNone else { return false }
      _ = try cursor.next()
      return true
    }
    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try PlainDecoder.decode(type, cursor.next()) }
    mutating func nestedContainer<Nested: CodingKey>(
      keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
      KeyedDecodingContainer(Keyed<Nested>(Cursor(try cursor.next())))
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
      Sequence(Cursor(try cursor.next()))
    }
    mutating func superDecoder() throws -> any Decoder { PlainDecoder(try cursor.next()) }
  }

  struct Single: SingleValueDecodingContainer {
    let part: Part
    var codingPath: [any CodingKey] { [] }
    func decodeNil() -> Bool { if case .none = part.content { true } else { false } }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try PlainDecoder.decode(type, part) }
  }
}
