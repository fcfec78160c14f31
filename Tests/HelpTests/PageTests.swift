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
    #expect(page.hasPrefix("collect(xs: list | string | tensor | dataset, f: function, title: string = \"\","))
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

  @Test func aModelShowsItsLayersAndItsTraining() {
    let untrained = text(pages("net = mlp(hidden=[4])").page(of: "net"))
    #expect(untrained.contains("in -> out") && untrained.contains("784 -> 4") && untrained.contains("98.7 %"))
    #expect(untrained.contains("images: 1×28×28") && untrained.contains("training: none"))
    let trained = text(
      pages("train, test = glyphs(n=20); net = mlp(hidden=[4]); fit(net, train, epochs=1, quiet=true)").page(of: "net"))
    #expect(trained.contains("trained by standard() on glyphs train, 20 images, 1 epoch\n"))
  }

  @Test func partsAndResults() {
    let setup = "train, test = glyphs(n=20); net = mlp(hidden=[4]); rows = [{a: 0.5}]; fn f(x) -> tensor { exit(3) }"
    func page(_ name: String) -> String { text(pages(setup).page(of: name)) }
    #expect(page("net.layers").hasPrefix("net.layers: layer\n\nIts layers without weights"))
    #expect(page("test.images").hasPrefix("test.images: tensor\n\n") && page("test.images").contains("tensor.shape"))
    #expect(page("rows[0].a") == "rows[0].a is float 0.5\n")
    #expect(page("f(1)").hasPrefix("f(1) is of the type tensor\n") && page("f(1)").contains("tensor.shape"))
    #expect(page("pgd()").hasPrefix("pgd() is of the type attack\n"))
  }

  @Test func aFunctionsNameAloneShowsItsSignature() throws {
    let session = Session.withLibrary()
    _ = session.run(Source(name: "test", text: "## Twice.\nfn twice(x) { 2 * x }\nf = x => x"))
    let pages = HelpPages(session)
    let twice = try #require(session["twice"])
    #expect(pages.outline(of: twice) == "twice(x)\n  Twice.")
    _ = session.run(Source(name: "test", text: "g = pgd"))
    let attack = try #require(session["g"])
    #expect(pages.outline(of: attack)?.hasPrefix("pgd(eps: float | none = none") == true)
    #expect(pages.examples(of: "pgd").count == 2)
  }

  @Test func marksAreForTerminals() {
    #expect(text(pages(style: PageStyle(isMarked: true)).page(of: "sum")).contains("\u{1B}[1m"))
    #expect(!text(pages().page(of: "sum")).contains("\u{1B}"))
  }
}
