import Base
import Datasets
import Devices
import Interpreter
import Networks
import Robustness
import Tensors

// What the host objects of ltd write into a saved session, and what makes them again. A kind of object has a case of
// `save(to:)` in its class, which calls a function here, and a restorer of the same name in the table.

/// Numbers that a session keeps beside its graph.
enum SavedNumbers {
  case tensor(Tensor)
  case bytes([UInt8])
  case floats([Float])

  /// How much memory they take.
  var byteCount: Int {
    switch self {
    case .tensor(let tensor): tensor.count * tensor.dtype.stride
    case .bytes(let bytes): bytes.count
    case .floats(let floats): floats.count * 4
    }
  }
}

extension ObjectWriter {
  func write(_ tensor: Tensor, name: String = "") {
    write(tensor.shape)
    write(blob: SavedNumbers.tensor(tensor.detached()), name: name)
  }

  func write(_ tensors: NamedTensors) {
    write(tensors.map(\.name))
    for (name, tensor) in tensors { write(tensor, name: "." + name) }
  }

  func write(_ values: [Float]?, name: String) {
    write(values != nil)
    if let values { write(blob: SavedNumbers.floats(values), name: name) }
  }
}

extension ObjectReader {
  func tensor() throws(CoreError) -> Tensor {
    let shape = try ints()
    guard case .tensor(let tensor)? = try blob() as? SavedNumbers, tensor.shape == shape else {
      throw damaged("a tensor has another shape")
    }
    return tensor
  }

  func namedTensors() throws(CoreError) -> NamedTensors {
    var tensors: NamedTensors = []
    for name in try strings() { tensors.append((name, try tensor())) }
    return tensors
  }

  func floats() throws(CoreError) -> [Float]? {
    guard try bool() else { return nil }
    switch try blob() as? SavedNumbers {
    case .floats(let floats): return floats
    case .tensor(let tensor) where tensor.dtype == .float32: return tensor.floats()
    default: throw damaged("numbers are of another type")
    }
  }

  func optionalString() throws(CoreError) -> String? { try bool() ? try string() : nil }
}

extension ObjectWriter {
  func write(optional text: String?) {
    write(text != nil)
    if let text { write(text) }
  }
}

// MARK: - Settings

extension ObjectWriter {
  /// A value that is made by a call: its name and its settings.
  func write(_ value: any Configurable, depth: Int = 0) throws(CoreError) {
    func write<Value: Configurable>(_ value: Value) throws(CoreError) {
      self.write(Value.name)
      self.write(Value.settings.count)
      for name in Value.settingNames {
        self.write(name)
        try self.write(value[setting: name] ?? .none, depth: depth)
      }
    }
    try write(value)
  }

  func write(_ setting: SettingValue, depth: Int) throws(CoreError) {
    guard depth < 50 else { throw CoreError(.value, "settings are nested too deep to be kept") }
    switch setting {
    case .none: write(0)
    case .bool(let value):
      write(1)
      write(value)
    case .int(let value):
      write(2)
      write(value)
    case .number(let value):
      write(3)
      write(value)
    case .radius(let value):
      write(4)
      write(value)
    case .string(let value):
      write(5)
      write(value)
    case .list(let values):
      write(6)
      write(values.count)
      for value in values { try write(value, depth: depth + 1) }
    case .configured(let value):
      write(7)
      try write(value, depth: depth + 1)
    case .reference(let model as Model):
      write(8)
      write(model)
    case .reference(let learner as Learner):
      write(8)
      write(learner.model)
    case .reference(let function as FunctionReference):
      write(9)
      try write(function.function)
    case .reference(let other):
      throw CoreError(.value, "what \(other.settingName) refers to cannot be kept")
    }
  }

  /// A model: others of the same weights share them afterwards.
  func write(_ model: Model) {
    write(model) { (out) throws(CoreError) in
      out.kind = "network"
      out.write(model.sharedWeights) { (out) throws(CoreError) in
        out.kind = "weights"
        let held = (out.restorePoint(of: model.sharedWeights) as? ModelRestorePoint)?.held ?? model.held
        out.write(try model.architecture.json.text)
        out.write(held.parameters.count)
        for (name, tensor) in zip(model.parameterNames, held.parameters) { out.write(tensor, name: "." + name) }
        out.write(held.buffers.count)
        for (name, tensor) in zip(model.bufferNames, held.buffers) { out.write(tensor, name: "." + name) }
        out.write(held.frozen.sorted())
        out.write(held.source != nil)
        guard let source = held.source else { return }
        out.write([source.path, source.format, source.key, source.prefix, source.decision.rawValue])
        out.write(optional: source.known?.name)
        out.write(source.remarks)
      }
      out.write(model.name)
      out.write(Double(model.temperature))
      out.write(model.straight)
    }
  }
}

extension ObjectReader {
  func configurable(_ depth: Int = 0) throws(CoreError) -> any Configurable {
    let name = try string()
    var given: [(name: String, value: SettingValue)] = []
    for _ in 0..<(try count()) { given.append((try string(), try setting(depth))) }
    guard let type = Self.configurables[name] else {
      throw CoreError(.io, "this ltd does not know \(name)", hint: "another version has written it")
    }
    func make<Value: Configurable>(_ type: Value.Type) throws(CoreError) -> any Configurable { try Value(given) }
    do throws(CoreError) { return try make(type) } catch {
      throw CoreError(.io, "the settings of \(name) cannot be read by this ltd: \(error.message)")
    }
  }

  private static let configurables: [String: any Configurable.Type] = {
    var types: [any Configurable.Type] = [LanguageAttack.self, LanguageMethod.self]
    types += Attacks.all as [any Configurable.Type]
    types += Attacks.wrappers as [any Configurable.Type]
    types += Methods.all as [any Configurable.Type]
    types += Schedules.all as [any Configurable.Type]
    types += Augmentations.all as [any Configurable.Type]
    types += SofteningRules.all as [any Configurable.Type]
    types += Optimisers.all as [any Configurable.Type]
    return Dictionary(types.map { ($0.name, $0) }) { first, _ in first }
  }()

  func setting(_ depth: Int) throws(CoreError) -> SettingValue {
    guard depth < 50 else { throw damaged("settings are nested too deep") }
    switch try int() {
    case 0: return .none
    case 1: return .bool(try bool())
    case 2: return .int(try int())
    case 3: return .number(try double())
    case 4: return .radius(try double())
    case 5: return .string(try string())
    case 6:
      var values: [SettingValue] = []
      for _ in 0..<(try count()) { values.append(try setting(depth + 1)) }
      return .list(values)
    case 7: return .configured(try configurable(depth + 1))
    case 8: return .reference(try object(Model.self))
    case 9: return .reference(FunctionReference(try value(), session))
    default: throw damaged("a setting is of no known kind")
    }
  }
}

// MARK: - The restorers

extension BuiltinTable {
  /// Makes the host objects of a saved session again, by their kinds.
  static let restorersOfObjects: [String: Restorer] = [
    "tensor": { (reader) throws(CoreError) in TensorObject(try reader.tensor()) },
    "weights": { (reader) throws(CoreError) in
      let json: JSON
      do throws(CoreError) { json = try JSON.parse(Array(reader.string().utf8)) } catch {
        throw reader.damaged("an architecture cannot be read")
      }
      var parameters: [Tensor] = []
      for _ in 0..<(try reader.count()) { parameters.append(try reader.tensor()) }
      var buffers: [Tensor] = []
      for _ in 0..<(try reader.count()) { buffers.append(try reader.tensor()) }
      var held = Model.Held(parameters: parameters, buffers: buffers, frozen: Set(try reader.ints()), source: nil)
      if try reader.bool() {
        let texts = try reader.strings()
        guard texts.count == 5, let decision = ModelSource.Decision(rawValue: texts[4]) else {
          throw reader.damaged("the source of a model cannot be read")
        }
        let known = try reader.optionalString()
        held.source = ModelSource(
          path: texts[0], format: texts[1], key: texts[2], prefix: texts[3], decision: decision,
          known: KnownFile.all.first { $0.name == known }, remarks: try reader.strings())
      }
      return try Model.kept(Architecture(json), held)
    },
    "network": { (reader) throws(CoreError) in
      let base = try reader.object(Model.self)
      let name = try reader.string()
      return try base.view(name: name, temperature: Float(reader.double()), straight: reader.strings())
    },
    "model": { (reader) throws(CoreError) in ModelObject(try reader.object(Model.self)) },
    "random": { (reader) throws(CoreError) in
      let seed = UInt64(bitPattern: Int64(try reader.int()))
      return RandomObject(seed: seed, try reader.int(), draws: try reader.int())
    },
    "configured": { (reader) throws(CoreError) in
      let kind = try reader.string()
      let value = try reader.configurable()
      switch kind {
      case AttackObject.typeName where value is any Attack: return AttackObject(value)
      case MethodObject.typeName where value is any TrainingMethod: return MethodObject(value)
      case TemperatureObject.typeName where value is any SofteningRule: return TemperatureObject(value)
      case ScheduleObject.typeName where value is any LearningRateSchedule: return ScheduleObject(value)
      case AugmentationObject.typeName where value is any Augmentation: return AugmentationObject(value)
      default: throw reader.damaged("\(value) is no \(kind)")
      }
    },
    "optimiser": { (reader) throws(CoreError) in
      guard let settings = try reader.configurable() as? any OptimiserSettings else {
        throw reader.damaged("an optimiser is none")
      }
      guard try reader.bool() else { return OptimiserObject(settings) }
      let object = OptimiserObject(try reader.object(Model.self), settings, try reader.double())
      try object.take(rate: try reader.double(), state: try reader.namedTensors())
      return object
    },
    "layer": { (reader) throws(CoreError) in
      do throws(CoreError) {
        return LayerObject(built: try Layer(JSON.parse(Array(reader.string().utf8))))
      } catch {
        throw reader.damaged("a layer cannot be read: \(error.message)")
      }
    },
    "summary": { (reader) throws(CoreError) in
      let (name, input) = (try reader.string(), try reader.ints())
      return SummaryObject(name, input, try PlainCoder.read([LayerSummary].self, from: reader))
    },
    "evaluation": { (reader) throws(CoreError) in
      let evaluation = try PlainCoder.read(Evaluation.self, from: reader)
      return EvaluationObject(evaluation, kept: try PlainCoder.read(KeptCheck?.self, from: reader))
    },
    "certificate": { (reader) throws(CoreError) in
      CertificateObject(try PlainCoder.read(Certificate.self, from: reader))
    },
    "diagnosis": { (reader) throws(CoreError) in
      DiagnosisObject(try PlainCoder.read(Diagnosis.self, from: reader))
    },
    "dataset": { (reader) throws(CoreError) in
      let parts = try DatasetParts(reader)
      let spelling = try reader.optionalString()
      return DatasetObject(try Dataset(parts), spelling: spelling)
    },
    "pixels": { (reader) throws(CoreError) in
      guard let numbers = try reader.blob() as? SavedNumbers else { throw reader.damaged("images are missing") }
      return SharedPixels(numbers)
    },
    "training": { (reader) throws(CoreError) in
      let kept = TrainingReport.Kept(
        method: try reader.string(), history: try reader.string(), figures: try reader.ints(),
        seconds: try reader.double(), description: try reader.optionalString(),
        tensors: try reader.namedTensors(), state: try reader.ints())
      var datasets: [Dataset] = []
      for _ in 0..<(try reader.count()) { datasets.append(try reader.object(DatasetObject.self).data) }
      var models: [Model?] = []
      for _ in 0..<2 { models.append(try reader.bool() ? try reader.object(Model.self) : nil) }
      return TrainingRunObject(
        try TrainingReport(kept, examples: datasets, averaged: models[0], best: models[1], epoch: try reader.int()))
    },
    "figure": { (reader) throws(CoreError) in FigureObject(try reader.figure()) },
    "tracked": { (reader) throws(CoreError) in
      guard case .list(let list) = try reader.value() else { throw reader.damaged("tracked elements are no list") }
      return TrackedObject(list, title: try reader.string(), host: try reader.bool() ? reader.session.host : nil)
    },
  ]
}

/// Images that several data sets select from.
final class SharedPixels {
  let numbers: SavedNumbers
  init(_ numbers: SavedNumbers) { self.numbers = numbers }
}

extension DatasetParts {
  fileprivate init(_ reader: ObjectReader) throws(CoreError) {
    let (name, classNames) = (try reader.string(), try reader.strings())
    let (labels, ids, positions, shape) = (try reader.ints(), try reader.ints(), try reader.ints(), try reader.ints())
    let (posterior, targets) = (try reader.floats(), try reader.floats())
    let images: Images
    if try reader.bool() {
      let pixels: Pixels
      switch try reader.object(SharedPixels.self).numbers {
      case .bytes(let bytes): pixels = .bytes(bytes)
      case .floats(let floats): pixels = .floats(floats)
      case .tensor(let tensor) where tensor.dtype == .float32: pixels = .floats(tensor.floats())
      case .tensor: throw reader.damaged("images are of another type")
      }
      images = .memory(pixels, address: 0)
    } else {
      let folder = try reader.string()
      let names = try reader.strings()
      let sizes = try reader.ints()
      let preparation: ImagePreparation
      guard sizes.count == 2, let interpolation = Interpolation(rawValue: try reader.string()) else {
        throw reader.damaged("the preparation of images cannot be read")
      }
      preparation = try ImagePreparation(
        resize: sizes[0] < 0 ? nil : sizes[0], crop: sizes[1] < 0 ? nil : sizes[1], interpolation: interpolation,
        isGrey: try reader.bool())
      let digest = UInt64(bitPattern: Int64(try reader.int()))
      if DatasetParts.digest(folder: folder, names: names) != digest {
        reader.session.host.warn(
          "the images of \(name) in '\(folder)' are not those that were there when the session was saved")
      }
      images = .files(folder: folder, names: names, preparation: preparation, digest: digest)
    }
    self.init(
      name: name, classNames: classNames, labels: labels, ids: ids, positions: positions, shape: shape,
      images: images, posterior: posterior, targets: targets)
  }
}

extension DatasetObject {
  func write(to out: ObjectWriter) throws(CoreError) {
    guard let parts = data.parts else {
      throw CoreError(.value, "the images of \(data.name) are neither in memory nor in files")
    }
    out.kind = "dataset"
    out.write(parts.name)
    out.write(parts.classNames)
    for numbers in [parts.labels, parts.ids, parts.positions, parts.shape] { out.write(numbers) }
    out.write(parts.posterior, name: ".posterior")
    out.write(parts.targets, name: ".soft_labels")
    switch parts.images {
    case .memory(let pixels, let address):
      out.write(true)
      out.write(sharing: address) { out in
        out.kind = "pixels"
        switch pixels {
        case .bytes(let bytes): out.write(blob: SavedNumbers.bytes(bytes), name: ".images")
        case .floats(let floats): out.write(blob: SavedNumbers.floats(floats), name: ".images")
        }
      }
    case .files(let folder, let names, let preparation, let digest):
      out.write(false)
      out.write(folder)
      out.write(names)
      out.write([preparation.resize ?? -1, preparation.crop ?? -1])
      out.write(preparation.interpolation.rawValue)
      out.write(preparation.isGrey)
      out.write(Int(Int64(bitPattern: digest)))
    }
    out.write(optional: spelling)
  }
}

// MARK: - Restore points

/// The weights of a model at one moment, for all models that share them.
final class ModelRestorePoint: RestorePoint {
  private let model: Model
  let held: Model.Held

  init(_ model: Model) {
    self.model = model
    held = model.held
  }

  var owner: AnyObject { model.sharedWeights }
  var byteCount: Int { (held.parameters + held.buffers).reduce(0) { $0 + $1.count * $1.dtype.stride } }
  var isChanged: Bool { !model.isStill(held) }
  func restore() { model.held = held }
}

/// What an optimiser remembers at one moment.
final class OptimiserRestorePoint: RestorePoint {
  private let object: OptimiserObject
  let rate: Double
  let state: NamedTensors

  init(_ object: OptimiserObject, rate: Double, state: NamedTensors) {
    self.object = object
    self.rate = rate
    self.state = state
  }

  var owner: AnyObject { object }
  var byteCount: Int { state.reduce(0) { $0 + $1.tensor.count * $1.tensor.dtype.stride } }
  var isChanged: Bool { !object.isStill(rate: rate, state: state) }
  func restore() { try? object.take(rate: rate, state: state) }
}

/// Where a random stream stood at one moment.
final class RandomRestorePoint: RestorePoint {
  private let object: RandomObject
  let draws: Int

  init(_ object: RandomObject, draws: Int) {
    self.object = object
    self.draws = draws
  }

  var owner: AnyObject { object }
  var byteCount: Int { 0 }
  var isChanged: Bool { object.draws != draws }
  func restore() { object.draws = draws }
}
