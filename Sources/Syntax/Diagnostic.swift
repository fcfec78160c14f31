/// One message to the user: what is wrong, where, and what to try.
public struct Diagnostic: Sendable {
  /// What sort of mistake it is; `e.kind` in the language.
  public enum Kind: String, Sendable, CaseIterable {
    case syntax, name, type, shape, value, io, numeric, memory, interrupted, `internal`
    /// A bound that was set for the run: `--max-seconds`, `--no-files` and the like.
    case limit
    /// Raised by a program with `error(…)`.
    case user = "error"
    /// A failed `assert`.
    case assertion
    /// Found by `ltd check`; the program may still run.
    case warning

    /// The name of the page that explains the kind: `?E-shape`.
    public var code: String { "E-" + rawValue }

    /// Whether no `try` holds it up.
    public var endsTheRun: Bool { self == .interrupted || self == .limit }
  }

  /// A further place in the same source with a few words about it.
  public struct Label: Sendable {
    /// The place, in the source of the diagnostic.
    public var span: Span
    /// What to write there.
    public var text: String

    /// A label at a place.
    public init(_ span: Span, _ text: String) {
      self.span = span
      self.text = text
    }
  }

  /// A call under way when the error was raised.
  public struct Frame: Sendable {
    /// Name of the function that was called.
    public var function: String
    /// Where it was called.
    public var source: Source
    /// The call, its arguments included.
    public var span: Span

    /// Whether a module was imported, rather than a function called.
    public var isImport: Bool

    /// A call of a function, or the import of a module, at a place.
    public init(function: String, source: Source, span: Span, isImport: Bool = false) {
      self.function = function
      self.source = source
      self.span = span
      self.isImport = isImport
    }
  }

  /// What sort of mistake it is.
  public var kind: Kind
  /// One sentence on what is wrong, without a point at its end.
  public var message: String
  /// Nil for errors that have no place in a program, such as a missing file on the command line.
  public var source: Source?
  /// The place that is marked; nil where there is none.
  public var span: Span?
  /// What to write at the primary span, if anything.
  public var primaryLabel: String?
  /// Further places that explain the first.
  public var labels: [Label]
  /// What to write instead, if there is one thing to try.
  public var hint: String?
  /// Further sentences, shown after the hint.
  public var notes: [String]
  /// Innermost call first; of a deep recursion only the two ends.
  public var trace: [Frame]
  /// The argument at fault, for the call that gives an error its place; `nil` once it has one.
  public var argument: String?
  /// How many calls were left out in the middle of the trace.
  public var omittedFrames = 0

  static let maximumFrames = 20

  /// A diagnostic; without a source and a span until `LTDError.located` adds them.
  public init(
    _ kind: Kind, _ message: String, source: Source? = nil, span: Span? = nil, primaryLabel: String? = nil,
    labels: [Label] = [], hint: String? = nil, notes: [String] = [], trace: [Frame] = []
  ) {
    self.kind = kind
    self.message = message
    self.source = source
    self.span = span
    self.primaryLabel = primaryLabel
    self.labels = labels
    self.hint = hint
    self.notes = notes
    self.trace = trace
  }
}

/// The error that all of the language throws: one pointer around a `Diagnostic`, so that `throws(LTDError)` is cheap.
public final class LTDError: Error, Sendable {
  /// What is shown of the error.
  public let diagnostic: Diagnostic

  /// The error that a diagnostic describes.
  public init(_ diagnostic: Diagnostic) { self.diagnostic = diagnostic }

  /// An error of a kind, with a message and perhaps a place and a hint.
  public convenience init(
    _ kind: Diagnostic.Kind, _ message: String, source: Source? = nil, span: Span? = nil, hint: String? = nil
  ) {
    self.init(Diagnostic(kind, message, source: source, span: span, hint: hint))
  }

  /// The same error at a place, unless it has one already.
  public func located(_ source: Source, _ span: Span) -> LTDError {
    guard diagnostic.span == nil else { return self }
    var diagnostic = diagnostic
    diagnostic.source = source
    diagnostic.span = span
    return LTDError(diagnostic)
  }

  /// The same error with a further sentence.
  public func noting(_ note: String) -> LTDError {
    var diagnostic = diagnostic
    diagnostic.notes.append(note)
    return LTDError(diagnostic)
  }

  /// The same error with one more call in its trace. An error that arose in a module of the library moves to the call
  /// from outside: that is the line its reader wrote. A note keeps the line of the module.
  public func called(_ frame: Diagnostic.Frame) -> LTDError {
    var diagnostic = diagnostic
    if let source = diagnostic.source, let span = diagnostic.span, source.isLibrary, !frame.source.isLibrary,
      !frame.isImport
    {
      let (line, column) = source.position(at: Int(span.start))
      diagnostic.notes.append("found at \(source.name):\(line):\(column)")
      diagnostic.source = frame.source
      diagnostic.span = frame.span
      diagnostic.primaryLabel = nil
      diagnostic.labels = []
    }
    if diagnostic.trace.count >= Diagnostic.maximumFrames {
      diagnostic.trace.remove(at: Diagnostic.maximumFrames / 2)
      diagnostic.omittedFrames += 1
    }
    diagnostic.trace.append(frame)
    return LTDError(diagnostic)
  }
}
