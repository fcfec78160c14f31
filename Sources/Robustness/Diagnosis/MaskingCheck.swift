import Base

/// A question whose answer tells robustness from masked gradients.
///
/// A model is masked where attacks that follow its gradients find less than there is to find: its robust accuracy is then
/// a number about the attack. Each check looks for one cause or one sign of that. It is a type with a file of its own in
/// `Checks` and a line in `MaskingChecks.all`; name, question, remedy and source are said once, here, and the table, the
/// help and the manual follow. It asks the `Examination` for whatever it needs, which runs no attack twice, and returns
/// what it has measured. What it cannot judge it says so: neither a pass nor a flag.
public protocol MaskingCheck: Sendable {
  /// What it is called in tables and in `fail_on`: lower case, with underscores.
  static var name: String { get }
  /// What it asks, as a question that yes would flag.
  static var question: String { get }
  /// What to do where it flags.
  static var remedy: String { get }
  /// Where check and threshold come from.
  static var source: String { get }
  /// Whether it can judge a model that answers at random, or one whose answers hardly depend on the image; false unless
  /// the check says otherwise.
  static var judgesAnyModel: Bool { get }
  /// Measures, and judges.
  ///
  /// - Throws: what attacks throw; the diagnosis takes a `numeric` error as something that cannot be judged.
  static func measure(_ it: Examination) throws -> Measurement
}

extension MaskingCheck {
  /// Most checks need answers that depend on the image and on nothing else.
  public static var judgesAnyModel: Bool { false }
}

/// What became of a check.
public enum CheckVerdict: String, Sendable, Equatable, Codable {
  /// What was measured is as it should be.
  case pass
  /// A sign of masked gradients.
  case flag
  /// It cannot be judged; the note says why.
  case unknown = "cannot be judged"
}

/// What a check has measured, and what that means.
public struct Measurement: Sendable, Equatable, Codable {
  /// A line of a table that belongs to the check: a name with numbers.
  public struct Row: Sendable, Equatable, Codable {
    /// A number and what it is.
    public struct Number: Sendable, Equatable, Codable {
      /// What it is, as a column is called.
      public var name: String
      /// The number.
      public var value: Double
    }

    /// What the numbers are of, such as "logits x 100".
    public var name: String
    /// The columns.
    public var numbers: [Number]
    /// Whether the line by itself would flag.
    public var isFlagged: Bool

    init(_ name: String, _ numbers: KeyValuePairs<String, Double>, isFlagged: Bool = false) {
      self.name = name
      self.numbers = numbers.map { Number(name: $0.key, value: $0.value) }
      self.isFlagged = isFlagged
    }

    /// The number of a column; nil where there is none.
    public subscript(_ name: String) -> Double? { numbers.first { $0.name == name }?.value }
  }

  /// What was measured; nil where nothing could be.
  public var value: Double?
  /// The greatest value that passes.
  public var threshold: Double?
  /// Whether both are shares, which print in per cent.
  public var isShare = true
  /// What it means.
  public var verdict: CheckVerdict
  /// What was found, in words with numbers.
  public var note: String
  /// A table, where one number does not say it.
  public var rows: [Row] = []

  /// Flags a value above the threshold.
  ///
  /// - Parameters:
  ///   - isShare: whether both numbers are shares.
  ///   - note: what was found, in words.
  static func judged(
    _ value: Double, above threshold: Double, isShare: Bool = true, note: String, rows: [Row] = []
  ) -> Measurement {
    guard value.isFinite else { return unknown("what was measured is not a finite number") }
    return Measurement(
      value: value, threshold: threshold, isShare: isShare, verdict: value > threshold ? .flag : .pass, note: note,
      rows: rows)
  }

  /// What cannot be judged, with the reason.
  static func unknown(_ reason: String) -> Measurement { Measurement(verdict: .unknown, note: reason) }
}

/// A check with what it has found.
public struct Finding: Sendable, Equatable, Codable {
  /// The name of the check.
  public var check: String
  /// What it asks.
  public var question: String
  /// What it has measured.
  public var measurement: Measurement
  /// What to do where it flags.
  public var remedy: String
  /// Where check and threshold come from.
  public var source: String

  /// The verdict.
  public var verdict: CheckVerdict { measurement.verdict }

  init(_ check: any MaskingCheck.Type, _ measurement: Measurement) {
    self.check = check.name
    self.question = check.question
    self.measurement = measurement
    remedy = check.remedy
    source = check.source
  }
}
