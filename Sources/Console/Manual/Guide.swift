import Stdlib

/// The tour, or another such text, in sections, each with the words by which `?word` finds it.
package struct Guide {
  package struct Section {
    package var title: String
    var words: [String]
    /// Markdown, without the title.
    package var text: String
  }

  /// What stands above the first section.
  private(set) var introduction = ""
  package private(set) var sections: [Section] = []

  /// The kinds of errors, a section for each: `E-shape`.
  package static var errors: Guide { Guide(markdown: Stdlib.errors) }

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

  package subscript(word: String) -> Section? {
    sections.first { $0.words.contains(word) || $0.title.lowercased() == word.lowercased() }
  }
}
