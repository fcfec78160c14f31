import Base
import Networks
import Tensors

/// Sample-wise Adaptive Adversarial Distillation (Lee & Chung 2025, arXiv 2512.10275): images on which the teacher is unsure
/// at x' weigh more, since those are the ones that transfer.
///
/// The search climbs KL(softmax t̃ ‖ p(x')), where t̃ is the teacher's answer to x with the logit of the label moved along
/// its gradient: no forward of the teacher in the steps. The weight is w = entropy_scale·(H − min H), H the entropy of the
/// teacher's answer to x' and the minimum over the batch: this weight is the one place where images of a batch depend on
/// each other, by the method itself.
public struct SAAD: DistillationMethod {
  public static let name = "saad"
  public static let page = Page(
    "Sample-wise Adaptive Adversarial Distillation: images of which the teacher is unsure at x' weigh more.",
    details: """
      The mean over the batch of w·(KL(q(x') ‖ p(x')) + igdm·(e/E)·G) + beta·(1 - w/max w)·KL(q(x) ‖ p(x)), with w = \
      entropy_scale·(H - min H), H the entropy of the teacher's answer to x' and the minimum over the batch, and G the \
      divergence of igdm(…) in epoch e of E, counted from 1. q = softmax(z_T/temperature), the student's temperature is 1, \
      and no term has labels or a squared temperature. x' maximises KL(softmax t ‖ p(x')), where t is the teacher's answer \
      to x whose logit of the label has changed by slope·⟨its gradient, x' - x⟩, from x + 0.001·N(0, I), with the student \
      in evaluation mode. Batch norm's running statistics move with the forwards of x', then of 2x - x' (unless igdm=0), \
      then of x. The authors average weights from epoch 95 on (SWA). Lee & Chung 2025 (arXiv 2512.10275).
      """,
    examples: [("saad(mlp())", "saad(mlp, temperature=1)")],
    seeAlso: ["fit", "igdm", "adaad", "rslad", "iad"],
    search: ["distillation", "sample-wise adaptive", "transferability", "entropy weighting", "teacher"])
  public static let settings: [Setting<SAAD>] = [
    .teacher(\.teacher, note: "a robust model; its weights stay as they are."),
    .temperature(\.temperature, hint: "temperature=1", note: "of the teacher."),
    Setting("beta", \.beta, .atLeastZero(hint: "beta=0"), note: "weight of the natural images; 0 in the paper."),
    Setting(
      "igdm", \.igdm, .atLeastZero(hint: "igdm=1"),
      note: "weight of the matched differences: 1 for CIFAR-10, 10 for 100 classes; 0 leaves them out."),
    Setting("entropy_scale", \.entropyScale, .positive(hint: "entropy_scale=5"), note: "what the weights are times."),
    Setting(
      "slope", \.slope, .atLeastZero(hint: "slope=1"),
      note: "how far the attack believes the teacher's gradient; 0 leaves its answer where it is."),
  ]

  /// The model whose soft labels are learned; it must be given.
  public var teacher: Model?
  /// What the teacher's logits are divided by.
  public var temperature: Temperature = 1
  /// The weight of the natural images.
  public var beta = 0.0
  /// The weight of the matched differences at the end.
  public var igdm = 1.0
  /// What the weights are multiplied by.
  public var entropyScale = 5.0
  /// How far the attack believes the teacher's gradient.
  public var slope = 1.0

  public init() {}

  /// A method with this teacher; see the settings for what the numbers mean.
  public init(
    teacher: Model, temperature: Temperature = 1, beta: Double = 0, igdm: Double = 1, entropyScale: Double = 5
  ) {
    self.teacher = teacher
    self.entropyScale = entropyScale
    self.temperature = temperature
    self.beta = beta
    self.igdm = igdm
  }

  public var softening: Temperature { temperature }

  /// The search of the method, from a normal start.
  public var inner: InnerMaximisation? { InnerMaximisation(start: .normal, loss: nil) }

  /// Images whose answers diverge from what the teacher's gradient leads one to expect.
  public func perturbed(_ step: TrainingStep) throws -> Tensor {
    let teacher = try given(teacher, "teacher", of: Self.name)
    let answers = try step.taught(by: teacher)
    let (labels, images) = (step.labels, step.images)
    // No gradient where it would not count.
    let gradient =
      try slope == 0
      ? nil
      : teacher.slope(at: images) { (logits, rows) throws(CoreError) in
        try logits.gather(axis: 1, Array(labels[rows]))
      }.gradient
    let ofLabels = try Tensor.oneHot(labels, classes: teacher.classes)
    let softness = try temperature.softness(of: answers, at: step.position)
    return try step.maximise(start: .normal) { x, logits, examples in
      let n = examples.count
      var expected = try answers.rows(of: examples)
      if let gradient {
        let moved = try ((x - images.rows(of: examples)) * gradient.rows(of: examples)).reshape([n, -1])
          .sum(axes: [1], keepdim: true)
        expected = try expected + ofLabels.rows(of: examples) * moved * Float(slope)
      }
      return try divergences(softness.rows(of: examples).logSoftmax(expected), logits.logSoftmax())
    }
  }

  /// The weighted divergences, which are parts of the loss.
  public func loss(_ step: TrainingStep, at adversarial: Tensor) throws -> StepLoss {
    let teacher = try given(teacher, "teacher", of: Self.name)
    let natural = try step.taught(by: teacher)
    let moved = try step.taught(by: teacher, at: adversarial)
    let adversarialLogits = try step.forward(adversarial)
    var robust = try temperature.divergences(of: adversarialLogits, from: moved, at: step.position)
    let taught = robust
    if igdm > 0 {
      let matched = try step.matchedDifferences(
        teacher, temperature, at: adversarial, answers: moved, logits: adversarialLogits)
      robust = try robust + matched * Float(igdm * step.position.shareOfEpochs)
    }
    let logits = try step.forward(step.images)
    let clean = try temperature.divergences(of: logits, from: natural, at: step.position)
    // By the entropy at temperature 1, as in the authors' code.
    let entropies = try entropy(moved.softmax())
    let weights = try ((entropies - entropies.min()) * Float(entropyScale)).clip(min: 0)
    let shares = try weights / (weights.max() + 1e-8)
    let total = try (weights * robust + clean * shares.affine(scale: -1, offset: 1) * Float(beta)).mean()
    return StepLoss(
      total: total, parts: [("loss_natural", try clean.mean()), ("loss_robust", try taught.mean())],
      naturalLogits: logits, adversarialLogits: adversarialLogits)
  }
}
