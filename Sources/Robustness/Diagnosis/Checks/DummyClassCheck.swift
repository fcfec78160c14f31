import Base

/// Classes that no image belongs to and that attacks lead into: whoever counts them as right sees robustness.
enum DummyClassCheck: MaskingCheck {
  static let name = "dummy_classes"
  static let question = "Do attacks end in classes that no image has?"
  static let remedy = "give targets among the classes of the data, and never count another class as right"
  static let source = "DUCAT (arXiv 2410.12671) and its break (arXiv 2603.29182); 10 % of the broken images"

  static func measure(_ it: Examination) throws -> Measurement {
    let answered = try it.logits.argmax(axis: 1).ints()
    let known = Set(it.data.labels).union(answered)
    // Data of few images need not show all of their classes.
    let isLarge = it.n >= 20 * it.model.classes
    let unused = Set(
      (0..<it.model.classes).filter { !known.contains($0) && (isLarge || $0 >= it.data.classCount) })
    guard !unused.isEmpty else { return .judged(0, above: 0.1, note: "there is no class without images") }
    let usual = try it.usual()
    let rescued = try it.outcome(MIFPE(steps: it.plan.steps, norm: it.norm))
    var (ended, broken) = (0, 0)
    for outcome in [usual, rescued] {
      for i in outcome.broken.indices where outcome.broken[i] {
        broken += 1
        if unused.contains(outcome.predictions[i]) { ended += 1 }
      }
    }
    guard broken > 0 else { return .unknown("nothing was broken") }
    return .judged(
      Double(ended) / Double(broken), above: 0.1,
      note:
        "\(unused.count) of \(it.model.classes) classes have no image; \(ended) of \(broken) broken images end there")
  }
}
