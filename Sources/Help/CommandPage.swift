/// What help and completion know of a command of the prompt, such as `:vars`. A notebook or an editor has none.
public struct CommandPage: Sendable {
  /// What a command takes, for completion.
  public enum Argument: Sendable, Equatable {
    /// A statement of the language, or nothing that could be completed.
    case statement
    /// The path of a file.
    case file
    /// Whatever has a help page.
    case page
    /// A name of the session.
    case name
    /// One of these words.
    case choice([String])
  }

  /// The word after the colon.
  public let name: String
  /// What may follow it: `[name…]`.
  public let form: String
  /// What it does, in a few words.
  public let summary: String
  /// What it takes.
  public let argument: Argument

  /// Makes the page of a command.
  public init(_ name: String, _ form: String, _ summary: String, takes argument: Argument = .statement) {
    self.name = name
    self.form = form
    self.summary = summary
    self.argument = argument
  }
}
