import Base

/// Numbers and strings one after another, as a saved session has them: whole numbers in as few bytes as they need, floats
/// by their bits.
public struct ByteWriter {
  /// What was written so far.
  public private(set) var bytes: [UInt8] = []

  /// Nothing yet.
  public init() {}

  /// One byte.
  public mutating func write(byte: UInt8) { bytes.append(byte) }

  /// Seven bits in each byte, the lowest first.
  public mutating func write(unsigned number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// A whole number; small ones of either sign are short.
  public mutating func write(_ number: Int) {
    write(unsigned: UInt64(bitPattern: Int64((number << 1) ^ (number >> 63))))
  }

  /// All bits of a number.
  public mutating func write(_ number: Double) {
    var bits = number.bitPattern
    for _ in 0..<8 {
      bytes.append(UInt8(truncatingIfNeeded: bits))
      bits >>= 8
    }
  }

  /// A truth value.
  public mutating func write(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

  /// A string with its length.
  public mutating func write(_ text: String) { write(Array(text.utf8)) }

  /// Bytes with their number.
  public mutating func write(_ more: [UInt8]) {
    write(more.count)
    bytes += more
  }
}

/// Reads what `ByteWriter` has written; whatever bytes it gets, it returns or throws.
public struct ByteReader {
  private let bytes: [UInt8]
  private(set) var place: Int
  private let end: Int

  /// Reads from the first byte on.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    place = 0
    end = bytes.count
  }

  private init(_ bytes: [UInt8], _ place: Int, _ end: Int) {
    self.bytes = bytes
    self.place = place
    self.end = end
  }

  /// How many bytes are left.
  public var left: Int { end - place }

  static func damaged(_ what: String) -> CoreError { CoreError(.io, "it is damaged: \(what)") }

  /// One byte.
  public mutating func byte() throws(CoreError) -> UInt8 {
    guard place < end else { throw Self.damaged("it ends too early") }
    defer { place += 1 }
    return bytes[place]
  }

  /// A number that `write(unsigned:)` wrote.
  public mutating func unsigned() throws(CoreError) -> UInt64 {
    var (number, shift): (UInt64, UInt64) = (0, 0)
    while true {
      let next = try byte()
      guard shift < 63 || next <= 1 else { throw Self.damaged("a number is too large") }
      number |= UInt64(next & 0x7F) << shift
      if next < 0x80 { return number }
      shift += 7
    }
  }

  /// A whole number.
  public mutating func int() throws(CoreError) -> Int {
    let bits = try unsigned()
    return Int(bitPattern: UInt(bits >> 1)) ^ -Int(bits & 1)
  }

  /// How many parts follow, each of which takes a byte at least.
  public mutating func count() throws(CoreError) -> Int {
    let number = try int()
    guard number >= 0, number <= left else { throw Self.damaged("\(number) parts do not fit into \(left) bytes") }
    return number
  }

  /// A float.
  public mutating func double() throws(CoreError) -> Double {
    guard left >= 8 else { throw Self.damaged("it ends too early") }
    var bits: UInt64 = 0
    for offset in 0..<8 { bits |= UInt64(bytes[place + offset]) << UInt64(8 * offset) }
    place += 8
    return Double(bitPattern: bits)
  }

  /// A truth value.
  public mutating func bool() throws(CoreError) -> Bool { try byte() != 0 }

  /// A string.
  public mutating func string() throws(CoreError) -> String {
    let length = try count()
    defer { place += length }
    return String(decoding: bytes[place..<place + length], as: UTF8.self)
  }

  /// Bytes with their number.
  public mutating func data() throws(CoreError) -> [UInt8] {
    let length = try count()
    defer { place += length }
    return Array(bytes[place..<place + length])
  }

  /// A reader of the next part, which has its length before it.
  mutating func part() throws(CoreError) -> ByteReader {
    let length = try count()
    defer { place += length }
    return ByteReader(bytes, place, place + length)
  }
}
