import Base

/// How far an evaluation is: shown after each batch, and within one wherever the attack says so.
final class EvaluationProgress {
  private let progress: (any Progress)?
  private let total: Int
  private let start = monotonicSeconds()
  private var done = 0

  init(_ progress: (any Progress)?, total: Int) { (self.progress, self.total) = (progress, total) }

  /// Counts examples that are done.
  func add(_ count: Int, _ title: String, _ what: String, _ accuracy: Accuracy) {
    done += count
    show(0, 0, title, what, accuracy)
  }

  /// Shows what is done, with a share of the examples that are being worked on.
  func show(_ count: Int, _ share: Double, _ title: String, _ what: String, _ accuracy: Accuracy) {
    guard let progress else { return }
    let done = Double(done) + Double(count) * min(max(share, 0), 1)
    let elapsed = monotonicSeconds() - start
    progress.update(
      title: title, done: Int(done), total: total, fields: [(what, accuracy.value)],
      secondsLeft: done > 0 ? elapsed / done * (Double(total) - done) : nil)
  }
}
