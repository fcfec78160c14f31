import Base
import Devices
import Interpreter
import Networks
import Tensors

/// An optimiser: of one model, a reference that keeps what it remembers from step to step, so that `step(gradient)`
/// changes the model; without a model, settings for `fit`.
final class OptimiserObject: HostObject {
  let settings: any OptimiserSettings
  private let bound: (model: Model, optimiser: any Optimiser)?
  private var rate: Double?

  /// Settings for `fit`.
  init(_ settings: any OptimiserSettings) {
    self.settings = settings
    bound = nil
  }

  /// An optimiser of a model.
  init(_ model: Model, _ settings: any OptimiserSettings, _ rate: Double) {
    self.settings = settings
    self.rate = rate
    bound = (model, settings.makeOptimiser())
  }

  /// Whether it moves the weights of one model, and cannot be that of `fit`.
  var isBound: Bool { bound != nil }

  private static let signature = CallSignature("step(gradient: record, lr: float | none = none) -> none")

  override func save(to out: ObjectWriter) throws(CoreError) {
    out.kind = "optimiser"
    try out.write(settings)
    out.write(bound != nil)
    guard let (model, optimiser) = bound, let rate else { return }
    out.write(model)
    let point = out.restorePoint(of: self) as? OptimiserRestorePoint
    out.write(rate)
    out.write(point?.rate ?? rate)
    if let point { out.write(point.state) } else { out.write(try optimiser.state) }
  }
  override var restorePoint: (any RestorePoint)? {
    guard let rate, let state = try? bound?.optimiser.state else { return nil }
    return OptimiserRestorePoint(self, rate: rate, state: state)
  }
  override var parts: [Value] { bound.map { [Value(ModelObject($0.model))] } ?? [] }
  override var byteCount: Int {
    ((try? bound?.optimiser.state) ?? []).reduce(0) { $0 + $1.tensor.count * $1.tensor.dtype.stride }
  }

  /// Sets what it remembers.
  func take(rate: Double, state: NamedTensors) throws(CoreError) {
    self.rate = rate
    try bound?.optimiser.restore(state)
  }

  /// Whether it remembers still that, without looking at a number.
  func isStill(rate: Double, state: NamedTensors) -> Bool {
    guard rate == self.rate, let now = try? bound?.optimiser.state, now.count == state.count else { return false }
    return zip(now, state).allSatisfy { $0.name == $1.name && $0.tensor.storage === $1.tensor.storage }
  }

  override class var typeName: String { "optimiser" }
  override class var typeSummary: String { "What moves weights: of one model, a function of a gradient; or for fit." }
  override class var members: [Member] { own }
  private static let own =
    [
      Member("lr", "float | none", "The learning rate; none where it is that of fit.") { (object: OptimiserObject) in
        object.rate.map { Value($0) } ?? .none
      }
    ]
    + membersOfSettings

  /// The settings of all kinds of optimisers, each name once; an optimiser without the setting answers `none`.
  private static var membersOfSettings: [Member] {
    let kinds = Optimisers.all.map { settings(of: $0) }
    var names: Set<String> = []
    return kinds.joined().filter { names.insert($0.name).inserted }.map { name, type, note in
      let isEverywhere = type.hasSuffix("none") || kinds.allSatisfy { $0.contains { $0.name == name } }
      let sentence = note.prefix(1).uppercased() + note.dropFirst()
      return Member(name, isEverywhere ? type : "\(type) | none", sentence) { (object: OptimiserObject) in
        Value(object.settings[setting: name] ?? .none)
      }
    }
  }

  private static func settings<Settings: OptimiserSettings>(
    of kind: Settings.Type
  ) -> [(name: String, type: String, note: String)] {
    kind.settings.map { ($0.name, $0.type, $0.note) }
  }

  override var callSignature: CallSignature? { Self.signature }

  override func call(_ call: Call) throws -> Value {
    let record = try call.record("gradient")
    guard let (model, optimiser) = bound, var rate else {
      throw call.error(
        .value, "\(settings) has no model whose weights it could move: it is for fit",
        hint: "step = \(type(of: settings).name)(net, lr=0.01)")
    }
    try model.requireTrainable()
    let frozen = Set(model.frozenParameters)
    var gradients: [Tensor?] = []
    for (i, (name, weight)) in zip(model.parameterNames, model.parameters).enumerated() {
      if frozen.contains(i) {
        gradients.append(nil)
        continue
      }
      guard case .object(let object)? = record[name], let gradient = (object as? TensorObject)?.tensor else {
        throw call.error(
          .value, "the gradient of \(model.name) has no \(name)", hint: "grad(m => loss(m), model) returns a whole one",
          at: "gradient")
      }
      guard gradient.shape == weight.shape, gradient.dtype == .float32 else {
        throw call.error(
          .shape,
          "the gradient of \(name) must be f32 \(weight.shape), not \(gradient.dtype.shortName) \(gradient.shape)",
          at: "gradient")
      }
      gradients.append(gradient)
    }
    if let given = try call.optionalFloat("lr") {
      try requireLearningRate(given, of: "step")
      (rate, self.rate) = (given, given)
    }
    try model.updateParameters { (weights) throws(CoreError) in
      try optimiser.step(&weights, gradients: gradients, rate: rate, momentum: nil)
    }
    return .none
  }

  override func shortText(_ options: PrintOptions) -> String {
    guard let (model, _) = bound, let rate else { return settings.description }
    let arguments = [model.name, "lr=\(rate.shortest)"] + settings.shown
    return "\(type(of: settings).name)(\(arguments.joined(separator: ", ")))"
  }

  override func isEqual(to other: Value) throws -> Bool {
    guard case .object(let object) = other, let other = object as? OptimiserObject else { return false }
    return self === other || (!isBound && !other.isBound && settings.isEqual(to: other.settings))
  }
}
