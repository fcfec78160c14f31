import Stdlib

/// The tour, the page on temperature, or another text of that form, in sections, each with the words by which `?word` finds
/// it.
public struct Guide: Sendable {
  /// A chapter.
  public struct Section: Sendable {
    /// Its heading.
    public var title: String
    /// The words that find it, the most telling first.
    public var words: [String]
    /// Markdown, without the title.
    public var text: String
  }

  /// The heading above all.
  public private(set) var title = ""
  /// What stands above the first section, as Markdown.
  public private(set) var introduction = ""
  /// The chapters in order.
  public private(set) var sections: [Section] = []

  /// The texts whose sections are pages of their own, by the name that shows each of them whole.
  static let all: [(name: String, guide: Guide)] =
    [("tour", Stdlib.tour), ("temperature", Stdlib.temperature), ("cluster", Stdlib.cluster)].map {
      (name: $0, guide: Guide(markdown: $1))
    }

  /// The kinds of errors, a section for each: `E-shape`.
  public static var errors: Guide { Guide(markdown: Stdlib.errors) }

  /// Reads Markdown in which `## ` begins a section and `<!-- words -->` below it are the words that find it.
  /// - Parameter markdown: the tour when left out.
  public init(markdown: String = Stdlib.tour) {
    for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("## ") {
        sections.append(Section(title: String(line.dropFirst(3)), words: [], text: ""))
      } else if line.hasPrefix("<!-- "), !sections.isEmpty {
        sections[sections.count - 1].words += line.dropFirst(5).dropLast(4).split(separator: " ").map(String.init)
      } else if line.hasPrefix("# "), sections.isEmpty {
        title = String(line.dropFirst(2))
      } else if line.hasPrefix("![") {
        // A picture, which a terminal has not.
      } else if sections.isEmpty {
        introduction += line + "\n"
      } else {
        sections[sections.count - 1].text += line + "\n"
      }
    }
  }

  /// The section with this title, or that this word finds.
  public subscript(word: String) -> Section? {
    sections.first { $0.words.contains(word) || $0.title.lowercased() == word.lowercased() }
  }
}
