/// What went wrong in the core, for a person: what, what was expected, and what to try.
public struct CoreError: Error, Sendable {
  public enum Kind: String, Sendable {
    case shape, type, value, io, numeric, memory, interrupted, limit
  }

  public var kind: Kind
  public var message: String
  public var hint: String?
  /// The argument that is at fault, where one is.
  public var argument: String?

  public init(_ kind: Kind, _ message: String, hint: String? = nil, argument: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
    self.argument = argument
  }

  /// The same error with words before its message, such as the file it is about.
  public func prefixed(_ words: String) -> CoreError {
    CoreError(kind, "\(words): \(message)", hint: hint, argument: argument)
  }
}
