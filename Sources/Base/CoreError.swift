/// What went wrong in the core, for a person: what, what was expected, and what to try.
public struct CoreError: Error, Sendable {
  /// What kind of thing went wrong, as programs tell errors apart.
  public enum Kind: String, Sendable {
    /// Sizes of tensors or images do not fit.
    case shape
    /// An element or argument of another type is needed.
    case type
    /// A number or setting is out of its range.
    case value
    /// A file or folder.
    case io
    /// NaN or infinity where numbers are needed.
    case numeric
    /// There is not enough memory, or more than a result may take.
    case memory
    /// Ctrl-C.
    case interrupted
    /// A limit that was set for the run.
    case limit
  }

  /// What kind of thing went wrong.
  public var kind: Kind
  /// What is wrong, in a sentence without a full stop.
  public var message: String
  /// What to type instead, where there is something.
  public var hint: String?
  /// The argument that is at fault, where one is.
  public var argument: String?

  /// - Parameters:
  ///   - message: a sentence without a full stop.
  ///   - hint: what to type instead.
  ///   - argument: the name of the parameter that is at fault.
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
