/// Where long work reports how far it is; the console draws it on a terminal.
///
/// The core knows no terminal: it says what it has done, and the one who listens decides whether, how often and where
/// it is shown. A report changes no result.
public protocol Progress: AnyObject {
  /// Says how far the work is; to be called as often as a step is done.
  ///
  /// - Parameters:
  ///   - title: what is being done, such as `fit epoch 2/10`.
  ///   - done: steps finished, of `total`.
  ///   - fields: figures to show, in order, such as `("loss", 0.31)`.
  ///   - secondsLeft: an estimate, when there is one.
  func update(title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?)
  /// A line that stays, such as the summary of an epoch.
  func note(_ line: String)
  /// A sentence that the user should read, which nobody keeps quiet: what is no longer saved, what was found damaged.
  func warn(_ sentence: String)
  /// The work has ended, one way or the other.
  func finish()
}

extension Progress {
  /// Notes a line that begins with `warning: `.
  public func warn(_ sentence: String) { note("warning: \(sentence)") }
}

/// A listener that shows nothing.
public final class SilentProgress: Progress {
  private let onWarning: (String) -> Void

  /// A listener that passes over whatever is reported.
  /// - Parameter onWarning: takes the warnings, where there is somebody for them.
  public init(onWarning: @escaping (String) -> Void = { _ in }) { self.onWarning = onWarning }
  /// Passes the report over.
  public func update(
    title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?
  ) {}
  /// Passes the line over.
  public func note(_ line: String) {}
  /// Hands the sentence on.
  public func warn(_ sentence: String) { onWarning(sentence) }
  /// Does nothing.
  public func finish() {}
}
