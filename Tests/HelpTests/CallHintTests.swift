import Builtins
import Help
import Testing

/// The call at the cursor: its arguments, and the one that is being typed.
@Suite struct CallHintTests {
  private let session: Session
  private let completer: Completer

  init() {
    session = .withLibrary()
    _ = session.run(
      Source(
        name: "test",
        text:
          "import lists; net = mlp(hidden=[4]); r = {f: (a, b=2) => a}; fn mean_of(first, *more, **options) { first }"))
    completer = Completer(
      session: session, commands: [CommandPage("time", "", ""), CommandPage("vars", "", "", takes: .name)])
  }

  private func hint(_ text: String) -> CallHint? { completer.hint(text, cursor: text.utf8.count) }

  /// The argument that is being typed, nil where it is none.
  private func current(_ text: String) -> String? {
    guard let hint = hint(text), let place = hint.current else { return nil }
    return hint.arguments[place]
  }

  @Test func theArgumentAtTheCursor() throws {
    let hint = try #require(self.hint("pgd("))
    #expect(hint.name == "pgd")
    #expect(hint.arguments.first == "eps: float | none = none")
    #expect(hint.current == 0)
    #expect(!hint.note.isEmpty)
    #expect(current("pgd(8/255, ") == hint.arguments[1])
    #expect(current("pgd(eps=8/255, steps=1") == "steps: int = 10")
    #expect(current("x = perturb(net, test, pgd(8/255, ") == hint.arguments[1])
    #expect(current("perturb(net, test, pgd(8/255), eps=") == "eps: float | none = none")
  }

  @Test func whatComesFirstThroughAPointOrAPipe() {
    #expect(current("net.fit(") == "data: dataset")
    #expect(current("net |> fit(") == "data: dataset")
    #expect(hint("net.fit(")?.name == "fit")
    #expect(current("net(") == "x: tensor")
    #expect(current("lists.chunks(") == hint("lists.chunks(")?.arguments[0])
    #expect(hint("tables.pivot(")?.name == "tables.pivot", "before it is imported")
    #expect(current("r.f(1, ") == "b=2")
  }

  @Test func restsAndNames() {
    #expect(current("mean_of(1, 2, 3") == "*more")
    #expect(current("mean_of(1, colour=") == "**options")
    #expect(current("pgd(8/255, steps=3, nonsense=") == nil)
    #expect(current(":time pgd(8/255, ") != nil)
    #expect(hint(":vars pgd(") == nil)
  }

  @Test(arguments: ["", "1 + (2", "fn f(x", "nothing_like_it(", "?pgd(", "# pgd(", "f(x)(", "net.name(", "pgd(1)"])
  func noCall(_ text: String) { #expect(hint(text) == nil) }
}
