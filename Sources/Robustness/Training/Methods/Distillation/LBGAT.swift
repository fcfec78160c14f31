import Base
import Datasets
import Networks
import Tensors

/// Learnable Boundary Guided Adversarial Training (Cui et al. 2021): a teacher is trained along on the natural images, and
/// the student's logits at x' are drawn to the teacher's at x.
///
/// mean (z(x') − z_T(x))² + CE(p_T(x), y) + beta·KL(p(x) ‖ p(x')): the squares are averaged over batch and classes, and the
/// gradient of each term flows wherever it can, that of the first into the teacher too. One optimiser moves both models
/// in the authors' code; here each has one, with the settings, rate and momentum of `fit`, which is the same for every
/// optimiser that treats weights one by one. The teacher's weights and its optimiser are part of the state of a run.
public struct LBGAT: TrainingMethod {
  public static let name = "lbgat"
  public static let page = Page(
    "Learnable Boundary Guided Adversarial Training: a teacher is trained along, and x' is drawn to its logits at x.",
    details: """
      mean (z(x') - z_T(x))² + CE(p_T(x), y) + beta·KL(p(x) ‖ p(x')). The squares are averaged over batch and classes, the \
      other terms over the batch; logits are compared as they are, so that there is no temperature. The teacher is trained \
      from its present weights, in place, on natural images, in training mode: the first two terms move it, and it is moved \
      by an optimiser, a rate and a momentum like the student's. x' maximises KL(p(x) ‖ p(x')) from x + 0.001·N(0, I), with \
      the student in evaluation mode, and gradients flow through both sides of the divergence. The student's running \
      statistics move with the forwards of x', then x, the teacher's with that of x. The authors' rate is 0.02 in the first \
      epoch. awp(…) cannot be around it. Cui et al. 2021.
      """,
    examples: [("lbgat(mlp())", "lbgat(mlp, beta=6)")], seeAlso: ["fit", "trades", "ltd", "rslad"],
    search: ["distillation", "learnable boundary", "guided", "joint training", "teacher"])
  public static let settings: [Setting<LBGAT>] = [
    Setting(
      "teacher", type: "model", expected: "a model",
      note: "the model that is trained along, usually a fresh one; its weights change.", isRequired: true,
      read: { $0.teacher.map { .reference(Learner(model: $0)) } ?? .none },
      write: { lbgat, value in
        guard case .reference(let made) = value, let teacher = made as? Model ?? (made as? Learner)?.model else {
          return false
        }
        lbgat.teacher = teacher
        return true
      },
      check: { (lbgat) throws(CoreError) in
        guard lbgat.teacher == nil else { return }
        throw CoreError(.value, "lbgat needs teacher, a model", argument: "teacher")
      }),
    Setting(
      "beta", \.beta, .atLeastZero(hint: "beta=0 leaves its term out"),
      note: "weight of the divergence; the paper has 0 and 6.", isAlwaysShown: true),
  ]

  /// The model that is trained along; it must be given.
  public var teacher: Model?
  /// The weight of the divergence, at least 0.
  public var beta = 6.0

  public init() {}

  /// A method that trains this teacher along.
  public init(teacher: Model, beta: Double = 6) {
    self.teacher = teacher
    self.beta = beta
  }

  /// The search of TRADES.
  public var inner: InnerMaximisation? { TRADES().inner }
  /// The weights of both models move within the step.
  public var movesWeights: Bool { true }

  /// Checks that the teacher fits the student and can be trained.
  public func validate(for model: Model) throws(CoreError) {
    try requireTeacher(teacher, of: Self.name, for: model)
    do throws(CoreError) { try teacher?.requireTrainable() } catch {
      var error = error
      error.argument = "method"
      throw error
    }
  }

  /// A process with the optimiser of the teacher.
  public func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess {
    Process(try given(teacher, "teacher", of: Self.name), beta: beta)
  }

  private final class Process: TrainingProcess {
    private let teacher: Model
    private let beta: Double
    private var optimiser: (any Optimiser)?
    /// What the optimiser has to begin with, where the run was continued and no step has been made since.
    private var pending: NamedTensors = []

    init(_ teacher: Model, beta: Double) { (self.teacher, self.beta) = (teacher, beta) }

    func loss(_ step: TrainingStep) throws -> StepLoss {
      let adversarial = try step.adversarial()
      let leaves = teacher.trackedParameters()
      let adversarialLogits = try step.forward(adversarial)
      let logits = try step.forward(step.images)
      let answers = try teacher.forward(
        step.images, mode: .train, parameters: leaves, dropout: step.stream(of: "teacher"))
      let distance = try mse(adversarialLogits, answers)
      let own = try step.crossEntropy(answers)
      let robust = try klDivergence(logits, adversarialLogits)
      var loss = StepLoss(
        total: try distance + own + robust * Float(beta),
        parts: [("loss_distance", distance), ("loss_teacher", own), ("loss_robust", robust)], naturalLogits: logits,
        adversarialLogits: adversarialLogits)
      try move(leaves, by: loss, of: step)
      loss.total = loss.total.detached()
      loss.isApplied = true
      return loss
    }

    /// Moves both models.
    private func move(_ leaves: [Tensor], by loss: StepLoss, of step: TrainingStep) throws {
      let optimiser = try self.optimiser ?? begun(step.makeOptimiser())
      self.optimiser = optimiser
      let (rate, momentum) = try step.rates()
      let trained = leaves.indices.filter { leaves[$0].isTracked }
      let found = try step.apply(loss, gradientsOf: trained.map { leaves[$0] })
      var gradients = [Tensor?](repeating: nil, count: leaves.count)
      for (index, gradient) in zip(trained, found) { gradients[index] = gradient }
      try teacher.updateParameters { (weights) throws(CoreError) in
        try optimiser.step(&weights, gradients: gradients, rate: rate, momentum: momentum)
      }
    }

    private func begun(_ optimiser: any Optimiser) throws(CoreError) -> any Optimiser {
      try optimiser.restore(pending)
      pending = []
      return optimiser
    }

    func after(epoch position: TrainingPosition, _ model: Model) throws -> String? {
      guard let damage = teacher.damage else { return nil }
      throw CoreError(
        .numeric, "the weights of the teacher became useless, \(damage), in epoch \(position.epoch + 1)",
        hint: "lower the learning rate, and begin with a fresh teacher and a fresh student", argument: "method")
    }

    var state: NamedTensors {
      get throws(CoreError) {
        let moments = if let optimiser { try optimiser.state } else { pending }
        return teacher.state.map { ("teacher.\($0.name)", $0.tensor) }
          + moments.map { ("optimiser.\($0.name)", $0.tensor) }
      }
    }

    func restore(_ state: NamedTensors) throws(CoreError) {
      func part(_ name: String) -> NamedTensors {
        state.filter { $0.name.hasPrefix(name) }.map { (String($0.name.dropFirst(name.utf8.count)), $0.tensor) }
      }
      try teacher.setState(part("teacher."))
      if let optimiser { try optimiser.restore(part("optimiser.")) } else { pending = part("optimiser.") }
    }
  }
}

/// A model that a run trains along: its weights are part of the state of the run, and not of what the run is.
package struct Learner: SettingReference {
  /// The model.
  package var model: Model

  package var settingName: String { model.settingName }
  package var settingIdentity: String { "\(model.name), trained along: \(model.architecture)" }
  package func isSame(as other: any SettingReference) -> Bool {
    guard let other = other as? Learner else { return false }
    return model.isSame(as: other.model)
  }
}
