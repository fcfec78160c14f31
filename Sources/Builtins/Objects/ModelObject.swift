import Base
import Interpreter
import Networks
import Tensors

/// A model in the language: a reference, so that `fit(model, …)` changes it. `model(x)` gives logits.
final class ModelObject: HostObject {
  let model: Model
  /// The weights as leaves of which `grad` takes the gradient; nil but for the model that `grad` hands to its function.
  let tracked: [Tensor]?

  init(_ model: Model, tracked: [Tensor]? = nil) {
    self.model = model
    self.tracked = tracked
  }

  private static let signature = CallSignature("model(x: tensor, train: bool = false, seed: int = 0) -> tensor")

  override var typeName: String { "model" }
  override var summary: String { "model \(model.name)" }
  override var members: [String] {
    ["architecture", "classes", "input", "layers", "name", "parameters", "size", "temperature"]
  }
  override var callSignature: CallSignature? { Self.signature }

  override func call(_ call: Call) throws -> Value {
    let images = try call.object("x", as: TensorObject.self).tensor
    guard try call.bool("train") || !call.isGiven("seed") else {
      throw call.error(
        .value, "without train=true nothing is drawn at random: seed would not be used",
        hint: "net(x, train=true, seed=1), or leave seed out", at: "seed")
    }
    guard try call.bool("train") else { return Value(try logits(images)) }
    let dropout = RandomStream(seed: try call.seed("seed"), purpose: "dropout")
    return Value(try model.forward(images, mode: .train, parameters: tracked, dropout: dropout))
  }

  /// In evaluation mode, with the weights that are tracked, if any.
  func logits(_ images: Tensor) throws -> Tensor {
    try model.forward(images, mode: .eval, parameters: tracked)
  }

  override func attribute(_ name: String) throws -> Value? {
    switch name {
    case "name": return Value(model.name)
    case "architecture": return Value(model.architecture.call)
    case "classes": return Value(model.classes)
    case "input": return Value(model.architecture.input)
    case "layers":
      let layers = try model.architecture.network()
      return Value(LayerObject(built: layers))
    case "size": return Value(model.parameterCount)
    case "temperature": return Value(model.temperature.asTyped)
    case "parameters":
      let weights = zip(model.parameterNames, tracked ?? model.parameters).map { ($0, Value($1)) }
      return Value(fields: weights + zip(model.bufferNames, model.buffers).map { ($0, Value($1)) })
    default: return nil
    }
  }

  override func setAttribute(_ name: String, to value: Value, isUnique: Bool) throws -> HostObject? {
    guard name == "name", let text = value.asString else { return nil }
    model.name = text
    return self
  }

  override func shortText(_ options: PrintOptions) -> String { "<model \(model.name)>" }

  override func text(_ options: PrintOptions) -> String {
    guard case .custom(let layer) = model.architecture.family else { return "model \(model)" }
    var title = "model \(model.name), \(model.parameterCount) weights, for images \(model.architecture.input)"
    if let normalisation = model.architecture.normalisation {
      title += ", mean \(normalisation.mean), std \(normalisation.std)"
    }
    let layers = LayerObject(built: layer).text(options).split(separator: "\n")
    return ([title] + layers.map { "  " + $0 }).joined(separator: "\n")
  }
}
