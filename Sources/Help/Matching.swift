/// How well a name fits what was typed, from an equal beginning to letters in the same order.
///
/// The ways to fit are tried from the strictest to the loosest, and only what fits in the strictest way that anything does
/// is offered: whoever types `pgd` gets `pgd` and `pgd_at`, not all that has a p, a g and a d; `PGD`, `smallCNN` and
/// `crossent` find `pgd`, `smallcnn` and `cross_entropy`. A name has few words, so that no way takes long.
enum Matching: Int, CaseIterable {
  /// The name begins with it.
  case beginning
  /// The name begins with it but for upper case and `_`.
  case sameLetters
  /// A word of the name begins with it.
  case word
  /// It is a part of the name.
  case part
  /// It is made of beginnings of words of the name, in their order: `cent` of `cross_entropy`.
  case beginnings
  /// Its letters are in the name, in their order, from the first letter of a word on.
  case scattered

  /// What was typed, prepared to be looked for.
  struct Pattern {
    let text: String
    let letters: [UInt8]

    init(_ text: String) {
      self.text = text
      letters = Matching.letters(of: text)
    }
  }

  /// The strictest way in which a name fits; nil where it does not.
  init?(_ name: String, _ pattern: Pattern) {
    if name.utf8.starts(with: pattern.text.utf8) {
      self = .beginning
      return
    }
    let (wanted, letters) = (pattern.letters, Self.letters(of: name))
    guard !wanted.isEmpty else { return nil }
    if letters.starts(with: wanted) {
      self = .sameLetters
    } else if wanted.count > 1, Self.words(of: name).contains(where: { letters[$0...].starts(with: wanted) }) {
      self = .word
    } else if wanted.count > 2, Self.contains(letters, wanted) {
      self = .part
    } else if wanted.count > 1, Self.isMade(wanted[...], of: letters, words: Self.words(of: name).prefix(8)) {
      self = .beginnings
    } else if wanted.count > 2, Self.isScattered(wanted, in: letters, words: Self.words(of: name)) {
      self = .scattered
    } else {
      return nil
    }
  }

  /// Small letters, without what separates words.
  private static func letters(of name: String) -> [UInt8] {
    name.utf8.compactMap { byte in
      switch byte {
      case UInt8(ascii: "_"), UInt8(ascii: "-"): nil
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
      default: byte
      }
    }
  }

  /// Where words begin, among the letters.
  private static func words(of name: String) -> [Int] {
    var (starts, place, isStart) = ([Int](), 0, true)
    for byte in name.utf8 {
      if byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") {
        isStart = true
        continue
      }
      if isStart { starts.append(place) }
      isStart = false
      place += 1
    }
    return starts
  }

  private static func contains(_ letters: [UInt8], _ wanted: [UInt8]) -> Bool {
    guard letters.count >= wanted.count else { return false }
    return (0...(letters.count - wanted.count)).contains { letters[$0...].starts(with: wanted) }
  }

  /// Whether the letters are beginnings of some of the words, one after the other.
  private static func isMade(_ wanted: ArraySlice<UInt8>, of letters: [UInt8], words: ArraySlice<Int>) -> Bool {
    if wanted.isEmpty { return true }
    for (index, start) in zip(words.indices, words) {
      let end = index + 1 < words.endIndex ? words[index + 1] : letters.count
      let common = zip(wanted, letters[start..<end]).prefix { $0 == $1 }.count
      for taken in stride(from: common, to: 0, by: -1)
      where isMade(wanted.dropFirst(taken), of: letters, words: words[(index + 1)...]) { return true }
    }
    return false
  }

  /// Whether all letters occur in their order, the first one at the beginning of a word.
  private static func isScattered(_ wanted: [UInt8], in letters: [UInt8], words: [Int]) -> Bool {
    words.contains { start in
      var place = start
      for (index, letter) in wanted.enumerated() {
        guard let found = letters[place...].firstIndex(of: letter), index > 0 || found == start else { return false }
        place = found + 1
      }
      return true
    }
  }

  /// The candidates that fit best, in the order given.
  static func best(_ candidates: [Completion.Candidate], for prefix: String) -> [Completion.Candidate] {
    if prefix.isEmpty { return candidates }
    let pattern = Pattern(prefix)
    var (best, found) = (Int.max, [Completion.Candidate]())
    for candidate in candidates {
      guard let way = Matching(candidate.text, pattern)?.rawValue, way <= best else { continue }
      if way < best { (best, found) = (way, []) }
      found.append(candidate)
    }
    return found
  }
}
