/// What went wrong in the core, for a person: what, what was expected, and what to try.
///
/// The core's own errors are all of this type. It knows no positions in a program: the language adds them where a
/// built-in calls the core, by the name of the argument at fault. So a message names neither files of the program nor
/// Swift types.
public struct CoreError: Error, Sendable {
  /// What kind of thing went wrong, as programs tell errors apart.
  public enum Kind: String, Sendable {
    /// Sizes of tensors or images do not fit.
    case shape
    /// An element or argument of another type is needed.
    case type
    /// A number or setting is out of its range.
    case value
    /// A file or folder cannot be read, written or used.
    case io
    /// NaN or an infinity stands where numbers are needed.
    case numeric
    /// There is not enough memory, or more than a result may take.
    case memory
    /// The user has pressed Ctrl-C.
    case interrupted
    /// The run has passed a limit that was set for it.
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

  /// An error that says what is wrong and what to do.
  ///
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

  /// The error of a run that came to a limit.
  /// - Parameter option: the option of `ltd` that sets the limit, such as `--max-memory`; the hint names it.
  public static func limit(_ message: String, option: String) -> CoreError {
    CoreError(.limit, message, hint: "raise \(option), or leave it out")
  }

  /// The same error with words before its message, such as the file it is about.
  public func prefixed(_ words: String) -> CoreError {
    CoreError(kind, "\(words): \(message)", hint: hint, argument: argument)
  }
}
