import Base
import Testing

/// Expects an error of the core of this kind, with these words in its message or its hint.
public func expectError(
  _ kind: CoreError.Kind, containing words: String..., sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  let error = #expect(throws: CoreError.self, sourceLocation: sourceLocation) { try body() }
  guard let error else { return }
  #expect(error.kind == kind, "\(error.message)", sourceLocation: sourceLocation)
  let text = error.message + " " + (error.hint ?? "")
  for word in words { #expect(text.contains(word), "\(text)", sourceLocation: sourceLocation) }
}
