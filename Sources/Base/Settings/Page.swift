/// What the manual says of a configurable value, but for its settings, which have notes of their own.
public struct Page: Sendable {
  /// One sentence that says what the value is.
  public var summary: String
  /// Paragraphs: the formula, the source, what it is for.
  public var details: String
  /// Code that a person can run, and what it prints; the tests run it.
  public var examples: [(code: String, result: String)]
  /// Names of related built-ins.
  public var seeAlso: [String]
  /// Words by which people look for it, foreign names included.
  public var search: [String]

  /// What the manual says; everything but the summary may be left out.
  public init(
    _ summary: String, details: String = "", examples: [(code: String, result: String)] = [], seeAlso: [String] = [],
    search: [String] = []
  ) {
    self.summary = summary
    self.details = details
    self.examples = examples
    self.seeAlso = seeAlso
    self.search = search
  }
}
