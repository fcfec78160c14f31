import Base
import Datasets
import Interpreter
import Networks

/// A configurable value in the language, such as a schedule: it prints as the call that makes it, and is equal to one with
/// the same settings. Each kind has a class of its own, for its name among the types.
class ConfiguredObject: HostObject, SettingSource {
  let value: any Configurable

  required init(_ value: any Configurable) { self.value = value }

  final var settingValue: SettingValue { .configured(value) }

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
  /// The attack, the method, the schedule that it is; nil for all other values.
  func configured<Kind>(as kind: Kind.Type) -> Kind? {
    guard case .object(let object) = self else { return nil }
    return (object as? ConfiguredObject)?.value as? Kind
  }
}

extension Call {
  /// A configurable value that an argument is, or that its word stands for.
  ///
  /// - Parameter words: what each word stands for.
  func configured<Kind>(_ name: String, _ words: [(name: String, value: Kind)]) throws -> Kind {
    if let value = try self[name].configured(as: Kind.self) { return value }
    return try choice(name, words)
  }
}
