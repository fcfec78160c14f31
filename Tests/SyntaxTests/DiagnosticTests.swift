import Syntax
import Testing

@Suite struct DiagnosticTests {
  private func shapeError() -> Diagnostic {
    let program = String(repeating: "\n", count: 11) + "  z = x @ w\n"
    let source = Source(name: "sweep.ltd", text: program)
    return Diagnostic(
      .shape, "shapes do not match in @", source: source, span: Span(19, 20),
      labels: [
        Diagnostic.Label(Span(17, 18), "x is [128, 784]: its last axis (784) must equal w's first (10)"),
        Diagnostic.Label(Span(21, 22), "w is [10, 784]"),
      ], hint: "w.T has shape [784, 10]")
  }

  @Test func labelsHangBelowTheLine() {
    #expect(
      shapeError().render() == """
        error: shapes do not match in @
          ┌─ sweep.ltd:12:9
        12│   z = x @ w
          │       ─ ^ ─
          │       │   └ w is [10, 784]
          │       └ x is [128, 784]: its last axis (784) must equal w's first (10)
        hint: w.T has shape [784, 10]

        """)
  }

  @Test func notesAndTraceFollow() {
    let source = Source(name: "a.ltd", text: "fn f() { 1/0 }\nfn g() { f() }\ng()\n")
    let error = LTDError(.numeric, "division by zero").located(source, Span(9, 12))
      .called(Diagnostic.Frame(function: "f", source: source, span: Span(24, 27)))
      .called(Diagnostic.Frame(function: "g", source: source, span: Span(30, 33)))
    var diagnostic = error.diagnostic
    diagnostic.notes = ["first", "second"]
    diagnostic.primaryLabel = "here"
    #expect(
      diagnostic.render() == """
        error: division by zero
         ┌─ a.ltd:1:10
        1│ fn f() { 1/0 }
         │          ^^^ here
        note: first
        note: second
          in f, called at a.ltd:2:10
          in g, called at a.ltd:3:1

        """)
  }

  @Test func aDeepTraceKeepsItsEnds() {
    let source = Source(name: "a.ltd", text: "f()\n")
    var error = LTDError(.user, "too deep", source: source, span: Span(0, 3))
    for index in 0..<100 {
      error = error.called(Diagnostic.Frame(function: "f\(index)", source: source, span: Span(0, 3)))
    }
    let text = error.diagnostic.render()
    #expect(error.diagnostic.trace.count == 20)
    #expect(text.contains("in f9, called"))
    #expect(text.contains("… 80 more calls …\n  in f90, called"))
  }

  @Test func aMessageNeedsNoPlace() {
    let error = LTDError(.io, "there is no file `a.ltd`", hint: "look for it with `ls`")
    #expect(error.diagnostic.render() == "error: there is no file `a.ltd`\nhint: look for it with `ls`\n")
  }

  @Test func coloursWrapWords() {
    let text = shapeError().render(color: true)
    #expect(text.contains("\u{1B}[1;31merror:\u{1B}[0m"))
    #expect(text.contains("\u{1B}[1;31m^\u{1B}[0m"))
    #expect(!shapeError().render().contains("\u{1B}"))
  }

  @Test func controlCharactersCannotReachTheTerminal() {
    let source = Source(name: "a\u{1B}[31m.ltd", text: "x = '\u{1B}[2J\u{202E}\u{7F}' $\n")
    let text = Diagnostic(.user, "bad \u{1B}[2J\u{07}", source: source, span: Span(4, 5)).render()
    #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x7F || $0.value == 0x202E })
  }

  @Test(arguments: [40, 60, 80, 100])
  func longLinesAreCut(width: Int) {
    let text = String(repeating: "日本, ", count: 400)
    let source = Source(name: "a.ltd", text: text)
    for start in stride(from: 0, to: text.utf8.count, by: 97) {
      var diagnostic = Diagnostic(.syntax, "m", source: source, span: Span(start, start + 60))
      diagnostic.labels = [Diagnostic.Label(Span(2, 5), "l")]
      for line in diagnostic.render(width: width).split(separator: "\n") {
        #expect(displayWidth(String(line)) <= width)
      }
    }
  }

  @Test(arguments: [30, 40, 80])
  func sentencesBreakBetweenWords(width: Int) {
    let message = "shapes [12, 3, 32, 32] and [5, 32] do not match in the addition of 日本 and 日本, all in one line"
    var diagnostic = Diagnostic(.shape, message, hint: "axes are matched from the last one; sizes must be equal or 1")
    diagnostic.notes = ["", "a\n  b"]
    let text = diagnostic.render(width: width, wraps: true)
    for line in text.split(separator: "\n") { #expect(displayWidth(String(line)) <= width) }
    #expect(text.split { " \n".contains($0) } == diagnostic.render(width: width).split { " \n".contains($0) })
    #expect(!diagnostic.render(width: width).contains("\n  b\n  "))
  }

  @Test func anySpanRenders() {
    let source = Source(name: "a.ltd", bytes: Array("é\r\n\tx\n\n日".utf8) + [0xFF, 0xC3])
    for start in -2...20 {
      for length in 0...20 {
        var diagnostic = Diagnostic(.syntax, "m", source: source, span: Span(start, start + length), primaryLabel: "p")
        diagnostic.labels = [Diagnostic.Label(Span(length, start), "l"), Diagnostic.Label(Span(length, length), "k")]
        #expect(diagnostic.render().hasPrefix("error: m\n"))
      }
    }
  }

  @Test func nearestNames() {
    let known = ["fit", "clip", "cross_entropy", "evaluate", "smallcnn", "epochs", "eps", "steps"]
    #expect(Syntax.nearestNames(to: "crossEntropy", in: known) == ["cross_entropy"])
    #expect(Syntax.nearestNames(to: "evalaute", in: known) == ["evaluate"])
    #expect(Syntax.nearestNames(to: "epoch", in: known) == ["epochs"])
    #expect(Syntax.nearestNames(to: "step", in: known) == ["steps"])
    #expect(Syntax.nearestNames(to: "zebra", in: known) == [])
    #expect(Syntax.nearestNames(to: "fi", in: known) == [])
    #expect(Syntax.nearestNames(to: "", in: known) == [])
    #expect(nearestNameHint(for: "clp", in: known) == "did you mean `clip`?")
  }

  @Test func positionsCountCodePoints() {
    let source = Source(name: "a", text: "aé日\r\nb\n")
    #expect(source.position(at: 0) == (1, 1))
    #expect(source.position(at: 6) == (1, 4))
    #expect(source.position(at: 8) == (2, 1))
    #expect(source.position(at: 99) == (3, 1))
    #expect(source.lineRange(0) == 0..<6)
  }
}
