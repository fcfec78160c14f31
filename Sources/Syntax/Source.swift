/// A stretch of a source text in UTF-8 byte offsets, half open.
public struct Span: Sendable, Hashable {
  /// The first byte.
  public var start: Int32
  /// The byte after the last one.
  public var end: Int32

  /// The stretch from one offset to another; empty where the end comes before the start.
  public init(_ start: Int, _ end: Int) {
    self.start = Int32(clamping: start)
    self.end = Int32(clamping: max(start, end))
  }

  /// The same as a range of offsets.
  public var range: Range<Int> { Int(start)..<Int(end) }
  /// Whether no byte is in it.
  public var isEmpty: Bool { start == end }

  /// The smallest span that covers both.
  public func union(_ other: Span) -> Span {
    Span(Int(min(start, other.start)), Int(max(end, other.end)))
  }
}

/// A program text with its name: a file path, `<prompt>`, `<command line>`, or a module name.
public final class Source: Sendable {
  /// How messages call the text: a path, or a name such as `<prompt>`.
  public let name: String
  /// The text in UTF-8, valid or not.
  public let bytes: [UInt8]
  /// Offset of the first byte of every line; the first is 0.
  public let lineStarts: [Int32]
  /// Number of the first line as people count, 1 unless the text is a piece of a longer one.
  public let firstLine: Int
  /// Whether it is a module of the library: its errors are shown at the line that called it.
  public let isLibrary: Bool

  /// A source of a text.
  public convenience init(name: String, text: String, firstLine: Int = 1, isLibrary: Bool = false) {
    self.init(name: name, bytes: Array(text.utf8), firstLine: firstLine, isLibrary: isLibrary)
  }

  /// A source of the bytes of a file.
  public init(name: String, bytes: [UInt8], firstLine: Int = 1, isLibrary: Bool = false) {
    self.isLibrary = isLibrary
    self.name = name
    self.bytes = bytes
    self.firstLine = firstLine
    var starts: [Int32] = [0]
    for (offset, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
      starts.append(Int32(clamping: offset + 1))
    }
    lineStarts = starts
  }

  /// The text of a span; what is outside the source is left out, and invalid UTF-8 is repaired.
  public func text(_ span: Span) -> String { text(span.range) }

  func text(_ range: Range<Int>) -> String {
    let range = range.clamped(to: 0..<bytes.count)
    return String(decoding: bytes[range], as: UTF8.self)
  }

  /// Index of the line that holds `offset`, counted from 0.
  public func lineIndex(at offset: Int) -> Int {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if Int(lineStarts[middle]) <= offset { low = middle } else { high = middle }
    }
    return low
  }

  /// Bytes of a line without its line end.
  public func lineRange(_ index: Int) -> Range<Int> {
    guard index >= 0, index < lineStarts.count else { return bytes.count..<bytes.count }
    let start = Int(lineStarts[index])
    var end = index + 1 < lineStarts.count ? Int(lineStarts[index + 1]) - 1 : bytes.count
    if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    return start..<max(start, end)
  }

  /// Line and column of an offset as people count them, from 1; columns are code points.
  public func position(at offset: Int) -> (line: Int, column: Int) {
    let offset = min(max(offset, 0), bytes.count)
    let line = lineIndex(at: offset)
    let start = Int(lineStarts[line])
    var column = 1
    for byte in bytes[start..<max(start, offset)] where byte & 0xC0 != 0x80 { column += 1 }
    return (line + firstLine, column)
  }
}
