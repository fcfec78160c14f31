/// Text. Characters are Unicode code points, as in Python; text that is all ASCII is indexed in constant time.
public final class StringValue {
  public private(set) var text: String
  private var characterCount = -1

  public init(_ text: String) { self.text = text }

  /// Grows in place; only for a text that nobody else holds.
  func append(_ more: String) {
    text += more
    characterCount = -1
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

  /// The code point at a place, which may count from the end, of a text that is all ASCII.
  func character(at place: Int) -> Value? {
    let count = count
    let resolved = place < 0 ? place &+ count : place
    guard resolved >= 0, resolved < count, count == text.utf8.count else { return nil }
    return text.withBytes { Value.ascii[Int($0[resolved])] }
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

extension Value {
  /// The text of one code point.
  init(_ scalar: Unicode.Scalar) { self = scalar.isASCII ? Value.ascii[Int(scalar.value)] : Value(String(scalar)) }

  /// Texts of one ASCII character, which programs that look at characters make again and again. Safe for all threads: they
  /// are never written, since a text is changed only where nothing else holds it, and these know their length.
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
