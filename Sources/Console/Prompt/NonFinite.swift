import Interpreter

/// NaN and infinities in what the prompt shows, in red: what nobody should overlook in a matrix of numbers.
///
/// They are found in the text as it stands, so that columns keep their widths and what is written elsewhere, into
/// transcripts and pipes, keeps its bytes: `nan`, `inf` and `-inf` as words of their own outside of quotes, and in the
/// header of a tensor how many there are (`NaN 3`, `infinite 2`). Names of fields are left alone.
enum NonFinite {
  private static let begin = Array("\u{1B}[31m".utf8)
  private static let end = Array("\u{1B}[0m".utf8)

  /// The text with what is no finite number marked.
  static func marked(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var marked: [UInt8] = []
    var isQuoted = false
    var place = 0
    while place < bytes.count {
      let byte = bytes[place]
      if isQuoted, byte == UInt8(ascii: "\\"), place + 1 < bytes.count {
        marked += bytes[place...place + 1]
        place += 2
        continue
      }
      // No text within a value goes over a line.
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() } else if byte == UInt8(ascii: "\n") { isQuoted = false }
      if !isQuoted, place == 0 || !isOfWord(bytes[place - 1]), let length = length(bytes[place...]) {
        if marked.isEmpty { marked.reserveCapacity(bytes.count + 64) }
        marked += begin + bytes[place..<place + length] + end
        place += length
        continue
      }
      marked.append(byte)
      place += 1
    }
    return String(decoding: marked, as: UTF8.self)
  }

  /// How many bytes at the begin of a text are such a number.
  private static func length(_ text: ArraySlice<UInt8>) -> Int? {
    guard let first = text.first, "-inN".utf8.contains(first) else { return nil }
    for word in ["nan", "inf", "-inf"] where text.starts(with: word.utf8) {
      guard let next = text.dropFirst(word.utf8.count).first else { return word.utf8.count }
      if !isOfWord(next), next != UInt8(ascii: ":"), next != UInt8(ascii: "(") { return word.utf8.count }
    }
    for word in ["NaN ", "infinite "] where text.starts(with: word.utf8) {
      let digits = text.dropFirst(word.utf8.count).prefix { (0x30...0x39).contains($0) }.count
      return digits > 0 ? word.utf8.count + digits : nil
    }
    return nil
  }

  private static func isOfWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"), 0x80...: true
    default: false
    }
  }
}

extension Value {
  /// Whether words in its text may be numbers that are not finite: what is shown of a function says what it can be given.
  var mayShowNonFinite: Bool {
    switch self {
    case .function, .module: false
    case .object(let object) where object.isPicture: false
    default: true
    }
  }
}
