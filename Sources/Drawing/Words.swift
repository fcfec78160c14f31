/// Words of data in a picture: on one line, without anything that a terminal would obey, and with a known width.
enum Words {
  /// The text with a mark in place of every control character, also of those that turn the direction of writing.
  static func plain(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var plain = ""
    for scalar in text.unicodeScalars {
      if scalar == "\n" || scalar == "\t" {
        plain += " "
      } else if isControl(scalar) {
        plain += "·"
      } else {
        plain.unicodeScalars.append(scalar)
      }
    }
    return plain
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
  }

  /// Columns of a terminal that a text takes.
  static func width(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + width($1) } }

  static func width(_ scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x300 { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }

  /// The text, cut to a width with a mark at its end.
  static func cut(_ text: String, to room: Int) -> String {
    if room <= 0 { return "" }
    if width(text) <= room { return text }
    var cut = ""
    var used = 0
    for scalar in text.unicodeScalars {
      let own = width(scalar)
      if used + own > room - 1 { break }
      used += own
      cut.unicodeScalars.append(scalar)
    }
    return cut + "…"
  }
}
