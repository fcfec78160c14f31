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
/// report. With a start or an objective it has an inner maximisation, and `step.adversarial()` returns its images. It keeps
/// nothing between steps, so that a run that continues from a checkpoint has the same bits.
struct LanguageMethod: StatelessMethod {
  static let name = "method"
  static let page = Page(
    "A training method of your own: a function that returns the loss of each step.",
    details: """
      The function is called with a step and returns a loss that depends on the weights. The step has `images`, `labels` and \
      `ids`; `step.forward(x)` returns logits in training mode, of which the loss is made; `step.adversarial()` returns the \
      images that the attack of `fit` finds from `start` by `objective`, and stands before the forwards; \
      `step.maximise(z => values)` returns images for an objective of your own, one value for each row of logits z. A record \
      says more: {loss: …, natural: logits, adversarial: logits}, for the accuracies that are reported, and further numbers \
      by name, for the report.
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
      )
    ],
    seeAlso: ["fit", "trades", "pgd_at", "attack"], search: ["custom loss", "own method", "training loss"])
  static let settings: [Setting<LanguageMethod>] = [
    .label(\.label, hint: "method(\"mine\", loss=f)"),
    .required("loss", type: "function", \.function, note: "step => loss"),
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
  private var function: FunctionReference?
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

  func loss(_ step: TrainingStep) throws -> StepLoss {
    guard let function else { throw CoreError(.value, "method needs a function", argument: "method") }
    let made = try function(.object(StepObject(step)))
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

/// One step of training as a method written in the language sees it: the images, and the forwards and attacks it may ask
/// for. It is of use only while the step lasts.
final class StepObject: HostObject {
  private let step: TrainingStep

  init(_ step: TrainingStep) { self.step = step }

  private static let forward = CallSignature("forward(x: tensor) -> tensor")
  private static let adversarial = CallSignature("adversarial() -> tensor")
  private static let maximise = CallSignature("maximise(f: function, start: string = \"uniform\") -> tensor")

  override class var typeName: String { "step" }
  override class var typeSummary: String { "One step of training as a method of your own sees it." }
  override class var members: [Member] { own }
  private static let own = [
    Member("images", "tensor", "The images of the batch, [n, c, h, w].") { (object: StepObject) in
      Value(object.step.images)
    },
    Member("labels", "tensor", "Their classes, [n]; where images are mixed, their distributions [n, classes].") {
      (object: StepObject) in
      switch object.step.targets {
      case .classes(let labels): Value(try Tensor(ints: labels, shape: [labels.count]))
      case .soft(let rows): Value(rows)
      }
    },
    Member("ids", "tensor", "One number for each, [n], that it keeps in every batch.") { (object: StepObject) in
      Value(try Tensor(ints: object.step.ids, shape: [object.step.ids.count]))
    },
    Member("forward", "function", "Logits in training mode, through which gradients of the weights pass.") {
      (object: StepObject) in
      .object(HostFunction(forward) { call in Value(try object.step.forward(call.tensor("x"))) })
    },
    Member("adversarial", "function", "The images that the attack finds; it stands before the forwards of the loss.") {
      (object: StepObject) in
      .object(HostFunction(adversarial) { _ in Value(try object.step.adversarial()) })
    },
    Member("maximise", "function", "Images for an objective of your own: one value for each row of logits.") {
      (object: StepObject) in
      .object(HostFunction(maximise) { call in Value(try object.maximise(call)) })
    },
  ]

  private func maximise(_ call: Call) throws -> Tensor {
    let f = try call["f"]
    let start = try call.optionalChoice("start", AttackStart.self) ?? .uniform
    return try step.maximise(start: start) { logits, examples in
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
