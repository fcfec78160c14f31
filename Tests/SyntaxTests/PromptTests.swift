import Syntax
import Testing

/// What the prompt asks of the syntax: whether a text is complete, and what stands at the cursor.
@Suite struct PromptTests {
  @Test(arguments: [
    "", "1", "x = 1", "f(x)", "f(x) # (", "if a { 1 }", "fn f(x) { x }", "x = \"a", "x = 'a", "f(a b", "f(1 2\n",
    "x = )",
    "x |> f", "[1, 2]", "\"\"\"a\nb\"\"\"", "# only a comment", "a;", "x = 1 1 (", "\"{a\"", "return", "x = $ (",
  ])
  func complete(text: String) { #expect(isComplete(text)) }

  @Test(arguments: [
    "f(", "f(x,", "x = [", "x = [1,\n2", "{a: 1,", "if a", "if a {", "if a { 1", "if a {\nf(x\n", "x =", "x +", "x |>",
    "x =>",
    "a, b =", "fn f(x)", "fn f(x) {", "fn f(", "for x in", "for x in xs", "while a {", "\"\"\"a", "\"\"\"{a", "\"\"\"{",
    "not",
    "a and", "a < ", "1..", "x += ", "try { a }", "f(x => {", "f(x => {\na\n}", "a.", "const k =", "x ** ", "a not in",
    "x[1:", "import", "else_ = (\n# comment\n", "r = {a: {b: 1}",
  ])
  func incomplete(text: String) { #expect(!isComplete(text)) }

  /// The cursor is at `|`.
  private func context(_ text: String) -> CursorContext {
    let parts = text.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false).map {
      $0.replacing("¦", with: "|")
    }
    let before = String(parts[0])
    return cursorContext(in: before + String(parts.count > 1 ? parts[1] : ""), at: before.utf8.count)
  }

  @Test(arguments: [
    ("|", "", CursorContext.Place.name), ("fi|", "fi", .name), ("x = fi|t(", "fi", .name), ("τ + ε|", "ε", .name),
    ("a.|", "", .member(receiver: "a")),
    ("a.b(c)[0].pl|", "pl", .member(receiver: "a.b(c)[0]")), ("1 + x.f|", "f", .member(receiver: "x")),
    ("[1, 2].m|", "m", .member(receiver: "[1, 2]")), ("f(a).g(|", "", .name),
    ("\"abc\".u|", "u", .member(receiver: "\"abc\"")),
    ("import at|", "at", .module), ("import |", "", .module), ("\"data/mn|", "data/mn", .string),
    ("'data/|", "data/", .string), ("'a'|", "", .name),
    ("\"{acc|", "acc", .name), ("\"{x.m|", "m", .member(receiver: "x")), ("\"{acc:.2|", "", .nothing),
    ("\"a {b} c|", " c", .string),
    ("\"a {f(\"b|", "b", .string), ("x # fi|", "", .nothing), ("12|", "", .nothing), ("x = 1\nfi|", "fi", .name),
    ("for|", "for", .name),
    ("\"\"\"a\nb|", "a\nb", .string), ("x |", "", .name), ("a.f |", "", .name),
  ])
  func places(text: String, prefix: String, place: CursorContext.Place) {
    #expect(context(text).prefix == prefix)
    #expect(context(text).place == place)
  }

  @Test func calls() throws {
    #expect(context("fit").call == nil)
    #expect(context("fit(a) + |").call == nil)
    var call = try #require(context("fit(|").call)
    #expect(call.function == "fit" && call.argumentIndex == 0 && call.isAtArgumentStart && call.receiver == nil)
    call = try #require(context("fit(net, train, ep|").call)
    #expect(call.argumentIndex == 2 && call.isAtArgumentStart && call.givenNames == [])
    call = try #require(context("fit(net, epochs=3, method=ltd(a, |").call)
    #expect(call.function == "ltd" && call.argumentIndex == 1)
    call = try #require(context("fit(net, epochs=3, method=ltd(a, b), lr=|").call)
    #expect(call.givenNames == ["epochs", "method", "lr"] && call.argumentName == "lr" && !call.isAtArgumentStart)
    call = try #require(context("table.plot(x=\"T\", |").call)
    #expect(call.function == "plot" && call.receiver == "table" && call.givenNames == ["x"])
    call = try #require(context("x ¦> clip(|").call)
    #expect(call.isPiped)
    call = try #require(context("f([a, b|").call)
    #expect(call.function == "f" && !call.isAtArgumentStart)
    call = try #require(context("evaluate(net, test, attacks=[fgsm(|").call)
    #expect(call.function == "fgsm")
    #expect(context("f(x => { a |").call == nil)
    #expect(context("fn f(a|").call == nil)
    #expect(try #require(context("f(a + |").call).isAtArgumentStart == false)
    #expect(try #require(context("f(a.b|").call).isAtArgumentStart == false)
  }
}
