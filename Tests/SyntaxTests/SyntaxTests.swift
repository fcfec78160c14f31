import Syntax
import TestSupport
import Testing

@Suite struct SignatureTests {
  @Test func parsesTheForms() throws {
    let signature = try parseSignature(
      "pgd(model: model, x: tensor[n, c, 28, ...], eps: float > 0 = 8/255, steps: int = 10, *rest, names: list[string] | none = none, **options) -> attack"
    )
    #expect(signature.name.text == "pgd")
    #expect(signature.parameters.map(\.name.text) == ["model", "x", "eps", "steps", "rest", "names", "options"])
    #expect(
      signature.parameters.map(treeText).joined(separator: " ")
        == "model:model x:tensor[n,c,28,...] eps:float>0=(/ 8 255) steps:int=10 *rest names:list[string]|none=none **options"
    )
    #expect(signature.result.map(treeText) == "attack")
    #expect(try parseSignature("f()").result == nil)
  }

  @Test(arguments: ["", "f", "f(", "f(x", "f() -> ", "f() x", "f(1)", "f(x: )", "f(x=)", "f(x=1e999)", "f(x, x)", "$"])
  func refusesOthers(text: String) {
    #expect(throws: LTDError.self) { try parseSignature(text) }
  }
}

@Suite struct SourceTests {
  @Test func invalidBytesHaveAPlace() throws {
    let source = Source(
      name: "a.ltd", bytes: Array("x = 1\ny = \"a".utf8) + [0xFF] + Array("b\"\nz = ".utf8) + [0xC3, 0x28])
    let program = parse(source)
    let first = try #require(program.diagnostics.first)
    #expect(first.message == "the byte 0xFF is not valid UTF-8")
    #expect(first.span == Span(12, 13))
    #expect(program.diagnostics.count == 1)
  }

  @Test func commentsAndDocs() throws {
    let text = """
      #! /usr/bin/env ltd
      x = 1  # one
      ## Not a doc.

      ## Adds.
      ##
      ##   >>> add(1, 2)
      fn add(a, b) { a + b }
      """
    let program = parse(Source(name: "a.ltd", text: text))
    #expect(program.comments.map(\.isOwnLine) == [true, false, true, true, true, true])
    #expect(program.comments.map(\.isDoc) == [false, false, true, true, true, true])
    guard case .function(let function) = try #require(program.body.statements.last).kind else {
      Issue.record("no function")
      return
    }
    #expect(function.doc == "Adds.\n\n  >>> add(1, 2)")
  }

  @Test func semicolonHidesTheValue() {
    #expect(parse(Source(name: "", text: "x = 1;")).endsWithSemicolon)
    #expect(parse(Source(name: "", text: "x = 1; # c\n")).endsWithSemicolon)
    #expect(!parse(Source(name: "", text: "x = 1")).endsWithSemicolon)
  }

  @Test func spansCoverTheText() {
    let text = "f(a, b=\"{c}\") + [d for e in g][1:2].h ** -k"
    let program = parse(Source(name: "", text: text))
    var spans: [String] = []
    func walk(_ expr: Expr) {
      spans.append(program.source.text(expr.span))
      switch expr.kind {
      case .binary(_, let left, let right, let op):
        walk(left)
        spans.append(program.source.text(op))
        walk(right)
      case .unary(_, let operand): walk(operand)
      case .attribute(let base, let name):
        walk(base)
        spans.append(program.source.text(name.span))
      case .index(let base, _): walk(base)
      case .call(let callee, let arguments):
        walk(callee)
        for argument in arguments { spans.append(program.source.text(argument.span)) }
      default: break
      }
    }
    if case .expression(let expr)? = program.body.statements.first?.kind { walk(expr) }
    #expect(
      spans == [
        text, "f(a, b=\"{c}\")", "f", "a", "b=\"{c}\"", "+", "[d for e in g][1:2].h ** -k", "[d for e in g][1:2].h",
        "[d for e in g][1:2]", "[d for e in g]", "h", "**", "-k", "k",
      ])
  }
}
