import Base
import Datasets
import Networks

/// All that decides the weights that a training run ends with, field by field, under the names of what sets them.
///
/// It outlives the process: a run that is continued on another day is compared with what it was begun with, and what
/// differs is said by its name. Models and data are told apart by their fingerprints.
public struct TrainingDescription: Sendable, Equatable {
  /// One thing that was settled before the first step.
  public struct Field: Sendable, Equatable {
    /// The name of the argument that settles it: "lr".
    public var name: String
    /// What it is, as it is typed where it can be: "0.05".
    public var value: String

    /// A field with its value.
    public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  /// The fields, in the order in which `fit` takes them.
  public var fields: [Field]

  /// A description of these fields.
  public init(_ fields: [Field]) { self.fields = fields }

  /// The name of the field that says with which weights a run began.
  static let weights = "start weights"

  /// In what two descriptions differ, in words; empty where one run continues the other.
  ///
  /// - Parameter left: names of fields that may differ.
  func differences(from earlier: TrainingDescription, leaving left: Set<String> = []) -> [String] {
    var found: [String] = []
    for field in fields where !left.contains(field.name) {
      guard let other = earlier.fields.first(where: { $0.name == field.name }) else {
        found.append("\(field.name) is \(field.shown), it had none")
        continue
      }
      if other.value != field.value { found.append("\(field.name) is \(field.shown), it was \(other.shown)") }
    }
    for other in earlier.fields where !left.contains(other.name) && !fields.contains(where: { $0.name == other.name }) {
      found.append("\(other.name) is left out, it was \(other.shown)")
    }
    return found
  }
}

extension TrainingDescription.Field {
  /// The value at a length that can be read within a sentence.
  fileprivate var shown: String { value.count > 120 ? value.prefix(117) + "…" : value }
}

extension TrainingDescription {
  /// The fields as JSON, in their order.
  package var json: JSON { .object(fields.map { .init($0.name, .string($0.value)) }) }

  /// The description that `json` has written; nil for anything else.
  package init?(_ json: JSON) {
    guard let members = json.objectValue else { return nil }
    fields = []
    for member in members {
      guard let value = member.value.stringValue else { return nil }
      fields.append(Field(member.key, value))
    }
  }
}
