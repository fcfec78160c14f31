import Base
import Devices
import Interpreter
import Networks
import Tensors

/// A model in the language: a reference, so that `fit(model, …)` changes it. `model(x)` returns logits.
final class ModelObject: HostObject, SettingSource {
  let model: Model
  /// The weights as leaves with respect to which `grad` takes the gradient; nil except in the model that `grad` hands to
  /// its function.
  let tracked: [Tensor]?

  init(_ model: Model, tracked: [Tensor]? = nil) {
    self.model = model
    self.tracked = tracked
  }

  var settingValue: SettingValue { .reference(model) }

  private static let signature = CallSignature(
    "model(x: tensor, train: bool = false, seed: int = 0, draw: int = 0) -> tensor")

  override func save(to out: ObjectWriter) throws(CoreError) {
    guard tracked == nil else { throw CoreError(.value, "a model that a gradient is taken of cannot be kept") }
    out.kind = "model"
    out.write(model)
  }
  override var restorePoint: (any RestorePoint)? { ModelRestorePoint(model) }
  override var byteCount: Int { ModelRestorePoint(model).byteCount }

  override class var typeName: String { "model" }
  override var summary: String { "model \(model.name)" }
  override class var typeSummary: String { "A network with its weights: a function of images." }
  override class var members: [Member] { own }
  private static let own = [
    Member("architecture", "string", "The call that makes a model like it, with fresh weights.") {
      (object: ModelObject) in
      Value(object.model.architecture.call)
    },
    Member("classes", "int", "How many logits it returns for an image.") { (object: ModelObject) in
      Value(object.model.classes)
    },
    Member("fingerprint", "string", "16 hexadecimal digits of architecture, temperature and every bit of the weights.")
    {
      (object: ModelObject) in
      Value(object.model.fingerprint)
    },
    Member("frozen", "list[string]", "The names of the weights that training leaves as they are.") {
      (object: ModelObject) in
      Value(object.model.frozenParameters.map { Value(object.model.parameterNames[$0]) })
    },
    Member("input", "list[int]", "The shape of one image: [channels, height, width].") { (object: ModelObject) in
      Value(object.model.architecture.input)
    },
    Member("layers", "layer", "Its layers without weights, for a network like it.") { (object: ModelObject) in
      Value(LayerObject(built: try object.model.architecture.network()))
    },
    Member(
      "name", "string", "What it is called in messages and tables; it can be set.",
      set: { (object: ModelObject, value) in
        guard let text = value.asString else { return false }
        object.model.name = text
        return true
      },
      { (object: ModelObject) in Value(object.model.name) }),
    Member(
      "parameters", "record", "Weights and running statistics by name; they can be set, all at once or one by one.",
      set: { (object: ModelObject, value) in
        try object.assign(value)
        return true
      },
      { (object: ModelObject) in
        let model = object.model
        let weights = zip(model.parameterNames, object.tracked ?? model.parameters).map { ($0, Value($1)) }
        return Value(fields: weights + zip(model.bufferNames, model.buffers).map { ($0, Value($1)) })
      }),
    Member(
      "is_random", "bool",
      "Whether it answers at random: it has a layer gaussian_noise. net(x) is then draw 0, net(x, draw=1) another."
    ) { (object: ModelObject) in Value(object.model.isRandom) },
    Member("size", "int", "How many weights are trained.") { (object: ModelObject) in Value(object.model.parameterCount)
    },
    Member("source", "record | none", "The file that its weights were read from, and what was decided then.") {
      (object: ModelObject) in
      object.model.source.map { Value($0) } ?? .none
    },
    Member("training", "list[record]", "The runs of fit that its weights have had since they were made or read.") {
      (object: ModelObject) in
      Value(object.model.training.map { Value($0) })
    },
    Member("temperature", "float", "What its logits are divided by; at(net, T=…) sets another.") {
      (object: ModelObject) in
      Value(object.model.temperature.asTyped)
    },
  ]
  override var callSignature: CallSignature? { Self.signature }

  override func call(_ call: Call) throws -> Value {
    let images = try call.object("x", as: TensorObject.self).tensor
    guard try call.bool("train") || !call.isGiven("seed") else {
      throw call.error(
        .value, "without train=true nothing is drawn at random: seed would not be used",
        hint: "net(x, train=true, seed=1), or leave seed out", at: "seed")
    }
    let draw = try call.draw(of: model)
    guard try call.bool("train") else {
      return Value(try model.forward(images, mode: .eval, parameters: tracked, draws: draw))
    }
    guard !call.isGiven("draw") else {
      throw call.error(
        .value, "in training noise is drawn by the seed: draw would not be used", hint: "seed=1, or leave draw out",
        at: "draw")
    }
    let dropout = RandomStream(seed: try call.seed("seed"), purpose: "dropout")
    return Value(try model.forward(images, mode: .train, parameters: tracked, dropout: dropout))
  }

  /// In evaluation mode, with the weights that are tracked, if any.
  func logits(_ images: Tensor) throws -> Tensor {
    try model.forward(images, mode: .eval, parameters: tracked)
  }

  /// Sets all weights and running statistics to the tensors of a record, or none of them.
  private func assign(_ value: Value) throws {
    guard tracked == nil else {
      throw LTDError(
        .value, "the weights of a model cannot be set while a gradient is taken with respect to them",
        hint: "set them outside of the function that grad is handed")
    }
    guard case .record(let record) = value else {
      throw LTDError(
        .type, "parameters of a model must be a record of tensors, not \(value.described)",
        hint: "net.parameters = other.parameters")
    }
    var tensors: [(name: String, tensor: Tensor)] = []
    for (name, value) in record.fields {
      guard let tensor = try Tensor.operand(value) else {
        throw LTDError(.type, "'\(name)' of parameters must be a tensor, not \(value.described)")
      }
      tensors.append((name, tensor.detached()))
    }
    try model.assign(tensors)
  }

  override func shortText(_ options: PrintOptions) -> String { "<model \(model.name)>" }

  override func page(_ options: PrintOptions) -> String? { ModelPage(model).text(width: options.width) }

  override func text(_ options: PrintOptions) -> String {
    guard case .custom(let layer) = model.architecture.design else { return "model \(model)" }
    var title = "model \(model.name), \(model.parameterCount) weights, for images \(model.architecture.input)"
    if let normalisation = model.architecture.normalisation {
      title += ", mean \(normalisation.mean), std \(normalisation.std)"
    }
    let layers = LayerObject(built: layer).text(options).split(separator: "\n")
    return ([title] + layers.map { "  " + $0 }).joined(separator: "\n")
  }
}

extension Value {
  /// A run of training, as a record.
  fileprivate init(_ pass: TrainingPass) {
    self.init(fields: [
      ("method", Value(pass.method)), ("attack", pass.attack.map { Value($0) } ?? .none), ("data", Value(pass.data)),
      ("examples", Value(pass.examples)), ("epochs", Value(pass.epochs)), ("steps", Value(pass.steps)),
      ("interrupted", Value(pass.isInterrupted)),
    ])
  }

  /// Where weights come from, as a record.
  fileprivate init(_ source: ModelSource) {
    self.init(fields: [
      ("path", Value(source.path)), ("format", Value(source.format)), ("key", Value(source.key)),
      ("prefix", Value(source.prefix)), ("decided_by", Value(source.decision.rawValue)),
      ("known_as", source.known.map { Value($0.name) } ?? .none), ("notes", Value(source.remarks)),
    ])
  }
}
