import Base
import Datasets
import Devices
import Interpreter
import Networks
import Robustness
import Tensors

/// A training method written in the language: a function that returns the loss of a step.
///
/// It is one configurable value like every method. In each step it calls the function with a `StepObject`, which wraps the
/// step of the core, and reads the loss, or a record with the loss, logits for the accuracies and further numbers for the
/// report. With a start or an objective it has an inner maximisation, and `step.adversarial()` returns its images. Weights
/// can be read and set, in the loss and in a second function that is called once the optimiser has moved them. What it
/// keeps between steps it keeps in `step.state`, a record that is saved with the run, so that a run that continues from a
/// checkpoint has the same bits; variables outside of the function are not saved.
struct LanguageMethod: TrainingMethod {
  static let name = "method"
  static let page = Page(
    "A training method of your own: a function that returns the loss of each step.",
    details: """
      The function is called with a step and returns a loss that depends on the weights. The step has `images`, `labels` and \
      `ids`; `step.forward(x)` returns logits in training mode, of which the loss is made; `step.adversarial()` returns the \
      images that the attack of `fit` finds from `start` by `objective`, and stands before the forwards; \
      `step.maximise(z => values)` returns images for an objective of your own, one value for each row of logits z. A record \
      says more: {loss: …, natural: logits, adversarial: logits}, for the accuracies that are reported, and further numbers \
      by name, for the report. Numbers of the language have double precision: a sum of losses that is reported may differ from \
      that of a built-in method by one rounding of float32; gradients and weights do not.

      `step.epoch` of `step.epochs` and `step.index` of `step.steps`, counted from 1, say where the run stands. \
      `step.parameters` are the weights by name: set in the loss, they are those at which it is taken and from which the \
      optimiser moves on. `step.gradient(f)` is the gradient of a loss f(step) with respect to them, which leaves running \
      statistics alone, and after which the loss is taken with the same images: this is all that AWP needs. `step.state` is a \
      record, {} at first, of numbers, strings, tensors and records of such; it stays from step to step, and is saved with \
      the run. The function `after` is called with the step once the weights have moved: an average of weights is kept in \
      state there, and step.parameters may be set for good. methods.awp and methods.ema show both.
      """,
    examples: [
      (
        """
        smooth = method("smooth", step => {
          z = step.forward(step.images)
          q = 0.9 * one_hot(step.labels, 10) + 0.01
          cross_entropy(z, q)
        })
        len(fit(mlp(hidden=[8]), glyphs(n=64)[0], method=smooth, epochs=2, quiet=true).epochs)
        """, "2"
      ),
      (
        """
        average = method("average", step => cross_entropy(step.forward(step.images), step.labels), after=step => {
          w = step.parameters
          step.state = {mean: if len(step.state) == 0 { w } else { step.state.mean * 0.9 + w * 0.1 }}
          if step.epoch == step.epochs and step.index == step.steps { step.parameters = step.state.mean }
        })
        net = mlp(hidden=[8]); fit(net, glyphs(n=64)[0], method=average, epochs=2, quiet=true).steps
        """, "2"
      ),
    ],
    seeAlso: ["fit", "trades", "pgd_at", "awp", "attack"],
    search: ["custom loss", "own method", "training loss", "ema", "swa", "callback", "weights"])
  static let settings: [Setting<LanguageMethod>] = [
    .label(\.label, hint: "method(\"mine\", loss=f)"),
    .required("loss", type: "function", \.function, note: "step => loss"),
    Setting(
      "after", type: "function | none", expected: "a function", hint: "after=step => …",
      note: "called with the step when the optimiser has moved the weights.",
      read: { $0.after.map { .reference($0) } ?? .none },
      write: { method, value in
        if case .none = value {
          method.after = nil
          return true
        }
        guard case .reference(let reference) = value, let function = reference as? FunctionReference else {
          return false
        }
        method.after = function
        return true
      }),
    .choice(
      "start", \.start,
      note: """
        where the attack begins, unless it says otherwise: "uniform", "normal" or "image". A method with neither start nor \
        objective trains on natural images.
        """),
    .choice("objective", \.objective, note: "what the attack makes large, unless it says otherwise: \"ce\" or \"kl\"."),
    .choice("attack_mode", \.mode, note: "how the model runs while the attack works: \"eval\" or \"train\"."),
  ]

  private var label = ""
  fileprivate var function: FunctionReference?
  fileprivate var after: FunctionReference?
  private var start: AttackStart?
  private var objective: AttackLoss?
  private var mode = Mode.eval

  init() {}

  func validateTogether() throws(CoreError) {
    guard mode == .eval || inner != nil else {
      throw CoreError(
        .value, "a method without an attack runs no model in it: attack_mode would not be used",
        hint: "leave attack_mode out, or pass start=\"uniform\"", argument: "attack_mode")
    }
  }

  var inner: InnerMaximisation? {
    if start == nil, objective == nil { return nil }
    return InnerMaximisation(start: start ?? .uniform, loss: objective ?? .crossEntropy, mode: mode)
  }

  /// A function that is called after the step would see one shard of it.
  var shardObstacle: (reason: String, hint: String)? {
    after.map { _ in ("has a function that is called after each step, with its images", "leave after out, or shards") }
  }

  func begin(_ model: Model, on data: Dataset) throws -> any TrainingProcess { LanguageProcess(self) }

  /// The loss that the function returned.
  fileprivate func loss(_ made: Value, _ step: TrainingStep) throws -> StepLoss {
    guard case .record(let record) = made else { return StepLoss(total: try scalar(made, "loss")) }
    guard let total = record["loss"] else {
      throw CoreError(
        .value, "the record of \(self) has no loss", hint: "{loss: …, natural: logits}", argument: "method")
    }
    var loss = StepLoss(total: try scalar(total, "loss"))
    for (name, value) in record.fields where name != "loss" {
      switch name {
      case "natural": loss.naturalLogits = try logits(value, name, step)
      case "adversarial": loss.adversarialLogits = try logits(value, name, step)
      default: loss.parts.append((name, try scalar(value, name).detached().asType(.float32)))
      }
    }
    return loss
  }

  private func scalar(_ value: Value, _ name: String) throws -> Tensor {
    guard let number = try Tensor.operand(value), number.count == 1 else {
      throw CoreError(
        .type, "the \(name) of \(self) must be a number, not \(value.described)",
        hint: "the last expression of the function is what it returns", argument: "method")
    }
    guard name != "loss" || number.isTracked else {
      throw CoreError(
        .value, "the loss of \(self) does not depend on the weights of the model",
        hint: "make it of step.forward(step.images)", argument: "method")
    }
    return number
  }

  private func logits(_ value: Value, _ name: String, _ step: TrainingStep) throws -> Tensor {
    guard case .object(let object) = value, let logits = (object as? TensorObject)?.tensor,
      logits.shape == [step.labels.count, step.model.classes]
    else {
      throw CoreError(
        .shape,
        "\(name) of \(self) must be logits [\(step.labels.count), \(step.model.classes)], not \(value.described)",
        argument: "method")
    }
    return logits
  }
}

/// A method of the language at work: it calls its functions, and keeps their state.
private final class LanguageProcess: TrainingProcess {
  private let method: LanguageMethod
  private let kept = KeptState()
  /// The step under way, which `after` is called with.
  private var current: StepObject?

  init(_ method: LanguageMethod) { self.method = method }

  func loss(_ step: TrainingStep) throws -> StepLoss {
    guard let function = method.function else {
      throw CoreError(.value, "method needs a function", argument: "method")
    }
    // What `after` may fail at comes when the weights have moved.
    if method.after != nil { try step.hold() }
    let object = StepObject(step, kept) { [method] made in try method.loss(made, step) }
    current = nil
    let loss = try method.loss(function(.object(object)), step)
    object.end()
    if method.after != nil { current = StepObject(after: step, kept) }
    return loss
  }

  func after(step position: TrainingPosition, _ model: Model) throws {
    guard let object = current.take() else { return }
    defer { object.end() }
    _ = try method.after?(.object(object))
  }

  var state: NamedTensors { get throws(CoreError) { try kept.tensors } }
  func restore(_ state: NamedTensors) throws(CoreError) { try kept.restore(state) }
}

/// One step of training as a method written in the language sees it: the images, the forwards and attacks it may ask for,
/// the weights, and what it keeps. It is of use only while the step lasts.
final class StepObject: HostObject {
  /// What there is of the step: nothing when it is over.
  private enum Phase {
    case loss(TrainingStep, read: (Value) throws -> StepLoss)
    case after(Model, Batch)
    case over(Model, Batch)
  }
  private struct Batch {
    var images: Tensor
    var targets: Targets
    var ids: [Int]

    init(_ step: TrainingStep) { (images, targets, ids) = (step.images, step.targets, step.ids) }
  }
  private var phase: Phase
  private let position: TrainingPosition
  private let kept: KeptState

  /// The step while its loss is taken.
  ///
  /// - Parameter read: makes a loss of what a function of the step returns.
  fileprivate init(_ step: TrainingStep, _ kept: KeptState, read: @escaping (Value) throws -> StepLoss) {
    phase = .loss(step, read: read)
    position = step.position
    self.kept = kept
  }

  /// The step when the optimiser has moved the weights; nothing holds these until then.
  fileprivate init(after step: TrainingStep, _ kept: KeptState) {
    phase = .after(step.model, Batch(step))
    position = step.position
    self.kept = kept
  }

  fileprivate func end() {
    switch phase {
    case .loss(let step, _): phase = .over(step.model, Batch(step))
    case .after(let model, let batch): phase = .over(model, batch)
    case .over: break
    }
  }

  private static let forward = CallSignature("forward(x: tensor) -> tensor")
  private static let adversarial = CallSignature("adversarial() -> tensor")
  private static let maximise = CallSignature("maximise(f: function, start: string = \"uniform\") -> tensor")
  private static let gradient = CallSignature("gradient(f: function) -> record")

  override class var typeName: String { "step" }
  override class var typeSummary: String { "One step of training as a method of your own sees it." }
  override class var members: [Member] { own }
  private static let own = [
    Member("images", "tensor", "The images of the batch, [n, c, h, w].") { (object: StepObject) in
      Value(object.batch.images)
    },
    Member("labels", "tensor", "Their classes, [n]; where images are mixed, their distributions [n, classes].") {
      (object: StepObject) in
      switch object.batch.targets {
      case .classes(let labels): Value(try Tensor(ints: labels, shape: [labels.count]))
      case .soft(let rows): Value(rows)
      }
    },
    Member("ids", "tensor", "One number for each, [n], that it keeps in every batch.") { (object: StepObject) in
      let ids = object.batch.ids
      return Value(try Tensor(ints: ids, shape: [ids.count]))
    },
    Member("epoch", "int", "The epoch, counted from 1.") { (object: StepObject) in Value(object.position.epoch + 1) },
    Member("epochs", "int", "The epochs of the run.") { (object: StepObject) in Value(object.position.epochs) },
    Member("index", "int", "The number of the step in its epoch, counted from 1.") { (object: StepObject) in
      Value(object.position.step + 1)
    },
    Member("steps", "int", "The steps of an epoch.") { (object: StepObject) in Value(object.position.stepsPerEpoch) },
    Member(
      "parameters", "record", "The weights by name; some or all of them can be set.",
      set: { (object: StepObject, value) in
        try object.assign(value)
        return true
      },
      { (object: StepObject) in
        let (model, weights) = object.weights
        return Value(fields: zip(model.parameterNames, weights).map { ($0, Value($1)) })
      }),
    Member(
      "statistics", "record", "The running statistics of batch norm by name; some or all of them can be set.",
      set: { (object: StepObject, value) in
        try object.assignStatistics(value)
        return true
      },
      { (object: StepObject) in
        let model = object.weights.model
        return Value(fields: zip(model.bufferNames, model.buffers).map { ($0, Value($1)) })
      }),
    Member(
      "state", "record",
      "What the method keeps from step to step, {} at first; it can be set, and is saved with the run.",
      set: { (object: StepObject, value) in
        try object.requireUnderWay()
        guard case .record = value else { return false }
        try object.kept.set(value)
        return true
      }, { (object: StepObject) in object.kept.value }),
    Member("forward", "function", "Logits in training mode, through which gradients of the weights pass.") {
      (object: StepObject) in
      .object(HostFunction(forward) { call in Value(try object.step("forward").forward(call.tensor("x"))) })
    },
    Member("adversarial", "function", "The images that the attack finds; it stands before the forwards of the loss.") {
      (object: StepObject) in
      .object(HostFunction(adversarial) { _ in Value(try object.step("adversarial").adversarial()) })
    },
    Member("maximise", "function", "Images for an objective of your own: one value for each row of logits.") {
      (object: StepObject) in
      .object(HostFunction(maximise) { call in Value(try object.maximise(call)) })
    },
    Member(
      "gradient", "function",
      "The gradient of a loss f(step) by weights, before the loss itself is taken with the same images."
    ) { (object: StepObject) in
      .object(HostFunction(gradient) { call in try object.gradient(call) })
    },
  ]

  private func isOver() -> LTDError {
    LTDError(
      .value, "the step is over: it answers and changes while its method is called",
      hint: "ask within the loss, or keep a number in step.state")
  }

  /// The step of the core, while the loss is taken.
  private func step(_ name: String) throws -> TrainingStep {
    switch phase {
    case .loss(let step, _): return step
    case .after:
      throw LTDError(
        .value, "the weights have moved: step.\(name) belongs to the loss",
        hint: "net(x) of a model of your own, or move it to the loss")
    case .over: throw isOver()
    }
  }

  private var batch: Batch {
    switch phase {
    case .loss(let step, _): Batch(step)
    case .after(_, let batch), .over(_, let batch): batch
    }
  }

  /// The model, and its weights: leaves of the tape while the loss is taken.
  private var weights: (model: Model, weights: [Tensor]) {
    switch phase {
    case .loss(let step, _): (step.model, step.parameters)
    case .after(let model, _), .over(let model, _): (model, model.parameters)
    }
  }

  private func requireUnderWay() throws {
    if case .over = phase { throw isOver() }
  }

  /// Tensors of a record in the order of names; nil for those that it leaves out.
  private func tensors(_ value: Value, _ names: [String], _ what: String, like own: [Tensor]) throws -> [Tensor?] {
    guard case .record(let record) = value else {
      throw LTDError(
        .type, "\(what) must be a record of tensors, not \(value.described)",
        hint: "step.parameters = step.parameters * 0.9")
    }
    var tensors = [Tensor?](repeating: nil, count: names.count)
    let places = Dictionary(names.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
    for (name, value) in record.fields {
      guard let place = places[name] else {
        throw LTDError(.value, "the model has no '\(name)' among its \(what)", hint: "keys(step.\(what)) lists them")
      }
      guard let tensor = try Tensor.operand(value)?.detached(), tensor.shape == own[place].shape,
        tensor.dtype == own[place].dtype
      else {
        throw LTDError(
          .shape,
          "'\(name)' of \(what) must be \(own[place].dtype.shortName) \(own[place].shape), not \(value.described)")
      }
      tensors[place] = tensor
    }
    return tensors
  }

  private func assign(_ value: Value) throws {
    try requireUnderWay()
    let (model, own) = weights
    let new = try tensors(value, model.parameterNames, "parameters", like: own)
    if case .loss(let step, _) = phase { return try step.assign(new) }
    try model.setParameters(zip(own, new).map { $1 ?? $0 })
  }

  private func assignStatistics(_ value: Value) throws {
    try requireUnderWay()
    let model = weights.model
    let new = try tensors(value, model.bufferNames, "statistics", like: model.buffers)
    try model.setBuffers(zip(model.buffers, new).map { $1 ?? $0 })
  }

  private func gradient(_ call: Call) throws -> Value {
    let step = try step("gradient")
    guard case .loss(_, let read) = phase else { throw isOver() }
    let f = try call["f"]
    let before = kept.value
    let gradients = try step.rehearse { try read(call.invoke(f, [.object(self)])) }
    // The loss is taken again: what it keeps is kept then.
    try kept.set(before)
    return Value(
      fields: zip(step.model.parameterNames, gradients).compactMap { name, gradient in
        gradient.map { (name, Value($0)) }
      })
  }

  private func maximise(_ call: Call) throws -> Tensor {
    let f = try call["f"]
    let start = try call.optionalChoice("start", AttackStart.self) ?? .uniform
    return try step("maximise").maximise(start: start) { logits, examples in
      let values = try call.invoke(f, [Value(logits)])
      guard case .object(let object) = values, let tensor = (object as? TensorObject)?.tensor,
        tensor.shape == [examples.count]
      else {
        throw call.error(
          .shape, "f must return a value for each row, [\(examples.count)], not \(values.described)", at: "f")
      }
      return tensor
    }
  }
}

extension Call {
  /// One of the words of a setting; nil for none.
  func optionalChoice<Choice: SettingChoice>(_ name: String, _ type: Choice.Type) throws -> Choice? {
    try self[name].isNone ? nil : choice(name, Choice.allCases.map { ($0.rawValue, $0) })
  }
}
