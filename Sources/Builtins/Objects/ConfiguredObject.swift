import Base
import Datasets
import Interpreter
import Networks

/// A configurable value in the language, such as a schedule: it prints as the call that makes it, and is equal to one with
/// the same settings. Each kind has a class of its own, for its name among the types.
class ConfiguredObject: HostObject, SettingSource {
  let value: any Base.Configurable

  required init(_ value: any Base.Configurable) { self.value = value }

  final var settingValue: SettingValue { .configured(value) }

  final override func shortText(_ options: PrintOptions) -> String { value.description }

  final override func isEqual(to other: Value) throws -> Bool {
    guard case .object(let object) = other, let other = object as? ConfiguredObject else { return false }
    return value.isEqual(to: other.value)
  }
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

extension Call {
  /// A configurable value that an argument is, or that its word stands for.
  ///
  /// - Parameter words: what each word stands for.
  func configured<Kind>(_ name: String, _ words: [(name: String, value: Kind)]) throws -> Kind {
    if case .object(let object) = try self[name], let value = (object as? ConfiguredObject)?.value as? Kind {
      return value
    }
    return try choice(name, words)
  }
}
