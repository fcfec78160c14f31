import Base

/// A string of the language, whose characters are Unicode code points, as in Python.
///
/// Swift keeps strings as UTF-8, where the n-th code point is found by walking there. A program that goes through the
/// characters of a string by index would then take time by the square, so a character must be found in constant time:
/// in a string that is all ASCII the index is the offset of the byte, and for any other a table holds the offset of every
/// 64th code point, made only as far as somebody has asked. The number of characters is counted once and kept.
///
/// A string that only one variable holds grows in place (`append`). What is known of its characters stays true, because
/// appending moves none of them. Strings of one ASCII character are made once and shared.
public final class StringValue {
  /// The string as Swift has it.
  public private(set) var text: String
  private var characterCount = -1
  /// The offsets of a string that is not all ASCII, made as far as it is needed.
  private var table: CharacterTable?

  /// A string of the language with the characters of one of Swift.
  public init(_ text: String) { self.text = text }

  /// - Parameter count: The number of code points, which is known.
  init(_ text: String, count: Int) {
    self.text = text
    characterCount = count
  }

  /// Grows in place; only for a string that nobody else holds. What is known of its characters stays.
  func append(_ more: StringValue) {
    if characterCount >= 0 { characterCount &+= more.count }
    text += more.text
  }

  /// The number of code points.
  public var count: Int {
    if characterCount < 0 { characterCount = text.withBytes(Self.count) }
    return characterCount
  }

  /// All bytes but those that begin with the bits 10, which continue a code point; eight at a time.
  private static func count(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    let memory = UnsafeRawBufferPointer(bytes)
    var count = memory.count
    var place = 0
    while place &+ 8 <= memory.count {
      let word = memory.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      count &-= ((word >> 7) & (~word >> 6) & 0x0101_0101_0101_0101).nonzeroBitCount
      place &+= 8
    }
    while place < memory.count {
      if memory[place] & 0xC0 == 0x80 { count &-= 1 }
      place &+= 1
    }
    return count
  }

  /// The code point at an index, which may count from the end.
  func character(at place: Int) -> Value? {
    let count = count
    let resolved = place < 0 ? place &+ count : place
    guard resolved >= 0, resolved < count else { return nil }
    if count == text.utf8.count { return text.withBytes { Value.ascii[Int($0[resolved])] } }
    return (try? slice(resolved, 1, 1)).map { .string($0) }
  }

  /// `count` code points from `start`, every `step`-th.
  func slice(_ start: Int, _ count: Int, _ step: Int) throws(LTDError) -> StringValue {
    guard count > 0 else { return StringValue("", count: 0) }
    let all = self.count
    var isStopped = false
    /// Asks once in 65,536 calls whether to continue.
    func continues(_ place: Int) -> Bool {
      if place & 0xFFFF == 0xFFFF, StopSignal.isRaised(at: StopSignal.wordOfThread) { isStopped = true }
      return !isStopped
    }
    table?.isStopped = false
    let part = text.withBytes { bytes in
      if all == bytes.count {
        if step == 1 {
          return StringValue(
            String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<start + count]), as: UTF8.self), count: count)
        }
        let text = String(unsafeUninitializedCapacity: count) { target in
          for place in 0..<count where continues(place) { target[place] = bytes[start &+ place &* step] }
          return isStopped ? 0 : count
        }
        return StringValue(text, count: count)
      }
      let first = offset(of: start, bytes)
      if step == 1 {
        // A slice to the end needs no search for it.
        let end = count < 64 ? CharacterTable.step(count, from: first, bytes) : offset(of: start + count, bytes)
        return StringValue(
          String(decoding: UnsafeBufferPointer(rebasing: bytes[first..<max(first, end)]), as: UTF8.self), count: count)
      }
      var result = ""
      var offset = first
      for place in 0..<count where continues(place) {
        let end = CharacterTable.step(1, from: offset, bytes)
        result += String(decoding: UnsafeBufferPointer(rebasing: bytes[offset..<end]), as: UTF8.self)
        if place == count - 1 { break }
        offset =
          step.magnitude < 64
          ? CharacterTable.step(step, from: offset, bytes) : self.offset(of: start + (place + 1) * step, bytes)
      }
      return StringValue(result, count: count)
    }
    if isStopped || table?.isStopped == true, let reason = StopSignal.reasonOfThread { throw LTDError(reason) }
    return part
  }

  /// The byte at which the code point at an index begins; the end for the index after the last one.
  private func offset(of place: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    if place < 64 { return CharacterTable.step(place, from: 0, bytes) }
    if count - place < 64 { return CharacterTable.step(place - count, from: bytes.count, bytes) }
    let table = table ?? CharacterTable()
    self.table = table
    return table.offset(of: place, bytes)
  }

  var isASCII: Bool {
    text.withBytes { bytes in
      let memory = UnsafeRawBufferPointer(bytes)
      var seen: UInt64 = 0
      var place = 0
      while place &+ 8 <= memory.count {
        seen |= memory.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        place &+= 8
      }
      while place < memory.count {
        seen |= UInt64(memory[place])
        place &+= 1
      }
      return seen & 0x8080_8080_8080_8080 == 0
    }
  }
}

/// Where the code points of a string begin: of every 64th, as far as somebody has asked.
private final class CharacterTable {
  private var offsets = [0]
  /// Whether the last search was ended by what ends the run.
  var isStopped = false

  func offset(of place: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    while offsets.count <= place / 64 {
      if offsets.count & 4095 == 4095, StopSignal.isRaised(at: StopSignal.wordOfThread) {
        isStopped = true
        return bytes.count
      }
      offsets.append(CharacterTable.step(64, from: offsets[offsets.count - 1], bytes))
    }
    return CharacterTable.step(place % 64, from: offsets[place / 64], bytes)
  }

  /// The byte some code points further on, or further back; stays within the string.
  static func step(_ characters: Int, from offset: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var (offset, left) = (offset, characters)
    while left > 0, offset < bytes.count {
      offset &+= 1
      while offset < bytes.count, bytes[offset] & 0xC0 == 0x80 { offset &+= 1 }
      left &-= 1
    }
    while left < 0, offset > 0 {
      offset &-= 1
      while offset > 0, bytes[offset] & 0xC0 == 0x80 { offset &-= 1 }
      left &+= 1
    }
    return offset
  }
}

extension Value {
  /// The string of one code point.
  init(_ scalar: Unicode.Scalar) { self = scalar.isASCII ? Value.ascii[Int(scalar.value)] : Value(String(scalar)) }

  /// Strings of one ASCII character, which programs that look at characters make again and again. Safe for all threads: they
  /// are never written, since a string is changed only where nothing else holds it, and these know their length.
  nonisolated(unsafe) fileprivate static let ascii: UnsafeMutablePointer<Value> = {
    let texts = UnsafeMutablePointer<Value>.allocate(capacity: 128)
    for code in 0..<128 {
      let text = StringValue(String(Unicode.Scalar(UInt8(code))))
      _ = text.count
      (texts + code).initialize(to: .string(text))
    }
    return texts
  }()
}
