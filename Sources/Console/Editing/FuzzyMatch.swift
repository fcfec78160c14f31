/// Whether a text is meant by what somebody typed, and how well it fits.
///
/// It searches statements of any length, words in any order, and says where it found them. Completion has a rule of its own
/// (`Matching` in Help): that of names, whose words are divided by `_` and among which only the strictest fit is offered.
struct FuzzyMatch {
  /// How much of an accident the match could be, the least first.
  enum Kind: Int, Comparable {
    case prefix, part, partInAnyCase, words, letters

    static func < (one: Kind, other: Kind) -> Bool { one.rawValue < other.rawValue }
  }

  let kind: Kind
  /// The bytes of the text that were asked for, for `letters` and the like in the order of the text.
  let places: [Int]

  /// A text that is searched more than once.
  struct Text {
    let bytes: [UInt8]
    let lowered: [UInt8]

    init(_ text: String) {
      bytes = Array(text.utf8)
      lowered = bytes.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    }
  }

  /// nil where not all letters of the query are in the text, in their order.
  init?(_ query: Text, in text: Text) {
    if query.bytes.isEmpty {
      (kind, places) = (.part, [])
    } else if let place = Self.find(query.bytes, text.bytes) {
      kind = place == 0 ? .prefix : .part
      places = Array(place..<place + query.bytes.count)
    } else if let place = Self.find(query.lowered, text.lowered) {
      kind = .partInAnyCase
      places = Array(place..<place + query.bytes.count)
    } else if let found = Self.words(query, text) {
      (kind, places) = (.words, found)
    } else if let found = Self.letters(query.lowered, text.lowered) {
      (kind, places) = (.letters, found)
    } else {
      return nil
    }
  }

  private static func find(_ part: [UInt8], _ text: [UInt8], from start: Int = 0) -> Int? {
    guard let first = part.first, text.count - start >= part.count else { return nil }
    var place = start
    while place <= text.count - part.count {
      if text[place] == first {
        var length = 1
        while length < part.count, text[place + length] == part[length] { length += 1 }
        if length == part.count { return place }
      }
      place += 1
    }
    return nil
  }

  /// All words of the query, in any order.
  private static func words(_ query: Text, _ text: Text) -> [Int]? {
    let words = query.lowered.split(separator: UInt8(ascii: " ")).map(Array.init)
    guard words.count > 1 else { return nil }
    var places: [Int] = []
    for word in words {
      guard let place = find(word, text.lowered) else { return nil }
      places += place..<place + word.count
    }
    return places.sorted()
  }

  /// All letters in their order, not further apart than a few words: the last of them as close together as can be.
  private static func letters(_ query: [UInt8], _ text: [UInt8]) -> [Int]? {
    let wanted = query.filter { $0 != UInt8(ascii: " ") }
    guard wanted.count > 1 else { return nil }
    var index = 0
    var end = 0
    for (place, byte) in text.enumerated() where byte == wanted[index] {
      index += 1
      if index == wanted.count {
        end = place
        break
      }
    }
    guard index == wanted.count else { return nil }
    // Back from the end, so that the letters stand as close as they can.
    var places: [Int] = []
    var place = end
    index = wanted.count - 1
    while true {
      if text[place] == wanted[index] {
        places.append(place)
        index -= 1
        if index < 0 { break }
      }
      place -= 1
    }
    places.reverse()
    let spread = end - (places.first ?? 0) + 1
    return spread <= wanted.count * 4 + 4 ? places : nil
  }
}
