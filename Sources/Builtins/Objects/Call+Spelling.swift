import Base
import Interpreter

// What to type for a value, so that a report can say how its evaluation is repeated. Data sets remember the call that made
// them; what was made in another way, or from values that cannot be typed, has no spelling, and nothing is made up.

extension Call {
  /// The call as it could be typed, with the arguments that were given; nil where one of them cannot be typed.
  ///
  /// - Parameters:
  ///   - left: names of parameters that change nothing of the result.
  ///   - models: what to type for a model.
  func spelling(leaving left: Set<String> = ["quiet"], models: (ModelObject) -> String? = { _ in nil }) -> String? {
    var arguments: [String] = []
    var isPlain = true
    for (i, name) in signature.parameterNames.enumerated() {
      guard isGiven(name), !left.contains(name) else {
        isPlain = false
        continue
      }
      guard let text = Self.spelling(self[i], models) else { return nil }
      arguments.append(isPlain && i < 2 ? text : "\(name)=\(text)")
    }
    return "\(name)(\(arguments.joined(separator: ", ")))"
  }

  /// What to type for a string.
  static func spelling(_ text: String) -> String { spelling(Value(text)) { _ in nil } ?? "" }

  private static func spelling(_ value: Value, _ models: (ModelObject) -> String?) -> String? {
    switch value {
    case .none, .bool, .int, .float, .string:
      // As it prints within a list: strings have their quotes there.
      return String(Value([value]).shortText(.full).dropFirst().dropLast())
    case .list(let list):
      var items: [String] = []
      for item in list.items {
        guard let text = spelling(item, models) else { return nil }
        items.append(text)
      }
      return "[\(items.joined(separator: ", "))]"
    case .object(let object):
      if let data = object as? DatasetObject { return data.spelling }
      if let model = object as? ModelObject { return models(model) }
      // What holds a function or a model of its session cannot be typed elsewhere.
      guard let object = object as? ConfiguredObject, object.value.references.isEmpty else { return nil }
      return object.value.description
    default: return nil
    }
  }
}

extension Builtin {
  /// The same entry, whose data sets remember the call that made them.
  var spelling: Builtin {
    let body = unwrapped
    return Builtin(self) { call in
      // Before the call, which may let go of its arguments.
      let spelling = call.spelling()
      let made = try body(call)
      if case .object(let object) = made, let data = object as? DatasetObject, data.spelling == nil {
        data.spelling = spelling
      } else if case .list(let list) = made {
        for (i, item) in list.items.enumerated() {
          if case .object(let object) = item, let data = object as? DatasetObject, data.spelling == nil {
            data.spelling = spelling.map { "\($0)[\(i)]" }
          }
        }
      }
      return made
    }
  }
}
