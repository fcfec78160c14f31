import Base
import Interpreter
import Syntax
import Testing

/// Messages as lines of JSON, for tools.
@Suite struct DiagnosticJSONTests {
  @Test func aMessageNeedsNoPlace() {
    let error = LTDError(.io, "there is no file `a.ltd`", hint: "look for it with `ls`")
    #expect(
      error.diagnostic.json
        == #"{"severity":"error","kind":"io","code":"E-io","message":"there is no file `a.ltd`","hint":"look for it with `ls`"}"#
    )
    #expect(printedJSON("a\"\n") == #"{"severity":"printed","message":"a\"\n"}"#)
  }

  @Test func itHoldsEveryPlace() throws {
    let source = Source(name: "sweep.ltd", text: "x = 1\ny = a @ b\n")
    var diagnostic = Diagnostic(.shape, "no", source: source, span: Span(12, 13), primaryLabel: "here")
    diagnostic.labels = [Diagnostic.Label(Span(10, 11), "left")]
    diagnostic.notes = ["n"]
    let json = diagnostic.json
    #expect(
      json.contains(
        #""file":"sweep.ltd","line":2,"column":7,"endLine":2,"endColumn":8,"offset":12,"length":1,"label":"#))
    #expect(json.contains(#""notes":["n"],"labels":[{"file":"sweep.ltd","line":2,"column":5,"#))
    #expect(!json.contains("\n"))
    #expect(try JSON.parse(json)["labels"]?.arrayValue?.first?["text"]?.stringValue == "left")
  }

  @Test func anySpanHasAForm() throws {
    let source = Source(name: "a.ltd", bytes: Array("é\r\n\tx\n\n日".utf8) + [0xFF, 0xC3])
    for start in -2...20 {
      for length in 0...20 {
        var diagnostic = Diagnostic(.syntax, "m", source: source, span: Span(start, start + length), primaryLabel: "p")
        diagnostic.labels = [Diagnostic.Label(Span(length, start), "l"), Diagnostic.Label(Span(length, length), "k")]
        #expect(try JSON.parse(diagnostic.json)["message"]?.stringValue == "m")
      }
    }
  }
}
