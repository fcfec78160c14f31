import Base
import Datasets
import Networks
import Tensors

/// A training method with teachers: models whose answers it learns from and which it leaves as they are.
///
/// What holds for every teacher is said here once. It is another model with the images and classes of the student, and
/// its weights are finite; it runs in evaluation mode, always; and it must not change while the run lasts, which the
/// process checks by fingerprints, at the end of each epoch and when a run is continued elsewhere. A method of this
/// kind keeps nothing else between steps, unless it begins a process of its own.
public protocol TaughtMethod: TrainingMethod {
  /// The teachers with the names of their settings.
  var teachers: [(name: String, model: Model?)] { get }
  /// How soft the labels are.
  var softening: Temperature { get }
  /// The loss of a step, from its tracked forwards; the images must be found before them.
  func loss(_ step: TrainingStep) throws -> StepLoss
}

extension TaughtMethod {
  /// Checks the teachers and the temperature.
  public func validate(for model: Model) throws(CoreError) { try requireTeachers(for: model) }

  /// Checks that the teachers fit the student: other models with the same images and classes, whose weights are finite;
  /// and that labels of so many classes can be as soft as asked for.
  func requireTeachers(for student: Model) throws(CoreError) {
    for (name, teacher) in teachers { try requireTeacher(teacher, name, of: Self.name, for: student) }
    do throws(CoreError) { try softening.validate(classes: student.classes) } catch {
      var error = error
      error.argument = "method"
      throw error
    }
  }

  /// A process that asks the method itself for each loss, and watches its teachers.
  public func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess { TaughtProcess(self) }
}

/// Checks that a teacher can teach a student.
///
/// - Parameters:
///   - name: of the setting that holds the teacher: "teacher".
///   - method: whose setting it is: "ltd".
/// - Throws: `value` where there is none or it is the student itself, `shape` where images or classes are others,
///   `numeric` where its weights are not finite; the argument is "method".
func requireTeacher(
  _ teacher: Model?, _ name: String = "teacher", of method: String, for student: Model
) throws(CoreError) {
  let teacher = try given(teacher, name, of: method)
  let role = name == "teacher" ? "the teacher" : "the \(name) teacher"
  guard !teacher.sharesWeights(with: student) else {
    throw CoreError(
      .value, "a model cannot be its own teacher", hint: "give a copy of it as the teacher: copy(model)",
      argument: "method")
  }
  guard teacher.classes == student.classes, teacher.architecture.input == student.architecture.input else {
    throw CoreError(
      .shape,
      "\(role) reads \(teacher.architecture.input) and knows \(teacher.classes) classes, the student reads \(student.architecture.input) and knows \(student.classes)",
      hint: "make the student for the images and classes of its teacher", argument: "method")
  }
  if let damage = teacher.damage {
    throw CoreError(
      .numeric, "\(role) \(teacher.name) cannot give labels: \(damage)", hint: "train it anew, or load it again",
      argument: "method")
  }
}

/// The model of a setting that must be given.
func given(_ model: Model?, _ name: String, of method: String) throws(CoreError) -> Model {
  guard let model else { throw CoreError(.value, "\(method) needs \(name), a model", argument: "method") }
  return model
}

/// Sees to it that teachers stay as they are while a run lasts.
///
/// Fingerprints are taken of all bits of the weights, which is quick beside an epoch; the state of a run has them, so that
/// a run is not continued with another teacher than it began with.
final class Watch: Resumable {
  private let teachers: [(name: String, model: Model)]
  private let fingerprints: [UInt64]

  init(_ teachers: [(name: String, model: Model?)]) {
    self.teachers = teachers.compactMap { teacher in teacher.model.map { (teacher.name, $0) } }
    fingerprints = self.teachers.map { UInt64($0.model.fingerprint, radix: 16) ?? 0 }
  }

  /// Checks that no teacher has changed.
  ///
  /// - Throws: `value` with the name of the one that has.
  func check() throws(CoreError) {
    for (teacher, before) in zip(teachers, fingerprints) where UInt64(teacher.model.fingerprint, radix: 16) != before {
      throw CoreError(
        .value,
        "the \(teacher.name) of this run, \(teacher.model.name), has changed while it taught: its labels are of several models",
        hint: "train the student anew, with a teacher that nothing else trains: copy(\(teacher.model.name))",
        argument: "method")
    }
  }

  var state: NamedTensors {
    get throws(CoreError) {
      var state: NamedTensors = []
      for (teacher, print) in zip(teachers, fingerprints) {
        state.append((teacher.name, try Tensor(ints: [Int(truncatingIfNeeded: print)], shape: [])))
      }
      return state
    }
  }

  func restore(_ state: NamedTensors) throws(CoreError) {
    guard state.map(\.name) == teachers.map(\.name) else {
      throw CoreError(.value, "this is the state of a run with other teachers")
    }
    for (i, (name, tensor)) in state.enumerated() {
      guard tensor.dtype == .int64, tensor.count == 1, let number = tensor.ints().first else {
        throw CoreError(.shape, "'\(name)' of a training run must be one whole number")
      }
      guard UInt64(truncatingIfNeeded: number) == fingerprints[i] else {
        throw CoreError(
          .value,
          "the \(name) \(teachers[i].model.name) is not the one with which the run began: its weights are others",
          hint: "load the same teacher again", argument: "method")
      }
    }
  }
}

/// The process of a method that keeps nothing but a watch on its teachers.
private final class TaughtProcess<Method: TaughtMethod>: TrainingProcess {
  private let method: Method
  private let watch: Watch

  init(_ method: Method) {
    self.method = method
    watch = Watch(method.teachers)
  }

  func loss(_ step: TrainingStep) throws -> StepLoss { try method.loss(step) }

  func after(epoch position: TrainingPosition, _ model: Model) throws -> String? {
    try watch.check()
    return nil
  }

  var state: NamedTensors { get throws(CoreError) { try watch.state } }
  func restore(_ state: NamedTensors) throws(CoreError) { try watch.restore(state) }
}

/// A taught method whose loss is made of images that it finds first, so that `igdm` can add to it.
public protocol DistillationMethod: TaughtMethod {
  /// The teacher whose answers to adversarial images count.
  var teacher: Model? { get }
  /// The adversarial images of the step.
  func perturbed(_ step: TrainingStep) throws -> Tensor
  /// The loss with these adversarial images.
  func loss(_ step: TrainingStep, at adversarial: Tensor) throws -> StepLoss
}

extension DistillationMethod {
  /// The loss with the images that the method finds.
  public func loss(_ step: TrainingStep) throws -> StepLoss { try loss(step, at: perturbed(step)) }
  /// The one teacher.
  public var teachers: [(name: String, model: Model?)] { [("teacher", teacher)] }
}

extension TrainingStep {
  /// The logits [n, classes] of a teacher for the natural images, in evaluation mode; no gradient flows to either. They
  /// are found once in a step, however often they are asked for, and once in a run where no augmentation changes the
  /// images.
  ///
  /// - Throws: `numeric` where they are not finite.
  func taught(by teacher: Model) throws -> Tensor {
    if let known = answers[ObjectIdentifier(teacher)] { return known }
    let logits =
      try self.known.map { known in
        try known.answers.logits(of: teacher, at: known.positions) { try answer(of: teacher, images) }
      } ?? answer(of: teacher, images)
    answers[ObjectIdentifier(teacher)] = logits
    return logits
  }

  /// The logits [n, classes] of a teacher for other images; they are found anew for each place of a loss that asks.
  ///
  /// - Throws: `numeric` where they are not finite.
  func taught(by teacher: Model, at images: Tensor) throws -> Tensor {
    try once { try answer(of: teacher, images) }
  }

  private func answer(of teacher: Model, _ images: Tensor) throws -> Tensor {
    try StopSignal.poll()
    let logits = try teacher(images.detached())
    try requireFinite(logits, of: teacher)
    return logits.detached()
  }

  /// Tracked logits [n, classes] in training mode of a forward that leaves the running statistics of batch norm where they
  /// are, unless they shall move.
  func forward(_ images: Tensor, movesStatistics: Bool) throws -> Tensor {
    guard !movesStatistics else { return try forward(images) }
    let buffers = model.buffers
    let logits = try forward(images)
    try model.setBuffers(buffers)
    return logits
  }
}

// MARK: - Divergences

/// How a divergence of distributions becomes one number.
public enum DivergenceMean: String, SettingChoice {
  /// The mean over batch and classes, which is what several codes have, since that is PyTorch's default.
  case overClasses = "mean"
  /// The sum over the classes, averaged over the batch: the divergence itself.
  case overBatch = "batchmean"

  /// The mean of divergences [n] of distributions of so many classes.
  func callAsFunction(_ divergences: Tensor, classes: Int) throws(CoreError) -> Tensor {
    switch self {
    case .overBatch: try divergences.mean()
    case .overClasses: try divergences.sum() / (Float(divergences.count) * Float(max(classes, 1)))
    }
  }
}

/// KL(q ‖ p) of each example, [n], from logarithms [n, classes] of both; finite where probabilities underflow.
func divergences(_ logQ: Tensor, _ logP: Tensor) throws(CoreError) -> Tensor {
  try (logQ.exp() * (logQ - logP)).sum(axes: [1])
}

extension Temperature {
  /// KL(q ‖ p) of each example, [n], where q is a teacher's softmax at this temperature and p a student's at 1.
  ///
  /// - Parameters:
  ///   - student: tracked logits [n, classes].
  ///   - teacher: logits [n, classes].
  func divergences(
    of student: Tensor, from teacher: Tensor, at position: TrainingPosition
  ) throws(CoreError) -> Tensor {
    try Robustness.divergences(softness(of: teacher, at: position).logSoftmax(teacher), student.logSoftmax())
  }

  /// KL(q ‖ p) of each example, [n], both softmax at this temperature, and the softness of the student.
  func sharedDivergences(
    of student: Tensor, from teacher: Tensor, at position: TrainingPosition
  ) throws(CoreError) -> (losses: Tensor, softness: Softness) {
    let softness = try softness(of: teacher, at: position)
    let own = try self.softness(of: student, taughtBy: softness, at: position)
    return (try Robustness.divergences(softness.logSoftmax(teacher), own.logSoftmax(student)), own)
  }

  /// H(q, p) of each example, [n], both softmax at this temperature, and the softness of the student.
  func sharedCrossEntropies(
    of student: Tensor, with teacher: Tensor, at position: TrainingPosition
  ) throws(CoreError) -> (losses: Tensor, softness: Softness) {
    let softness = try softness(of: teacher, at: position)
    let own = try self.softness(of: student, taughtBy: softness, at: position)
    return (try (softness.softmax(teacher) * own.logSoftmax(student)).sum(axes: [1]).neg(), own)
  }
}

extension Tensor {
  /// The rows of these examples; the tensor itself for all of them in order.
  func rows(of examples: [Int]) throws(CoreError) -> Tensor {
    examples.elementsEqual(0..<shape[0]) ? self : try indexSelect(axis: 0, examples)
  }
}

extension Setting {
  /// The teacher of a method, which must be given.
  static func teacher(
    _ path: WritableKeyPath<Owner, Model?> & Sendable, named name: String = "teacher", note: String
  ) -> Setting {
    .required(name, type: "model", path, note: note)
  }
}
