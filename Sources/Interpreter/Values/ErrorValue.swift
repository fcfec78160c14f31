import Syntax

/// An error caught by `catch` or made by `error(…)`: kind, message, hint and place, as a value.
public final class ErrorValue {
  /// What the error says, and where it arose.
  public let diagnostic: Diagnostic

  /// The value of a caught error.
  public init(_ diagnostic: Diagnostic) { self.diagnostic = diagnostic }
}

extension Kind {
  static let error = Kind(
    "error", "What went wrong, as catch hands it over.",
    members: [
      diagnosed("kind", "string", "Its kind, such as shape; ?E-shape explains it.") { Value($0.kind.rawValue) },
      diagnosed("message", "string", "What went wrong.") { Value($0.message) },
      diagnosed("hint", "string | none", "What to write instead, where that is known.") {
        $0.hint.map { Value($0) } ?? .none
      },
      diagnosed("file", "string | none", "The file in which it arose.") { $0.source.map { Value($0.name) } ?? .none },
      diagnosed("line", "int | none", "The line, from 1.") { $0.position.map { .int($0.line) } ?? .none },
      diagnosed("column", "int | none", "The column, from 1.") { $0.position.map { .int($0.column) } ?? .none },
      diagnosed("trace", "list[record]", "The calls that led to it, the innermost first.") { diagnostic in
        Value(
          diagnostic.trace.map { frame in
            let position = frame.source.position(at: Int(frame.span.start))
            return Value(fields: [
              ("function", Value(frame.function)), ("file", Value(frame.source.name)), ("line", .int(position.line)),
              ("column", .int(position.column)),
            ])
          })
      },
    ])

  private static func diagnosed(
    _ name: String, _ type: String, _ summary: String, _ read: @escaping @Sendable (Diagnostic) -> Value
  ) -> Member {
    Member(name, type, summary) { value in
      guard case .error(let error) = value else { return nil }
      return read(error.diagnostic)
    }
  }
}

extension Diagnostic {
  fileprivate var position: (line: Int, column: Int)? {
    guard let source, let span else { return nil }
    return source.position(at: Int(span.start))
  }
}
