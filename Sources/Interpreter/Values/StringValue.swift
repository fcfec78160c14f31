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
    if characterCount < 0 { characterCount = isASCII ? text.utf8.count : text.unicodeScalars.count }
    return characterCount
  }

  var isASCII: Bool {
    text.withBytes { bytes in
      for byte in bytes where byte >= 0x80 { return false }
      return true
    }
  }
}
