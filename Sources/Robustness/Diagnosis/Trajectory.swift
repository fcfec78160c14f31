import Base
import Tensors

/// An ascent every step of which is looked at: what the loss was and whether the image was wrong by then.
///
/// Attacks keep only what they found. How they got there says more: a loss that still rises at the end, an image that was
/// wrong and is right again, another path when a constant is added to the logits.
struct Trajectory {
  /// The loss at each iterate, the image itself first: a row for each example.
  var losses: [[Float]]
  /// Whether each iterate was misclassified.
  var wrong: [[Bool]]

  /// Whether an iterate of each example was misclassified.
  var broken: [Bool] { wrong.map { $0.contains(true) } }
}

extension Examination {
  /// How many examples trajectories and slopes are looked at for.
  static let sample = 250

  /// The ascent that all attacks are compared with, for the first right examples; none is left out when it is broken.
  ///
  /// - Parameter change: what is done to the logits before the cross-entropy is taken.
  func trajectory(
    _ change: (Tensor) throws(CoreError) -> Tensor = { (logits) throws(CoreError) in logits }
  ) throws -> Trajectory {
    var found = Trajectory(losses: [], wrong: [])
    try forBatches(Self.sample) { _, batch in
      let labels = batch.labels
      var x = batch.images
      var losses = labels.map { _ in [Float]() }
      var wrong = labels.map { _ in [Bool]() }
      for step in 0...plan.steps {
        let slope = try model.slope(at: x) { (logits, rows) throws(CoreError) in
          try Tensors.crossEntropy(change(logits), labels: Array(labels[rows]), reduction: .none)
        }
        try requireFinite(slope.gradient, "gradients", of: model)
        for (i, (loss, prediction)) in try zip(slope.loss.floats(), slope.logits.argmax(axis: 1).ints()).enumerated() {
          losses[i].append(loss)
          wrong[i].append(prediction != labels[i])
        }
        guard step < plan.steps else { break }
        x = try norm.step(x, along: slope.gradient, around: batch.images, step: stepSize(in: eps), eps: eps)
        report?(Double(step) / Double(plan.steps))
      }
      found.losses += losses
      found.wrong += wrong
    }
    return found
  }

  /// The trajectory of the logits as they are.
  func usualTrajectory() throws -> Trajectory {
    if let sharedTrajectory { return sharedTrajectory }
    let found = try trajectory()
    sharedTrajectory = found
    return found
  }
}
