/// The value of one setting, in the form in which all settings are compared, printed and written.
///
/// It has a case for each kind of thing that a setting can be in the language, and no more, so that each of the walks
/// over it (equality, text, JSON) is one switch. `text` is what a person types for the value; `json` is what a record
/// keeps, from which all but values made by calls and references can be read again.
public indirect enum SettingValue {
  /// Left out: whoever uses the value decides.
  case none
  /// A truth value.
  case bool(Bool)
  /// A whole number.
  case int(Int)
  /// A number.
  case number(Double)
  /// A distance in units of the [0, 1] image; it prints as k/255 where it is one.
  case radius(Double)
  /// A string, without its quotes.
  case string(String)
  /// Values in brackets.
  case list([SettingValue])
  /// A value that is made by a call itself, such as the attack inside of another.
  case configured(any Configurable)
  /// Something that is known by a name and is the same or not, such as a model.
  case reference(any SettingReference)
}

/// What a setting can hold without owning it, such as the model that teaches.
public protocol SettingReference: SendableMetatype {
  /// How it prints within a call: the name of a model.
  var settingName: String { get }
  /// What tells it from others in a record, on another day and another machine.
  var settingIdentity: String { get }
  /// Whether its identity tells all that it does, so that what a record says of it can be believed on another day. A
  /// function of a program has a name alone; true unless it says otherwise.
  var isLasting: Bool { get }
  /// Whether the other is the same.
  func isSame(as other: any SettingReference) -> Bool
}

extension SettingReference {
  /// Most are told apart by their identity.
  public var isLasting: Bool { true }
}

extension SettingValue {
  /// What the value holds without owning it, within other values too.
  package var references: [any SettingReference] {
    switch self {
    case .reference(let reference): [reference]
    case .configured(let value): value.references
    case .list(let values): values.flatMap(\.references)
    case .none, .bool, .int, .number, .radius, .string: []
    }
  }
}

extension SettingValue: Equatable {
  /// Whether two values are the same; a number and a radius of the same size are not.
  public static func == (a: SettingValue, b: SettingValue) -> Bool {
    switch (a, b) {
    case (.none, .none): true
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.number(let a), .number(let b)), (.radius(let a), .radius(let b)): a == b
    case (.string(let a), .string(let b)): a == b
    case (.list(let a), .list(let b)): a == b
    case (.configured(let a), .configured(let b)): a.isEqual(to: b)
    case (.reference(let a), .reference(let b)): a.isSame(as: b)
    default: false
    }
  }

  /// What to type for the value.
  public var text: String {
    switch self {
    case .none: "none"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .number(let value): value.shortest
    case .radius(let value): value.asRadius
    case .string(let value): "\"\(value)\""
    case .list(let values): "[\(values.map(\.text).joined(separator: ", "))]"
    case .configured(let value): value.description
    case .reference(let value): value.settingName
    }
  }

  /// The value in a record: a radius is a number, a reference is its identity.
  package var json: JSON {
    switch self {
    case .none: .null
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .number(let value), .radius(let value): .number(value)
    case .string(let value): .string(value)
    case .list(let values): .array(values.map(\.json))
    case .configured(let value): value.json
    case .reference(let value): .string(value.settingIdentity)
    }
  }

  /// The value that `json` has written; a radius is read as a number, a reference as a string.
  ///
  /// - Throws: `value` for an object: a value made by a call is read by its own kind.
  package init(_ json: JSON) throws(CoreError) {
    switch json {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .number(let value): self = .number(value)
    case .string(let value): self = .string(value)
    case .array(let items):
      var values: [SettingValue] = []
      for item in items { values.append(try SettingValue(item)) }
      self = .list(values)
    case .object: throw CoreError(.value, "a setting that is made by a call cannot be read from a record")
    }
  }
}

/// A type of property that a setting can store.
public protocol SettingConvertible: Sendable {
  /// The type as a signature says it: "int", "float | none".
  static var settingType: String { get }
  /// What an error says is expected: "a list of whole numbers".
  static var settingExpectation: String { get }
  /// The strings that it takes, where those are a few words; empty for others.
  static var settingWords: [String] { get }
  /// The stored value of a setting; nil where that is of another type.
  init?(setting: SettingValue)
  /// The stored value as a setting.
  var setting: SettingValue { get }
}

extension SettingConvertible {
  /// None, where nothing says otherwise.
  public static var settingWords: [String] { [] }

  /// The type, where nothing better says what is expected.
  public static var settingExpectation: String { settingType }
}

extension Bool: SettingConvertible {
  public static let settingType = "bool"
  public init?(setting: SettingValue) {
    guard case .bool(let value) = setting else { return nil }
    self = value
  }
  public var setting: SettingValue { .bool(self) }
}

extension Int: SettingConvertible {
  public static let settingType = "int"
  public init?(setting: SettingValue) {
    guard case .int(let value) = setting else { return nil }
    self = value
  }
  public var setting: SettingValue { .int(self) }
}

extension Double: SettingConvertible {
  public static let settingType = "float"
  public init?(setting: SettingValue) {
    switch setting {
    case .int(let value): self = Double(value)
    case .number(let value), .radius(let value): self = value
    default: return nil
    }
  }
  public var setting: SettingValue { .number(self) }
}

extension String: SettingConvertible {
  public static let settingType = "string"
  public init?(setting: SettingValue) {
    guard case .string(let value) = setting else { return nil }
    self = value
  }
  public var setting: SettingValue { .string(self) }
}

extension Array: SettingConvertible where Element: SettingConvertible {
  public static var settingType: String { "list" }
  public static var settingExpectation: String {
    "a list of \(Element.settingType == Int.settingType ? "whole numbers" : "numbers")"
  }
  public init?(setting: SettingValue) {
    guard case .list(let items) = setting else { return nil }
    self = []
    for item in items {
      guard let value = Element(setting: item) else { return nil }
      append(value)
    }
  }
  public var setting: SettingValue { .list(map(\.setting)) }
}

extension Optional: SettingConvertible where Wrapped: SettingConvertible {
  public static var settingType: String { "\(Wrapped.settingType) | none" }
  public static var settingExpectation: String { "\(Wrapped.settingExpectation), or none" }
  public static var settingWords: [String] { Wrapped.settingWords }
  public init?(setting: SettingValue) {
    if case .none = setting {
      self = .none
    } else {
      guard let value = Wrapped(setting: setting) else { return nil }
      self = .some(value)
    }
  }
  public var setting: SettingValue { map(\.setting) ?? SettingValue.none }
}

/// A type whose settings take one of a few words: an enum of strings that conforms to this needs nothing else.
public protocol SettingChoice: SettingConvertible, RawRepresentable<String>, CaseIterable {}

extension SettingChoice {
  public static var settingType: String { "string" }
  public static var settingWords: [String] { allCases.map(\.rawValue) }
  public init?(setting: SettingValue) {
    guard case .string(let word) = setting else { return nil }
    self.init(rawValue: word)
  }
  public var setting: SettingValue { .string(rawValue) }

  /// The words as an error lists them: `"ce" or "kl"`.
  package static var words: String {
    let words = allCases.map { "\"\($0.rawValue)\"" }
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " or " + last
  }
}
