import Base
import Interpreter

// Built-ins that make a configurable value. All that an entry of the table needs follows from the value's own declaration:
// its name, its page and its list of settings.

extension Builtin {
  /// The built-in that makes a configurable value.
  ///
  /// - Parameters:
  ///   - result: the type of what it makes, in the signature: "attack".
  ///   - family: the chapter of the manual.
  ///   - wrap: the value as the language sees it.
  static func making<Made: Configurable>(
    _ type: Made.Type, result: String, family: String, _ wrap: @escaping @Sendable (Made) throws -> HostObject
  ) -> Builtin {
    described(by: type, result: result, family: family) { call in
      Value(try wrap(call.made(Made.self)))
    }
  }

  /// A built-in that takes the settings of a configurable value, with its page.
  ///
  /// - Parameters:
  ///   - first: parameters that come before the settings, each with what it means.
  ///   - result: the type of what it makes, in the signature: "optimiser".
  ///   - family: the chapter of the manual.
  static func described<Made: Configurable>(
    by type: Made.Type, first: [(parameter: String, note: String)] = [], result: String, family: String,
    body: @escaping Body
  ) -> Builtin {
    Builtin(
      name: Made.name, signature: { Made.signature(first.map(\.parameter), result: result) }, page: { Made.page },
      details: {
        let notes = first.map { "- \($0.parameter.prefix { $0 != ":" }): \($0.note)" }
        return ([Made.details] + notes).joined(separator: "\n")
      },
      values: { name in
        let words = Made.settings.first { $0.name == name }?.words ?? []
        return words.isEmpty ? nil : .words(words)
      },
      family: family, body: body)
  }
}

/// A host object that can be the value of a setting.
protocol SettingSource: HostObject {
  var settingValue: SettingValue { get }
}

extension Call {
  /// The value that the arguments for its settings make.
  func made<Made: Configurable>(_ type: Made.Type) throws -> Made {
    let given = Made.settings.filter { isGiven($0.name) }.map(\.name)
    let made = try Made(given.map { ($0, try settingValue($0)) })
    for name in given {
      if case .list(let items) = try self[name], items.items.contains(where: \.isFollowed) {
        throw try noGradient(through: name)
      }
    }
    return made
  }

  private func settingValue(_ name: String) throws -> SettingValue {
    switch try self[name] {
    case .none: return .none
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .float(let value): return .number(value)
    case .string(let value): return .string(value.text)
    case .function: return .reference(FunctionReference(try self[name], session))
    case .object(let object):
      if let source = object as? any SettingSource { return source.settingValue }
      return .number(try float(name))
    default:
      return .list(
        try list(name).map { item in
          if case .object(let object) = item, let source = object as? any SettingSource { return source.settingValue }
          if let number = item.asInt { return .int(number) }
          if let number = item.asDouble { return .number(number) }
          // No gradient passes through it: `made` says so, once all else is right.
          if case .object(let object) = item, object.isNumber, let number = try object.number()?.asDouble {
            return .number(number)
          }
          throw notANumber(item, in: name)
        })
    }
  }
}

extension Value {
  /// The value of a setting as the language has it; where it is made by a call, the string of that call.
  init(_ setting: SettingValue) {
    switch setting {
    case .none: self = .none
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .number(let value), .radius(let value): self = .float(value)
    case .list(let items): self.init(items.map { Value($0) })
    case .string(let value): self.init(value)
    case .configured, .reference: self.init(setting.text)
    }
  }
}
