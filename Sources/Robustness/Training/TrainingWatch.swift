import Base
import Datasets
import Networks
import Tensors

/// What a run tells a listener that looks at each of its steps (`TrainingProgress`), gathered as the step goes.
///
/// It only reads what the step has computed anyway: classes that are right or wrong, the value of the loss, and now and
/// then one image. It draws nothing, moves nothing and is no part of the state of a run, so that the weights are the same
/// with it and without.
final class TrainingWatch {
  private let progress: any TrainingProgress
  private let classNames: [String]
  /// Right answers and images of each class; those of earlier epochs count for half as much with each epoch.
  private var natural: [(right: Double, of: Double)]
  private var robust: [(right: Double, of: Double)]
  private var seesRobust = false
  private var step = Step()

  /// What a step has measured so far, part by part.
  private struct Step {
    var loss = 0.0
    var (examples, natural) = (0, 0)
    var robust: Int?
    /// Of each image its class, and whether it was right.
    var answers: [(label: Int, natural: Bool, robust: Bool?)] = []
    var pictures: TrainingPictures?
    let began = monotonicSeconds()
  }

  /// How many images of a class must have been seen before it can be the worst.
  private static let least = 10.0

  init(_ progress: any TrainingProgress, classNames: [String]) {
    (self.progress, self.classNames) = (progress, classNames)
    natural = Array(repeating: (0, 0), count: classNames.count)
    robust = natural
  }

  /// A step begins; what an earlier one has left that did not come to its end is dropped.
  func begin() { step = Step() }

  /// Takes what a part of a batch has led to.
  ///
  /// - Parameters:
  ///   - value: the mean loss.
  ///   - judged: which natural and which adversarial images are classified correctly.
  func add(
    _ batch: Batch, value: Double, judged: (natural: [Bool], robust: [Bool]?), adversarial: Tensor?, logits: Tensor?
  ) {
    step.loss += value * Double(batch.labels.count)
    step.examples += batch.labels.count
    step.natural += judged.natural.count { $0 }
    if let robust = judged.robust { step.robust = (step.robust ?? 0) + robust.count { $0 } }
    for (index, label) in batch.labels.enumerated() where natural.indices.contains(label) {
      step.answers.append((label, judged.natural[index], judged.robust?[index]))
    }
    if step.pictures == nil, progress.wantsPictures {
      // Pictures are worth no error.
      step.pictures = try? StopSignal.ignoring { try pictures(batch, judged, adversarial, logits) }
    }
  }

  /// The step is done.
  func end(learningRate: Double, highest: Double) {
    for (label, isRight, isRobust) in step.answers {
      natural[label] = (natural[label].right + (isRight ? 1 : 0), natural[label].of + 1)
      guard let isRobust else { continue }
      seesRobust = true
      robust[label] = (robust[label].right + (isRobust ? 1 : 0), robust[label].of + 1)
    }
    let n = Double(max(1, step.examples))
    progress.update(
      TrainingGlance(
        loss: step.loss / n, natural: Double(step.natural) / n, robust: step.robust.map { Double($0) / n },
        examples: step.examples, seconds: monotonicSeconds() - step.began, learningRate: learningRate,
        highestRate: highest, worstClass: worst))
    if let pictures = step.pictures { progress.show(pictures) }
    step = Step()
  }

  /// An epoch is over.
  func endEpoch() {
    for label in natural.indices {
      natural[label] = (natural[label].right / 2, natural[label].of / 2)
      robust[label] = (robust[label].right / 2, robust[label].of / 2)
    }
  }

  /// The class with the least share of right answers, the first of equals.
  private var worst: (name: String, accuracy: Double, isRobust: Bool)? {
    let counts = seesRobust ? robust : natural
    var found: (label: Int, share: Double)?
    for (label, count) in counts.enumerated() where count.of >= Self.least {
      let share = count.right / count.of
      if share < found?.share ?? .infinity { found = (label, share) }
    }
    return found.map { (classNames[$0.label], $0.share, seesRobust) }
  }

  /// The first image that the attack has turned, or one that was wrong already, beside its twin.
  private func pictures(
    _ batch: Batch, _ judged: (natural: [Bool], robust: [Bool]?), _ adversarial: Tensor?, _ logits: Tensor?
  ) throws -> TrainingPictures? {
    let isTurned = judged.robust.map { robust in robust.indices.map { judged.natural[$0] && !robust[$0] } }
    let index = isTurned?.firstIndex(of: true) ?? judged.robust?.firstIndex(of: false) ?? 0
    guard batch.labels.indices.contains(index) else { return nil }
    func pixels(_ images: Tensor) throws -> [Float] { try images.detached().indexSelect(axis: 0, [index]).floats() }
    func name(_ label: Int) -> String { classNames.indices.contains(label) ? classNames[label] : "\(label)" }
    var answer: String?
    if adversarial != nil, let logits, logits.shape.first == batch.labels.count {
      answer = try logits.detached().indexSelect(axis: 0, [index]).argmax(axis: 1).ints().first.map(name)
    }
    return TrainingPictures(
      shape: Array(batch.images.shape.dropFirst()), image: try pixels(batch.images),
      twin: try adversarial.map(pixels), label: name(batch.labels[index]), answer: answer)
  }
}
