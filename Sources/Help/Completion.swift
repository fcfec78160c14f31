/// What can stand at a cursor in a statement.
public struct Completion: Equatable, Sendable {
  /// How many bytes of UTF-8 before the cursor the candidates replace.
  public var replaced: Int
  /// What may replace them.
  public var candidates: [Candidate]

  /// One of the things that may stand at the cursor.
  public struct Candidate: Equatable, Sendable {
    /// What stands in the statement once the candidate is taken.
    public var text: String
    /// What follows a candidate that is the only one: `(` after a function, `=` after a named argument.
    public var suffix: String

    /// Makes a candidate that nothing follows, or what `suffix` says.
    public init(_ text: String, suffix: String = "") {
      self.text = text
      self.suffix = suffix
    }
  }

  /// Makes a completion of the last `replaced` bytes.
  public init(replaced: Int, candidates: [Candidate]) {
    self.replaced = replaced
    self.candidates = candidates
  }

  /// Nothing can be completed.
  public static let none = Completion(replaced: 0, candidates: [])

  /// What all candidates begin with.
  public var commonPrefix: String {
    guard var prefix = candidates.first?.text else { return "" }
    for candidate in candidates.dropFirst() {
      prefix = String(zip(prefix, candidate.text).prefix { $0 == $1 }.map(\.0))
    }
    return prefix
  }
}
