import Base
import Help
import Interpreter

/// The history as a list under the prompt: what fits the words typed, the best first.
///
/// A better kind of match goes first, then what is more recent; what ran in this folder counts as if it were half as
/// long ago.
struct HistorySearch {
  private let entries: [History.Entry]
  private let texts: [FuzzyMatch.Text]
  private let folder: String
  private(set) var query: String
  private var found: [(index: Int, match: FuzzyMatch)] = []
  private var chosen = 0
  private var first = 0
  /// When the list was opened, in seconds since 1970.
  private let now: Double

  static let most = 10
  private static let label = "history: "

  init(_ history: History, query: String, now: Double = secondsSince1970()) {
    var seen: Set<String> = []
    var entries: [History.Entry] = []
    for entry in history.entries.reversed() where seen.insert(entry.text).inserted { entries.append(entry) }
    self.entries = entries
    texts = entries.map { FuzzyMatch.Text($0.text) }
    folder = History.currentFolder
    self.query = query
    self.now = now
    look()
  }

  var chosenText: String? { found.indices.contains(chosen) ? entries[found[chosen].index].text : nil }
  var cursorColumn: Int { displayWidth(Self.label) + displayWidth(query) }

  mutating func type(_ scalar: Unicode.Scalar) {
    query.unicodeScalars.append(scalar)
    look()
  }

  mutating func removeLast() {
    if !query.isEmpty { query.removeLast() }
    look()
  }

  mutating func removeWord() {
    while query.last == " " { query.removeLast() }
    while let last = query.last, last != " " { query.removeLast() }
    look()
  }

  mutating func clear() {
    query = ""
    look()
  }

  /// Further back for a positive step.
  mutating func move(_ step: Int) {
    chosen = min(max(chosen + step, 0), max(0, found.count - 1))
  }

  private mutating func look() {
    let wanted = FuzzyMatch.Text(query)
    found = []
    for (index, text) in texts.enumerated() {
      if let match = FuzzyMatch(wanted, in: text) { found.append((index, match)) }
    }
    func age(_ index: Int) -> Int { entries[index].folder == folder ? index : index * 2 }
    found.sort { one, other in
      // Whether a text begins with the words or has them later matters less than when it ran.
      let (kind, otherKind) = (max(one.match.kind, .part), max(other.match.kind, .part))
      return kind == otherKind ? (age(one.index), one.index) < (age(other.index), other.index) : kind < otherKind
    }
    (chosen, first) = (0, 0)
  }

  /// - Parameter most: rows that may be taken, the one with the words included.
  mutating func rows(width: Int, most: Int) -> [Row] {
    var head: Row = []
    head.append(Self.label, .hint, width: width)
    head.append(query, .plain, width: width)
    let count = found.isEmpty ? "nothing fits" : "\(chosen + 1) of \(found.count)"
    if width - head.count > count.count + 3 { head.append("   " + count, .hint, width: width) }
    if width - head.count > 60 {
      head.append("   Enter runs, Tab edits, Ctrl-R Ctrl-S move, Esc leaves", .hint, width: width)
    }
    var rows = [head]
    let shown = min(found.count, Self.most, max(0, most - 1))
    if shown == 0 { return rows }
    first = min(max(first, chosen - shown + 1), chosen)
    first = max(0, min(first, found.count - shown))
    for place in first..<first + shown {
      rows.append(row(found[place], isChosen: place == chosen, width))
    }
    return rows
  }

  private func row(_ item: (index: Int, match: FuzzyMatch), isChosen: Bool, _ width: Int) -> Row {
    let entry = entries[item.index]
    let style: (Style) -> Style = { isChosen ? .selected : $0 }
    var row: Row = []
    row.append(isChosen ? "› " : "  ", style(.plain), width: width)
    if width >= 50 {
      let mark: (String, Style) =
        switch entry.outcome {
        case .success: ("✓", .good)
        case .failure: ("✗", .bad)
        case .interrupted: ("■", .hint)
        case nil: (" ", .plain)
        }
      row.append(mark.0, style(mark.1), width: width)
      row.append(" " + padded(entry.time.map { age(now - $0) } ?? "", 4, right: true), style(.hint), width: width)
      let took = entry.seconds.map { $0 < 0.1 ? "" : $0 < 100 ? "\($0.fixed(1)) s" : "\(Int($0)) s" } ?? ""
      row.append(" " + padded(took, 7, right: true) + "  ", style(.hint), width: width)
      if width >= 90 {
        let place = entry.folder.map { $0 == folder ? "" : Self.short($0) } ?? ""
        row.append(padded(place, 14) + "  ", style(.hint), width: width)
      }
    }
    // The first line with a part that was asked for; the rest is in the preview above.
    let places = Set(item.match.places)
    var byte = 0
    for character in entry.text {
      if character == "\n" {
        row.append(" …", style(.hint), width: width)
        break
      }
      let isMatched = places.contains(byte)
      if !row.append(CellText(character), isMatched && !isChosen ? .matched : style(.plain), width: width) { break }
      byte += character.utf8.count
    }
    return row
  }

  /// How long ago, in at most four characters.
  private func age(_ seconds: Double) -> String {
    switch seconds {
    case ..<60: return "now"
    case ..<3600: return "\(Int(seconds / 60))m"
    case ..<86400: return "\(Int(seconds / 3600))h"
    case ..<(86400 * 100): return "\(Int(seconds / 86400))d"
    default: return "\(Int(min(seconds / 86400 / 365, 99)))y"
    }
  }

  /// The last part of a folder's path, at most 14 characters.
  private static func short(_ folder: String) -> String {
    let name = folder.split(separator: "/").last.map(String.init) ?? "/"
    return name.count > 14 ? name.prefix(13) + "…" : name
  }
}
