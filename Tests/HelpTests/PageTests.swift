import Builtins
import Help
import Testing

/// What `?name`, `??words` and `?` answer, whoever shows it.
@Suite struct PageTests {
  private func pages(_ setup: String = "", style: PageStyle = PageStyle()) -> HelpPages {
    let session = Session.withLibrary()
    _ = session.run(Source(name: "test", text: setup))
    return HelpPages(session, commands: [CommandPage("vars", "[name…]", "the variables")], style: style)
  }

  private func text(_ parts: [HelpPages.Part]) -> String {
    parts.map { part in
      switch part {
      case .text(let text): text
      case .note(let text): "note: \(text)\n"
      case .problem(let message, let hint): "problem: \(message) (\(hint))\n"
      }
    }.joined()
  }

  @Test func aFunctionShowsSignatureArgumentsAndExamples() {
    let page = text(pages().page(of: "collect"))
    #expect(page.hasPrefix("collect(xs, f: function, title: string = \"\", quiet: bool = false) -> list\n\n"))
    #expect(page.contains("\n  f: function ") && page.contains(" takes one element.\n"))
    #expect(page.contains("\n  ltd> collect([1, 2], T => {T: T, gain: 1 / T})\n  T  gain\n"))
    #expect(page.hasSuffix("see also: map, track, grids.sweep\n"))
  }

  @Test(arguments: [
    ("r", "r is a record of 2 fields\nr.acc, r.eps\n"), (":vars", ":vars [name…]\nthe variables\n"),
    ("nothing_like_it", "problem: there is no help on nothing_like_it (? lists the topics)\n"),
    ("E-shpe", "problem: there is no help on E-shpe (did you mean ?E-shape?)\n"),
  ])
  func otherNames(_ name: String, _ page: String) {
    #expect(text(pages("r = {acc: 0.5, eps: 0.1}").page(of: name)) == page)
  }

  /// A name of another library, words that are found in parts of the manual, and those that are not.
  @Test func searches() {
    let found = text(pages().page(of: "pivot"))
    #expect(found.hasPrefix("note: nothing has just this name; ??pivot finds\n  tables.pivot "))
    #expect(text(pages().search("clamp")).hasPrefix("clamp: use clip(x, min"))
    #expect(text(pages().search("the variables")).contains("  :vars"))
    #expect(text(pages().search("seeed")) == "note: nothing has seeed in its description; did you mean ??seed?\n")
    #expect(pages().search("") == [.problem("?? takes a word", hint: "??distillation")])
  }

  @Test(arguments: [20, 40, 80, 200])
  func pagesKeepTheirWidth(_ width: Int) {
    for name in ["fit", "tables", "attacks", "help"] {
      let page = text(pages(style: PageStyle(width: width)).page(of: name))
      // A word, a name or an example that is longer stands on a line of its own.
      let long = page.split(separator: "\n").filter { $0.count > max(width, 30) && !$0.hasPrefix("  ") }
      #expect(long.allSatisfy { !$0.contains(" ") }, "\(name)")
    }
  }

  @Test func marksAreForTerminals() {
    #expect(text(pages(style: PageStyle(isMarked: true)).page(of: "sum")).contains("\u{1B}[1m"))
    #expect(!text(pages().page(of: "sum")).contains("\u{1B}"))
  }
}
