import Base
import Datasets
import Networks

// What tells the parts of a run from others, on another day and in another process.

/// Something within a method or an attack that rests on more than its own text, such as a loss written in the language: it
/// names what that is, piece by piece, so that a run with another helper or another number is refused by their names.
package protocol KnowingReference: SettingReference {
  /// What it knows, each under a name of its own.
  ///
  /// - Parameter model: the model that is trained, which changes while the run does and is no part of it.
  /// - Throws: what reading a data set throws.
  func knownFields(leaving model: Model) throws -> [TrainingDescription.Field]
}

extension Configurable {
  /// What to type for it, with what tells the models in it from others.
  package var identity: String {
    let held = references.map(\.settingIdentity)
    return held.isEmpty ? description : "\(description) with \(held.joined(separator: ", "))"
  }

  /// What functions within it know from outside.
  ///
  /// - Parameter role: what the value is to the run: "method".
  func knownFields(as role: String, leaving model: Model) throws -> [TrainingDescription.Field] {
    var fields: [TrainingDescription.Field] = []
    for case let reference as any KnowingReference in references {
      for field in try reference.knownFields(leaving: model) {
        var (name, number) = ("\(field.name), used by the \(role),", 2)
        while fields.contains(where: { $0.name == name }) {
          name = "\(field.name) (\(number)), used by the \(role),"
          number += 1
        }
        fields.append(.init(name, field.value))
      }
    }
    return fields
  }
}

extension Dataset {
  /// The name, how many examples, and what tells them from others: every pixel, or the files where images are read from
  /// them when they are needed (`Dataset.contentDigits`).
  package var identity: String {
    get throws(CoreError) { "\(name), \(count) images, \(try contentDigits)" }
  }
}
