import Stdlib

/// The tour in sections, each with the words by which `?word` finds it.
struct Guide {
  struct Section {
    var title: String
    var words: [String]
    /// Markdown, without the title.
    var text: String
  }

  /// What stands above the first section.
  private(set) var introduction = ""
  private(set) var sections: [Section] = []

  init(markdown: String = Stdlib.tour) {
    for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("## ") {
        sections.append(Section(title: String(line.dropFirst(3)), words: [], text: ""))
      } else if line.hasPrefix("<!-- "), !sections.isEmpty {
        sections[sections.count - 1].words += line.dropFirst(5).dropLast(4).split(separator: " ").map(String.init)
      } else if sections.isEmpty {
        introduction += line.hasPrefix("# ") ? "" : line + "\n"
      } else {
        sections[sections.count - 1].text += line + "\n"
      }
    }
  }

  subscript(word: String) -> Section? {
    sections.first { $0.words.contains(word) || $0.title.lowercased() == word.lowercased() }
  }
}
