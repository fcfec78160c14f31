import Syntax

/// An error caught by `catch` or made by `error(…)`: kind, message, hint and place, as a value.
public final class ErrorValue {
  public let diagnostic: Diagnostic

  public init(_ diagnostic: Diagnostic) { self.diagnostic = diagnostic }
}
