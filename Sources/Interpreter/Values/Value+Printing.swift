extension Value {
  /// Type and value in a few words for messages: `the string "abc"`, `a list of 3`.
  public var described: String { "a \(typeName)" }

  /// What `print` and the prompt show.
  public func text(_ options: PrintOptions) -> String { "" }

  /// One line, as within a list: strings in quotes.
  public func shortText(_ options: PrintOptions) -> String { "" }
}
