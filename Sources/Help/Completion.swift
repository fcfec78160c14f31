/// What can stand at a cursor in a statement.
public struct Completion: Equatable, Sendable {
  /// How many bytes of UTF-8 before the cursor the candidates replace. What stands there need not be their beginning: `PGD`
  /// is replaced by `pgd`.
  public var replaced: Int
  /// What may replace them.
  public var candidates: [Candidate]

  /// One of the things that may stand at the cursor.
  public struct Candidate: Equatable, Sendable {
    /// What stands in the statement once the candidate is taken.
    public var text: String
    /// What follows a candidate that is the only one: `(` after a function, `=` after a named argument.
    public var suffix: String
    /// What kind of thing it is, in a word or two: the type of a variable or a member, what a function returns, the type
    /// and default of an argument; empty where nothing is known.
    public var type: String
    /// What it is, in a sentence or less; empty where nothing is known. It may be longer than a line.
    public var summary: String

    /// Makes a candidate that nothing follows, or what `suffix` says.
    public init(_ text: String, suffix: String = "", type: String = "", summary: String = "") {
      self.text = text
      self.suffix = suffix
      self.type = type
      self.summary = summary
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
