import Base
import Interpreter
import Networks
import Robustness
import Tensors

/// Stochastic gradient descent of one model: a reference that keeps the momentum. `step(gradient)` changes the model.
final class OptimiserObject: HostObject {
  private let model: Model
  private var optimiser: Optimiser

  init(_ model: Model, _ settings: SGD) {
    self.model = model
    optimiser = Optimiser(settings)
  }

  private static let signature = CallSignature("step(gradient: record, lr: float | none = none) -> none")

  override class var typeName: String { "optimiser" }
  override class var typeSummary: String { "What moves the weights of one model: a function of a gradient." }
  override class var members: [Member] { own }
  private static let own = [
    setting("lr", "The learning rate.", \.learningRate),
    setting("momentum", "The share of the last step that continues.", \.momentum),
    setting("weight_decay", "The share of each weight that is added to its gradient.", \.weightDecay),
  ]
  private static func setting(
    _ name: String, _ summary: String, _ path: KeyPath<SGD, Float> & Sendable
  ) -> Member {
    Member(name, "float", summary) { (object: OptimiserObject) in
      Value(object.optimiser.settings[keyPath: path].asTyped)
    }
  }
  override var callSignature: CallSignature? { Self.signature }

  override func call(_ call: Call) throws -> Value {
    let record = try call.record("gradient")
    var gradients: [Tensor] = []
    for (name, weight) in zip(model.parameterNames, model.parameters) {
      guard case .object(let object)? = record[name], let gradient = (object as? TensorObject)?.tensor else {
        throw call.error(
          .value, "the gradient of \(model.name) has no \(name)", hint: "grad(m => loss(m), model) gives a whole one",
          at: "gradient")
      }
      guard gradient.shape == weight.shape, gradient.dtype == .float32 else {
        throw call.error(
          .shape, "the gradient of \(name) is f32 \(weight.shape), not \(gradient.dtype.shortName) \(gradient.shape)",
          at: "gradient")
      }
      gradients.append(gradient)
    }
    if let rate = try call.optionalFloat("lr") {
      try requireOptimiser(rate, momentum: 0, weightDecay: 0, of: "step")
      optimiser.settings.learningRate = Float(rate)
    }
    try model.updateParameters { (weights) throws(CoreError) in try optimiser.step(&weights, gradients: gradients) }
    return .none
  }

  override func shortText(_ options: PrintOptions) -> String {
    let settings = optimiser.settings
    return
      "sgd(\(model.name), lr=\(settings.learningRate), momentum=\(settings.momentum), weight_decay=\(settings.weightDecay))"
  }
}
