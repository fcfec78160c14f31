import Base
import Datasets
import Devices
import Interpreter
import Networks
import Robustness
import Tensors

/// A function of the language as the setting of a value that the core works with: an attack, a method.
///
/// It belongs to the thread of its session, as all values of the language do. In a record it is known by its text, and by
/// what it knows from outside (`FunctionValue.known`): the text of functions that it calls, and the values that it uses.
final class FunctionReference: KnowingReference {
  let function: Value
  private unowned let session: Session

  init(_ function: Value, _ session: Session) {
    self.function = function
    self.session = session
  }

  func callAsFunction(_ arguments: Value...) throws -> Value { try session.invoke(function, arguments) }

  private var value: FunctionValue? { if case .function(let value) = function { value } else { nil } }

  /// Its name; one without a name cannot be typed.
  var settingName: String { value.flatMap { $0.isNamed ? $0.name : nil } ?? "…" }
  /// Its name and digits of what is written in it.
  var settingIdentity: String { "function \(settingName)#\(value?.digits ?? "")" }
  var isLasting: Bool { false }

  func isSame(as other: any SettingReference) -> Bool {
    guard let value, let other = (other as? FunctionReference)?.value else { return false }
    return value.isSame(as: other)
  }

  func knownFields(leaving model: Model) throws -> [TrainingDescription.Field] {
    try (value?.known ?? []).compactMap { known in
      try known.value.told(leaving: model).map { TrainingDescription.Field(known.name, $0) }
    }
  }
}

extension FunctionValue {
  /// Digits of what is written in it.
  fileprivate var digits: String {
    var hash = Hash64()
    hash.absorb(definition ?? "")
    return hash.digits
  }
}

extension Value {
  /// What tells the value from others in a record: a number as it is typed, and digits of what is longer; nil for what is
  /// left out of it.
  fileprivate func told(leaving model: Model) throws -> String? {
    switch plain {
    case .none: return "none"
    case .bool(let value): return "\(value)"
    case .int(let value): return "\(value)"
    case .float(let value): return value.shortest
    case .string(let value): return value.text.utf8.count <= 60 ? "\"\(value.text)\"" : "string#\(try digits(model))"
    case .function(let value): return !value.isBuiltin ? "function #\(value.digits)" : "the built-in \(value.name)"
    case .module: return "module #\(try digits(model))"
    case .list(let list): return "list of \(list.items.count) #\(try digits(model))"
    case .record(let record): return "record of \(record.fields.count) #\(try digits(model))"
    case .range, .error: return "\(typeName) #\(try digits(model))"
    case .object(let object as ModelObject):
      return object.model.isSame(as: model) ? nil : object.model.settingIdentity
    case .object(let object as DatasetObject): return try object.data.identity
    case .object(let object as ConfiguredObject): return object.value.identity
    case .object(let object as TensorObject):
      return "tensor \(object.tensor.dtype.shortName) \(object.tensor.shape) #\(try digits(model))"
    // What else there is of objects changes while it is used: a stream of random numbers, a step.
    case .object(let object): return object.typeName
    }
  }

  private func digits(_ model: Model) throws -> String {
    var hash = Hash64()
    try absorb(into: &hash, model, 0)
    return hash.digits
  }

  private func absorb(into hash: inout Hash64, _ model: Model, _ depth: Int) throws {
    switch plain {
    case .string(let value): hash.absorb(value.text)
    case .module(let value): hash.absorb(value.text)
    case .range(let range):
      for number in [range.start, range.end, range.step] { hash.absorb(UInt64(bitPattern: Int64(number))) }
    case .error(let error): hash.absorb(error.diagnostic.message)
    case .list(let list):
      hash.absorb("list \(list.items.count)")
      guard depth < 100 else { return }
      for item in list.items { try item.absorb(into: &hash, model, depth + 1) }
    case .record(let record):
      hash.absorb("record \(record.fields.count)")
      guard depth < 100 else { return }
      for (name, item) in record.fields {
        hash.absorb(name)
        try item.absorb(into: &hash, model, depth + 1)
      }
    case .object(let object as TensorObject):
      let tensor = object.tensor.detached()
      hash.absorb("\(tensor.dtype.shortName) \(tensor.shape)")
      if tensor.dtype == .float32 {
        for value in tensor.floats() { hash.absorb(UInt64(value.bitPattern)) }
      } else {
        for value in tensor.ints() { hash.absorb(UInt64(bitPattern: Int64(value))) }
      }
    default: hash.absorb(try told(leaving: model) ?? "")
    }
  }
}

/// A function that belongs to an object, such as `oracle.gradient`.
final class HostFunction: HostObject {
  private let signature: CallSignature
  private let body: (Call) throws -> Value

  init(_ signature: CallSignature, _ body: @escaping (Call) throws -> Value) {
    self.signature = signature
    self.body = body
  }

  override class var typeName: String { "function" }
  override var callSignature: CallSignature? { signature }
  override func call(_ call: Call) throws -> Value { try body(call) }
  override func shortText(_ options: PrintOptions) -> String { "<function \(signature.name)>" }
}
