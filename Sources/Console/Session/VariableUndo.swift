import Interpreter

/// What the last statements changed, so that it can be taken back.
///
/// Of each statement it holds the values that it replaced, which costs nothing but the memory that only they take. Beyond a
/// number of bytes the oldest are forgotten, and a single change that is larger is not kept.
struct VariableUndo {
  /// One variable before a statement; nil where there was none.
  struct Change {
    var name: String
    var before: SessionMoment.Variable?
  }

  /// A statement and what it changed.
  struct Step {
    var text: String
    var changes: [Change]
    /// What changed in place: weights, optimisers, random streams.
    var points: [any RestorePoint]
    /// Whose change in place was too large to be held.
    var lost: [String]
    /// All of the session, where a command replaced it.
    var whole: SessionMoment?
    var byteCount: Int
  }

  private(set) var steps: [Step] = []
  /// How many bytes all steps together may hold.
  var limit = 256 << 20
  private static let most = 50

  /// Adds a step.
  mutating func add(_ step: Step) {
    if step.changes.isEmpty, step.points.isEmpty, step.lost.isEmpty, step.whole == nil { return }
    steps.append(step)
    if steps.count > Self.most { steps.removeFirst() }
    while steps.reduce(0, { $0 + $1.byteCount }) > limit, let first = steps.first {
      if steps.count > 1 {
        steps.removeFirst()
      } else {
        // What is known of it is that it was too large.
        steps[0] = Step(
          text: first.text, changes: [], points: [], lost: first.lost + first.changes.map(\.name), byteCount: 0)
        break
      }
    }
  }

  mutating func takeLast() -> Step? { steps.popLast() }

  mutating func clear() { steps = [] }

  /// The newest change of one variable, which is taken out.
  mutating func takeChange(of name: String) -> (text: String, change: Change)? {
    for index in steps.indices.reversed() {
      guard let place = steps[index].changes.firstIndex(where: { $0.name == name }) else { continue }
      let found = (steps[index].text, steps[index].changes.remove(at: place))
      let step = steps[index]
      if step.changes.isEmpty, step.points.isEmpty, step.lost.isEmpty, step.whole == nil { steps.remove(at: index) }
      return found
    }
    return nil
  }
}
