import Base
import Datasets
import Interpreter
import Networks
import Robustness

/// A configurable value in the language: an attack, a method, a schedule, an augmentation.
///
/// All that such a value does in the language follows from its list of settings (`Configurable`): it prints as the call
/// that makes it, and it equals another with the same settings. So one class serves all of them, and each kind has a
/// subclass only for its name among the types. A built-in takes the value out again with `configured(as:)`, which asks for
/// a protocol of the core such as `any Attack`: what a new attack needs here is nothing.
class ConfiguredObject: HostObject, SettingSource {
  let value: any Configurable

  required init(_ value: any Configurable) { self.value = value }

  final var settingValue: SettingValue { .configured(value) }

  final override func save(to out: ObjectWriter) throws(CoreError) {
    out.kind = "configured"
    out.write(typeName)
    try out.write(value)
  }
  final override var parts: [Value] {
    value.references.compactMap { reference in
      switch reference {
      case let model as Model: Value(ModelObject(model))
      case let learner as Learner: Value(ModelObject(learner.model))
      case let function as FunctionReference: function.function
      default: nil
      }
    }
  }

  final override func shortText(_ options: PrintOptions) -> String { value.description }

  final override func isEqual(to other: Value) throws -> Bool {
    guard case .object(let object) = other, let other = object as? ConfiguredObject else { return false }
    return value.isEqual(to: other.value)
  }
}

/// An attack as a value: what it does when handed to `evaluate`, `fit` or `perturb`.
final class AttackObject: ConfiguredObject {
  override class var typeName: String { "attack" }
  override class var typeSummary: String { "How images are changed until a model errs." }
}

/// A training method as a value for `fit`.
final class MethodObject: ConfiguredObject {
  override class var typeName: String { "method" }
  override class var typeSummary: String { "What fit minimises." }
}

/// A rule for temperatures as a value for methods that distil.
final class TemperatureObject: ConfiguredObject {
  override class var typeName: String { "temperature" }
  override class var typeSummary: String { "How far the labels of a teacher are softened." }
}

/// A learning rate schedule as a value for `fit`.
final class ScheduleObject: ConfiguredObject {
  override class var typeName: String { "schedule" }
  override class var typeSummary: String { "How the learning rate of fit changes." }
}

/// An augmentation as a value for `fit`.
final class AugmentationObject: ConfiguredObject {
  override class var typeName: String { "augmentation" }
  override class var typeSummary: String { "How fit changes training images at random." }
}

extension Value {
  /// The attack, method, schedule or the like that it holds; nil for all other values.
  func configured<Kind>(as kind: Kind.Type) -> Kind? {
    guard case .object(let object) = self else { return nil }
    return (object as? ConfiguredObject)?.value as? Kind
  }
}

extension Call {
  /// The configurable value of an argument, or the one that its word stands for.
  ///
  /// - Parameter words: what each word stands for.
  func configured<Kind>(_ name: String, _ words: [(name: String, value: Kind)]) throws -> Kind {
    if let value = try self[name].configured(as: Kind.self) { return value }
    return try choice(name, words)
  }
}
