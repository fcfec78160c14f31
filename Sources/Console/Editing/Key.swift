/// A key as the console knows it: what a terminal sends for it is many bytes and differs between terminals.
enum Key: Equatable {
  /// A character that is typed.
  case character(Unicode.Scalar)
  /// A control character as it comes: 1 is Ctrl-A, 13 Enter, 127 Backspace.
  case control(UInt8)
  /// A key held with Alt, or Escape and then the key.
  case meta(Unicode.Scalar)
  case named(Name, Modifiers = [])
  /// Escape alone.
  case escape
  /// The text of a paste, line breaks being line feeds.
  case paste([Unicode.Scalar])
  /// A paste longer than anything that is taken.
  case pasteTooLong
  /// What is no key of ours: an unknown sequence, the mouse, an answer of the terminal.
  case ignored

  enum Name: Equatable {
    case up, down, left, right, home, end, insert, delete, pageUp, pageDown, backTab, enter
    case function(Int)
  }

  struct Modifiers: OptionSet {
    let rawValue: Int
    static let shift = Modifiers(rawValue: 1)
    static let alt = Modifiers(rawValue: 2)
    static let control = Modifiers(rawValue: 4)
  }
}

/// Where the bytes of keys come from.
protocol KeySource: AnyObject {
  /// The next byte; nil when none came in time, or ever will.
  func byte(within milliseconds: Int32) -> UInt8?
  /// Bytes that are there already, at least one, waiting for it if need be; empty at the end of the input.
  func bytes() -> [UInt8]
  /// Puts bytes back in front of what comes.
  func putBack(_ bytes: ArraySlice<UInt8>)
}

/// Makes keys of bytes. Sequences that mean nothing here are read to their end, so that no part of them is taken for text.
struct KeyDecoder {
  /// How long after Escape another byte is taken to belong to it, in milliseconds.
  static let escapeDelay: Int32 = 40
  /// How long a sequence that has begun may pause.
  private static let pause: Int32 = 200
  /// The longest sequence and the longest answer of a terminal.
  private static let longestSequence = 64
  private static let longestAnswer = 1 << 16

  /// The longest paste that is taken, in bytes.
  let longestPaste: Int

  /// The key that begins with a byte.
  func key(_ first: UInt8, from source: KeySource) -> Key {
    switch first {
    case 0x1B: return afterEscape(source)
    case 0x0D:
      // CR LF is one Enter.
      if let next = source.byte(within: 0), next != 0x0A { source.putBack([next]) }
      return .control(first)
    case ..<0x20, 0x7F: return .control(first)
    default: return scalar(first, source).map { .character($0) } ?? .ignored
    }
  }

  /// A character of UTF-8; nil for what is none, and for control characters.
  private func scalar(_ first: UInt8, _ source: KeySource) -> Unicode.Scalar? {
    if first < 0x80 { return Unicode.Scalar(first) }
    let count = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard (0xC2...0xF4).contains(first) else { return nil }
    var bytes = [first]
    while bytes.count < count {
      guard let next = source.byte(within: Self.pause) else { return nil }
      guard next & 0xC0 == 0x80 else {
        source.putBack([next])
        return nil
      }
      bytes.append(next)
    }
    let text = String(decoding: bytes, as: UTF8.self).unicodeScalars
    guard text.count == 1, let scalar = text.first, scalar != "\u{FFFD}" || bytes == [0xEF, 0xBF, 0xBD] else {
      return nil
    }
    return (0x80..<0xA0).contains(scalar.value) ? nil : scalar
  }

  private func afterEscape(_ source: KeySource) -> Key {
    guard let next = source.byte(within: Self.escapeDelay) else { return .escape }
    switch next {
    case UInt8(ascii: "["): return sequence(source)
    case UInt8(ascii: "O"):
      guard let final = source.byte(within: Self.escapeDelay) else { return .meta("O") }
      return Self.named(final: final, parameters: []) ?? .ignored
    case UInt8(ascii: "P"), UInt8(ascii: "]"), UInt8(ascii: "_"):
      // An answer of the terminal, or Alt with the key: an answer goes on at once, and with certain characters.
      guard let after = source.byte(within: 0) else { return .meta(Unicode.Scalar(next)) }
      source.putBack([after])
      let begins = next == UInt8(ascii: "_") ? "G" : next == UInt8(ascii: "]") ? "0123456789" : "0123456789!>+|$"
      guard begins.utf8.contains(after) else { return .meta(Unicode.Scalar(next)) }
      skipAnswer(source)
      return .ignored
    case 0x1B:
      // Alt and a key with a sequence, in some terminals; Escape twice.
      switch afterEscape(source) {
      case .named(let name, let modifiers): return .named(name, modifiers.union(.alt))
      case .escape: return .escape
      case let other: return other
      }
    case ..<0x20 where ![0x08, 0x09, 0x0A, 0x0D].contains(next):
      // Escape, and then Ctrl-C.
      source.putBack([next])
      return .escape
    default: return scalar(next, source).map { .meta($0) } ?? .ignored
    }
  }

  /// What follows `ESC [`.
  private func sequence(_ source: KeySource) -> Key {
    var parameters: [UInt8] = []
    while parameters.count < Self.longestSequence {
      guard let byte = source.byte(within: parameters.isEmpty ? Self.escapeDelay : Self.pause) else {
        return parameters.isEmpty ? .meta("[") : .ignored
      }
      switch byte {
      case UInt8(ascii: "[") where parameters.isEmpty:
        _ = source.byte(within: Self.pause)  // function keys of the Linux console: ESC [ [ A
        return .ignored
      case 0x20..<0x40: parameters.append(byte)
      case 0x40...0x7E: return key(parameters, byte, source)
      default:
        // Broken off by another key.
        source.putBack([byte])
        return .ignored
      }
    }
    return .ignored
  }

  private func key(_ parameters: [UInt8], _ final: UInt8, _ source: KeySource) -> Key {
    let numbers = parameters.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map {
      Int(String(decoding: $0, as: UTF8.self).prefix { $0.isNumber }) ?? 0
    }
    let modifiers = Key.Modifiers(rawValue: numbers.count > 1 ? max(0, numbers[1] - 1) & 7 : 0)
    switch final {
    case UInt8(ascii: "M") where parameters.isEmpty:
      for _ in 0..<3 { _ = source.byte(within: Self.pause) }  // the mouse, in the oldest form
      return .ignored
    case UInt8(ascii: "~"):
      switch numbers.first ?? 0 {
      case 1, 7: return .named(.home, modifiers)
      case 2: return .named(.insert, modifiers)
      case 3: return .named(.delete, modifiers)
      case 4, 8: return .named(.end, modifiers)
      case 5: return .named(.pageUp, modifiers)
      case 6: return .named(.pageDown, modifiers)
      case 27 where numbers.count > 2: return Self.key(code: numbers[2], modifiers) ?? .ignored
      case 200: return paste(source)
      default: return .ignored
      }
    case UInt8(ascii: "u"): return Self.key(code: numbers.first ?? 0, modifiers) ?? .ignored
    default: return Self.named(final: final, parameters: parameters, modifiers) ?? .ignored
    }
  }

  private static func named(final: UInt8, parameters: [UInt8], _ modifiers: Key.Modifiers = []) -> Key? {
    // Answers have a mark: ESC [ ? … c.
    if let first = parameters.first, first >= 0x3C { return nil }
    switch final {
    case UInt8(ascii: "A"): return .named(.up, modifiers)
    case UInt8(ascii: "B"): return .named(.down, modifiers)
    case UInt8(ascii: "C"): return .named(.right, modifiers)
    case UInt8(ascii: "D"): return .named(.left, modifiers)
    case UInt8(ascii: "H"): return .named(.home, modifiers)
    case UInt8(ascii: "F"): return .named(.end, modifiers)
    case UInt8(ascii: "Z"): return .named(.backTab, modifiers)
    case UInt8(ascii: "M") where parameters.isEmpty: return .control(13)  // Enter of the number pad
    default: return nil
    }
  }

  /// A key by its code point, as terminals send it that name every key: `ESC [ 13 ; 3 u`.
  private static func key(code: Int, _ modifiers: Key.Modifiers) -> Key? {
    guard let scalar = Unicode.Scalar(UInt32(clamping: code)) else { return nil }
    if code == 27 { return .escape }
    if modifiers.contains(.alt) { return .meta(scalar) }
    if modifiers.contains(.control) {
      let upper = code & 0x5F
      return (0x40...0x5F).contains(upper) && code < 0x80 ? .control(UInt8(upper & 0x1F)) : nil
    }
    if code == 13, !modifiers.isEmpty { return .meta("\r") }
    if code < 0x20 || code == 0x7F { return .control(UInt8(code)) }
    return .character(scalar)
  }

  private func skipAnswer(_ source: KeySource) {
    var isEscaped = false
    for _ in 0..<Self.longestAnswer {
      guard let byte = source.byte(within: Self.pause) else { return }
      if byte == 0x07 || isEscaped && byte == UInt8(ascii: "\\") { return }
      isEscaped = byte == 0x1B
    }
  }

  /// Reads a bracketed paste to its end.
  private func paste(_ source: KeySource) -> Key {
    let end = Array("\u{1B}[201~".utf8)
    var text: [UInt8] = []
    var isTooLong = false
    while true {
      let more = source.bytes()
      if more.isEmpty { break }
      let searched = max(0, text.count - end.count)
      text += more
      // Ctrl-C: the end mark never came.
      if more.contains(3), let place = text[searched...].firstIndex(of: 3) {
        source.putBack(text[(place + 1)...])
        text.removeSubrange(place...)
        break
      }
      if let place = text[searched...].firstRange(of: end) {
        source.putBack(text[place.upperBound...])
        text.removeSubrange(place.lowerBound...)
        break
      }
      if text.count > longestPaste {
        isTooLong = true
        text.removeFirst(text.count - end.count)
      }
    }
    return isTooLong || text.count > longestPaste ? .pasteTooLong : .paste(Self.lines(text))
  }

  /// The text of a paste: CR LF and CR are line breaks, NUL is nothing.
  static func lines(_ bytes: [UInt8]) -> [Unicode.Scalar] {
    var scalars: [Unicode.Scalar] = []
    scalars.reserveCapacity(bytes.count)
    var follows = false
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      switch scalar {
      case "\r": scalars.append("\n")
      case "\n": if !follows { scalars.append("\n") }
      case "\0": break
      default: scalars.append(scalar)
      }
      follows = scalar == "\r"
    }
    return scalars
  }
}
