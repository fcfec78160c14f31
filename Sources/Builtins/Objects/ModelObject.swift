import Interpreter
import Networks
import Tensors

/// A model in the language: a reference, so that `fit(model, …)` changes it. `model(x)` gives logits.
final class ModelObject: HostObject {
  let model: Model

  init(_ model: Model) { self.model = model }

  private static let signature = CallSignature("model(x: tensor) -> tensor")

  override var typeName: String { "model" }
  override var summary: String { "model \(model.name)" }
  override var members: [String] {
    ["architecture", "classes", "input", "layers", "name", "parameters", "size", "temperature"]
  }
  override var callSignature: CallSignature? { Self.signature }

  override func call(_ call: Call) throws(LTDError) -> Value {
    let images = try call.object("x", as: TensorObject.self).tensor
    return Value(try attempt { () throws(CoreError) in try model(images) })
  }

  override func attribute(_ name: String) throws(LTDError) -> Value? {
    switch name {
    case "name": return Value(model.name)
    case "architecture": return Value("\(model.architecture)")
    case "classes": return Value(model.classes)
    case "input": return Value(model.architecture.input)
    case "layers":
      let layers = try attempt { () throws(CoreError) in try model.architecture.network() }
      return Value(LayerObject(built: layers))
    case "size": return Value(model.parameterCount)
    case "temperature": return Value(model.temperature.shortestDouble)
    case "parameters": return Value(fields: model.state.map { ($0.name, Value($0.tensor)) })
    default: return nil
    }
  }

  override func setAttribute(_ name: String, to value: Value, isUnique: Bool) throws(LTDError) -> HostObject? {
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
