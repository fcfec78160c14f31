/// Parses a whole source text. Never fails: all syntax errors are in `Program.diagnostics` (at most 20).
public func parse(_ source: Source) -> Program {
  Program(
    source: source, body: Block(statements: [], span: Span(0, source.bytes.count)), comments: [], diagnostics: [],
    endsWithSemicolon: false)
}

/// Parses a built-in's signature, such as `clip(x: tensor, min: float | none = none) -> tensor`.
public func parseSignature(_ text: String) throws(LTDError) -> Signature {
  throw LTDError(.internal, "not here yet")
}

/// Whether the prompt should run what was typed so far, rather than ask for another line.
public func isComplete(_ text: String) -> Bool { true }
