import Base
import Tensors

/// DeepFool (Moosavi-Dezfooli et al. 2016): the nearest boundary of the linearised model, step after step.
///
/// At the point x the lead of class k, z_k − z_y, is linear to first order with the slope w_k: its boundary lies
/// |z_k − z_y|/‖w_k‖ away, in the dual norm. A step goes to the nearest of these boundaries. An example is done once
/// the model takes it for another class, and takes no part in the steps after that; nothing draws the image back
/// afterwards.
///
/// Published programs differ in where they overshoot. The authors' own, foolbox and advertorch add up the bare steps
/// and lengthen the sum (`total`); torchattacks lengthens each step, from wherever it is (`step`). The sum is the
/// default: it exceeds the boundary by a share of the whole way, whatever the number of steps, and it is what the
/// paper's numbers were made with. Quirks of the two are named where they are repeated.
///
/// advertorch keeps the sum of the steps within a radius, which goes on looking near the image where the free search has
/// gone far away: `bound` does so. Its sum is lengthened after that, so that the image lies up to (1 + overshoot)·bound
/// away; advertorch's own success rates count these images.
public struct DeepFool: Attack {
  public static let name = "deepfool"
  public static let page = Page(
    "The nearest image by steps to the nearest boundary of the linearised model.",
    details: """
      With w_k = ∇(z_k − z_y), a step crosses the boundary with the least |z_k − z_y|/‖w_k‖, until the model takes the \
      image for another class. The radius says only what counts as broken. Moosavi-Dezfooli et al. 2016.
      """,
    examples: [("deepfool(norm=\"linf\")", "deepfool(norm=\"linf\", steps=50)")],
    seeAlso: ["cw", "ddn", "fmn", "evaluate", "perturb"],
    search: ["minimum norm", "minimal", "distance", "boundary", "closest", "smallest perturbation"])
  public static let settings: [Setting<DeepFool>] = [
    .choice("norm", \.norm, note: "\"l2\" or \"linf\": how distance is measured."),
    .reach(\.eps),
    Setting(
      "steps", \.steps, .int(1...1_000_000, hint: "steps=50 is usual"), note: "linearisations at most.",
      isAlwaysShown: true),
    Setting(
      "overshoot", \.overshoot, .atLeastZero(hint: "overshoot=0.02 is usual"),
      note: "by which share the way is lengthened, to get across the boundary."),
    .choice(
      "overshoot_on", \.overshootOn,
      note: """
        "total" lengthens the sum of all steps from the original, as the authors do; "step" each step from where it is, \
        as torchattacks does.
        """),
    Setting(
      "candidates", \.candidates, .int(1...1_000_000, hint: "candidates=9 is usual"),
      note: "how many other classes are tried: those with the largest logits of the original."),
    .distance(
      "bound", \.bound, .positive(hint: "for instance bound=0.3"),
      note: """
        keeps the sum of the steps within this distance, before it is lengthened, as advertorch does: the search goes on \
        near the image. When left out, the search is free.
        """),
  ]

  /// What is lengthened to get across the boundary.
  public enum Overshoot: String, SettingChoice {
    /// The sum of all steps, from the original.
    case total
    /// Each step, from the point that it starts at.
    case step
  }

  /// How distance is measured: `.l2` or `.linf`.
  public var norm = Norm.l2
  /// The radius within which an image counts as broken; nil takes that of the evaluation, and without one any counts.
  public var eps: Double?
  /// Linearisations at most.
  public var steps = 50
  /// By which share the way is lengthened.
  public var overshoot = 0.02
  /// What is lengthened.
  public var overshootOn = Overshoot.total
  /// How many other classes are tried.
  public var candidates = 9
  /// The distance within which the sum of the steps is kept; nil leaves it free.
  public var bound: Double?

  public init() {}

  /// An attack with these settings.
  public init(
    norm: Norm = .l2, eps: Double? = nil, steps: Int = 50, overshoot: Double = 0.02,
    overshootOn: Overshoot = .total, candidates: Int = 9, bound: Double? = nil
  ) {
    (self.norm, self.eps, self.steps, self.overshoot) = (norm, eps, steps, overshoot)
    (self.overshootOn, self.candidates, self.bound) = (overshootOn, candidates, bound)
  }

  /// It looks for the nearest image.
  public var isMinimal: Bool { true }

  /// Checks the norm, and that there is a sum to keep within bounds.
  public func validateTogether() throws(CoreError) {
    try norm.require(of: self, oneOf: [.l2, .linf])
    guard bound != nil, overshootOn == .step else { return }
    throw CoreError(
      .value, "with overshoot_on=\"step\" there is no sum of steps that a bound could hold",
      hint: "leave bound out, or overshoot_on=\"total\"", argument: "bound")
  }

  /// Steps with the examples that the model still recognises; every last image is submitted.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    guard oracle.classes > 1, batch.count > 0 else { return }
    var live = batch.all
    var origin = batch.images
    var x = origin
    var total: Tensor?
    var rivals = try Rivals(batch, oracle, limit: candidates)
    for step in 0..<steps {
      let (logits, slopes) = try oracle.leads(at: x, of: live, over: rivals.rounds)
      let predictions = try logits.argmax(axis: 1).ints()
      let kept = live.indices.filter { predictions[$0] == batch.labels[live[$0]] }
      var move = try nearest(logits, slopes, rivals, of: live, in: batch)
      if kept.count < live.count {
        let done = live.indices.filter { predictions[$0] != batch.labels[live[$0]] }
        try oracle.submit(x.indexSelect(axis: 0, done), of: done.map { live[$0] })
        if kept.isEmpty { return }
        live = kept.map { live[$0] }
        (x, move) = (try x.indexSelect(axis: 0, kept), try move.indexSelect(axis: 0, kept))
        (origin, total) = (try origin.indexSelect(axis: 0, kept), try total?.indexSelect(axis: 0, kept))
        rivals = rivals.part(kept)
      }
      switch overshootOn {
      case .step: x = try (x + move * Float(1 + overshoot)).clip(min: 0, max: 1)
      case .total:
        // The sum is of steps that the box did not shorten, as in foolbox.
        var sum = if let last = total { try last + move } else { move }
        if let bound { sum = try norm.project(sum, radii: Tensor.scalar(Float(bound))) }
        total = sum
        x = try (origin + sum * Float(1 + overshoot)).clip(min: 0, max: 1)
      }
      batch.report(Double(step + 1) / Double(steps))
    }
    try oracle.submit(x, of: live)
  }

  /// The step to the nearest boundary of each example [k, c, h, w].
  private func nearest(
    _ logits: Tensor, _ slopes: [Tensor], _ rivals: Rivals, of examples: [Int], in batch: AttackBatch
  ) throws -> Tensor {
    let k = examples.count
    let own = try logits.gather(axis: 1, examples.map { batch.labels[$0] })
    var lengths: [Tensor] = []
    var distances: [Tensor] = []
    for (slope, classes) in zip(slopes, rivals.rounds) {
      // Where the slope is 0, the boundary is very far away, and the step has no direction.
      let length = try (norm.dual.length(slope) + 1e-8).reshape([k, 1])
      let lead = try (logits.gather(axis: 1, classes) - own).abs().reshape([k, 1])
      lengths.append(length)
      distances.append(try (lead / length).clip(max: 1e6))
    }
    let all = try concat(distances, axis: 1)
    let best = try all.argmin(axis: 1).ints()
    let slope = try concat(slopes, axis: 0).indexSelect(axis: 0, best.indices.map { best[$0] * k + $0 })
    var way = try all.gather(axis: 1, best)
    // A quirk of the authors' program, of foolbox and of advertorch: each step is longer by 1e-4.
    if overshootOn == .total { way = try way + 1e-4 }
    let shape = [k] + Array(repeating: 1, count: slope.shape.count - 1)
    if norm == .linf { return try slope.sign() * way.reshape(shape) }
    return try slope * (way / concat(lengths, axis: 1).gather(axis: 1, best)).reshape(shape)
  }
}

/// The classes that each example is tried against: in each round another one.
private struct Rivals {
  /// In each round, one class per example.
  private(set) var rounds: [[Int]]

  /// - Parameter limit: how many; of more, those with the largest logits of the images of the batch.
  init(_ batch: AttackBatch, _ oracle: any Oracle, limit: Int) throws {
    let others = oracle.classes - 1
    guard limit < others else {
      rounds = (0..<others).map { round in batch.labels.map { round < $0 ? round : round + 1 } }
      return
    }
    let order = try oracle.logits(batch.images, of: batch.all).topk(limit + 1, axis: 1).places.ints()
    let rows = batch.labels.indices.map { row in
      order[row * (limit + 1)..<(row + 1) * (limit + 1)].filter { $0 != batch.labels[row] }
    }
    rounds = (0..<limit).map { round in rows.map { $0[round] } }
  }

  /// The same of some of the examples.
  func part(_ kept: [Int]) -> Rivals {
    var part = self
    part.rounds = rounds.map { round in kept.map { round[$0] } }
    return part
  }
}
