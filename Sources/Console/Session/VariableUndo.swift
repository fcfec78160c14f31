import Interpreter

/// What the last statements changed, so that it can be taken back.
///
/// Of each statement it holds the values that it replaced, which costs nothing but the memory that only they take. Beyond a
/// number of bytes the oldest are forgotten, and a single change that is larger is not kept, which the prompt says at once.
struct VariableUndo {
  /// One variable before a statement; nil where there was none.
  struct Change {
    var name: String
    var before: SessionMoment.Variable?
    /// What its value before takes.
    var byteCount = 0
  }

  /// A statement and what it changed.
  struct Step {
    var text: String
    var changes: [Change]
    /// What changed in place: weights, optimisers, random streams.
    var points: [any RestorePoint]
    /// The variables from which these can be reached.
    var pointNames: [String] = []
    /// Whose change in place was too large to be held.
    var lost: [String]
    /// All of the session, where a command replaced it.
    var whole: SessionMoment?
    var byteCount: Int

    /// Gives up the largest of what it holds until no more than a number of bytes is left.
    mutating func shrink(to limit: Int) {
      while byteCount > limit, let largest = changes.indices.max(by: { changes[$0].byteCount < changes[$1].byteCount }),
        changes[largest].byteCount > 0
      {
        byteCount -= changes[largest].byteCount
        lost.append(changes.remove(at: largest).name)
      }
      guard byteCount > limit else { return }
      lost += pointNames
      (points, pointNames, whole) = ([], [], nil)
      byteCount = 0
    }
  }

  private(set) var steps: [Step] = []
  /// How many bytes all steps together may hold.
  var limit = 256 << 20
  private static let most = 50

  /// Adds a step.
  /// - Returns: the names of what it cannot take back for its size.
  mutating func add(_ step: Step) -> [String] {
    if step.changes.isEmpty, step.points.isEmpty, step.lost.isEmpty, step.whole == nil { return [] }
    steps.append(step)
    if steps.count > Self.most { steps.removeFirst() }
    while steps.reduce(0, { $0 + $1.byteCount }) > limit {
      if steps.count > 1 {
        steps.removeFirst()
      } else {
        steps[0].shrink(to: limit)
        break
      }
    }
    return steps.last?.lost ?? []
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
