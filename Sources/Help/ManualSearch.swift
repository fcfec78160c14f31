import Interpreter

/// The search of `??words`: it finds functions, chapters of the tour, kinds of errors, modules and commands of the prompt.
///
/// Each entry has four groups of strings, from the most to the least telling: its name, its search words, its summary, its
/// details. An entry's rank is the group in which a word is found, and a word is found where a word of the text begins with
/// it. The whole phrase counts before its single words, and entries that have more of the words leave out those that have
/// fewer. Members of values are not searched: `?tensor` lists those of a tensor.
struct ManualSearch {
  struct Result: Equatable {
    /// As it is looked up: `pgd`, `tables.pivot`, `?loop`, `:history`.
    var name: String
    var summary: String
  }

  /// How many results are listed before the rest is counted.
  static let shown = 15

  private struct Entry {
    var name: String
    var summary: String
    /// From the most to the least telling: name, search words, summary, details.
    var texts: [[String]]
  }

  private let entries: [Entry]

  init(_ session: Session, _ commands: [CommandPage]) {
    var entries = session.pages.map { page in
      Entry(
        name: page.qualifiedName, summary: page.summary,
        texts: [
          [page.name], page.search, [page.summary], [page.details] + page.arguments.flatMap { [$0.name, $0.summary] },
        ])
    }
    entries += Guide.all.flatMap { name, guide in
      guide.sections.map { section in
        Entry(
          name: "?" + (section.words.first ?? section.title), summary: "\(section.title), in ?\(name)",
          texts: [
            section.words, [section.title], [],
            [section.text.split(separator: "\n").filter { !$0.hasPrefix("    ") }.joined(separator: " ")],
          ])
      }
    }
    entries += Guide.errors.sections.map { section in
      let text =
        section.text.split(separator: "\n\n").first.map { $0.split(separator: "\n").joined(separator: " ") } ?? ""
      return Entry(
        name: "?" + section.title, summary: text.prefix { $0 != "." } + ".",
        texts: [[section.title, String(section.title.dropFirst(2))], [], [text], []])
    }
    entries += session.host.moduleNames.compactMap { session.moduleDocumentation(of: $0) }.map { page in
      Entry(
        name: "?" + page.name, summary: "the module: " + page.summary,
        texts: [[page.name], [], [page.summary], [page.details]])
    }
    entries += commands.map { command in
      Entry(name: ":" + command.name, summary: command.summary, texts: [[command.name], [], [command.summary], []])
    }
    self.entries = entries
  }

  /// What has the words, the best first.
  func callAsFunction(_ text: String) -> [Result] {
    let phrase = text.lowercased()
    let words = phrase.split { " .()".contains($0) }.map(String.init)
    var found: [(missing: Int, rank: Int, Entry)] = []
    for entry in entries {
      if let rank = Self.rank(of: phrase, in: entry) {
        found.append((0, rank, entry))
        continue
      }
      let ranks = words.map { Self.rank(of: $0, in: entry) }
      let known = ranks.compactMap { $0 }
      if let worst = known.max() { found.append((words.count - known.count, 10 + worst, entry)) }
    }
    // Half of the words say little where something has all of them.
    let least = found.map(\.missing).min() ?? 0
    return found.filter { $0.missing == least }
      .sorted { ($0.rank, $0.2.name) < ($1.rank, $1.2.name) }
      .map { Result(name: $0.2.name, summary: $0.2.summary) }
  }

  /// How well an entry fits a word: 0 for its very name, up to 8; nil where the word is nowhere.
  private static func rank(of word: String, in entry: Entry) -> Int? {
    for (place, texts) in entry.texts.enumerated() {
      let texts = texts.map { $0.lowercased() }
      if texts.contains(word) { return place == 0 ? 0 : 1 }
      if texts.contains(where: { hasWord($0, beginningWith: word) }) { return 2 * place + 2 }
      if place == 0, word.count > 2, texts.contains(where: { $0.contains(word) }) { return 3 }
    }
    return nil
  }

  private static func hasWord(_ text: String, beginningWith word: String) -> Bool {
    var rest = text[...]
    while let place = rest.firstRange(of: word) {
      if place.lowerBound == text.startIndex { return true }
      let before = text[text.index(before: place.lowerBound)]
      if !before.isLetter, !before.isNumber { return true }
      rest = text[place.upperBound...]
    }
    return false
  }
}
