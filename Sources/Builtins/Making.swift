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
    _ type: Made.Type, result: String, family: String, _ wrap: @escaping @Sendable (Made) -> HostObject
  ) -> Builtin {
    Builtin(
      Made.signature(result: result), Made.page.summary, details: Made.details,
      examples: Made.page.examples.map { Example($0.code, $0.result) }, seeAlso: Made.page.seeAlso,
      search: Made.page.search, family: family
    ) { call in Value(wrap(try Made(call.givenSettings(of: Made.self)))) }
  }
}

/// A host object that can be the value of a setting.
protocol SettingSource: HostObject {
  var settingValue: SettingValue { get }
}

extension Call {
  /// The arguments that the caller gave for the settings of a configurable value.
  func givenSettings<Made: Configurable>(of type: Made.Type) throws -> [(name: String, value: SettingValue)] {
    var given: [(name: String, value: SettingValue)] = []
    for setting in Made.settings where isGiven(setting.name) {
      given.append((setting.name, try settingValue(setting.name)))
    }
    return given
  }

  private func settingValue(_ name: String) throws -> SettingValue {
    switch try self[name] {
    case .none: return .none
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .float(let value): return .number(value)
    case .string(let value): return .string(value.text)
    case .object(let object):
      if let source = object as? any SettingSource { return source.settingValue }
      return .number(try float(name))
    default:
      let items = try list(name)
      return .list(zip(items, try numbers(name) ?? []).map { $0.asInt.map(SettingValue.int) ?? .number($1) })
    }
  }
}
