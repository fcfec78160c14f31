import Base
import Networks
import Tensors

/// Defensive distillation (Papernot et al. 2016): the student learns, at a high temperature, a teacher's labels of that
/// temperature, and is used at 1, where its softmax is saturated.
///
/// It is here as the case that robustness must be told apart from: gradients of the cross-entropy vanish and attacks by
/// them fail, while margins are where they were. The mean over the batch of H(softmax(z_T(x)/T), softmax(z(x)/T)), not
/// multiplied by T²; so that the rate has to be T² or so times as high as usual to learn as fast.
public struct DefensiveDistillation: TaughtMethod {
  public static let name = "defensive_distillation"
  public static let page = Page(
    "Defensive distillation: H(softmax(z_T(x)/T), softmax(z(x)/T)) on natural images; the known case of masked gradients.",
    details: """
      The soft cross-entropy of the teacher's labels at temperature T with the student's answers at the same T, the mean \
      over the batch, not multiplied by T²: gradients are small, and lr has to be larger than usual. Both see the natural \
      image, whose forward moves batch norm's running statistics. In the paper the teacher, a network of the same kind, was \
      trained at T as well: fit(teacher.at(T=100), …). The student is used at temperature 1, where its softmax saturates \
      and the gradient of the cross-entropy vanishes: attacks on the margin break it (Carlini & Wagner 2017), and \
      whatever robust accuracy a cross-entropy attack reports is an illusion. Papernot et al. 2016.
      """,
    examples: [("defensive_distillation(mlp(), T=20)", "defensive_distillation(mlp, T=20)")],
    seeAlso: ["fit", "ltd", "at", "mifpe", "soften"],
    search: ["distillation", "papernot", "gradient masking", "obfuscated gradients", "temperature"])
  public static let settings: [Setting<DefensiveDistillation>] = [
    .teacher(\.teacher, note: "a model of which the labels are; its weights stay as they are."),
    .temperature(\.temperature, named: "T", hint: "T=100 is usual", note: "the temperature of teacher and student."),
  ]

  /// The model whose soft labels are learned; it must be given.
  public var teacher: Model?
  /// What the logits of teacher and student are divided by.
  public var temperature: Temperature = 100

  public init() {}

  /// A method with this teacher and temperature.
  public init(teacher: Model, temperature: Temperature = 100) {
    self.teacher = teacher
    self.temperature = temperature
  }

  public var teachers: [(name: String, model: Model?)] { [("teacher", teacher)] }
  public var softening: Temperature { temperature }

  /// No search: both models see natural images only.
  public var inner: InnerMaximisation? { nil }

  /// The soft cross-entropy.
  public func loss(_ step: TrainingStep) throws -> StepLoss {
    let answers = try step.taught(by: given(teacher, "teacher", of: Self.name))
    let logits = try step.forward(step.images)
    let losses = try temperature.sharedCrossEntropies(of: logits, with: answers, at: step.position).losses
    return StepLoss(total: try losses.mean(), naturalLogits: logits)
  }
}
