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
  override var members: [String] { ["architecture", "classes", "input", "name", "parameters", "size"] }
  override var callSignature: CallSignature? { Self.signature }

  override func call(_ call: Call) throws(LTDError) -> Value {
    let images = try call.object("x", as: TensorObject.self).tensor
    return Value(try attempt { () throws(CoreError) in try model(images) })
  }

  override func attribute(_ name: String) throws(LTDError) -> Value? {
    switch name {
    case "name": Value(model.name)
    case "architecture": Value("\(model.architecture)")
    case "classes": Value(model.classes)
    case "input": Value(model.architecture.input)
    case "size": Value(model.parameterCount)
    case "parameters": Value(fields: model.state.map { ($0.name, Value($0.tensor)) })
    default: nil
    }
  }

  override func setAttribute(_ name: String, to value: Value, isUnique: Bool) throws(LTDError) -> HostObject? {
    guard name == "name", let text = value.asString else { return nil }
    model.name = text
    return self
  }

  override func shortText(_ options: PrintOptions) -> String { "<model \(model.name)>" }
  override func text(_ options: PrintOptions) -> String { "model \(model)" }
}
