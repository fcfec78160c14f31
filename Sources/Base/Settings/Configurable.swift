/// A value that is made by a call and prints as that call, such as `pgd(eps=8/255, steps=20)`: an attack, a training
/// method, a network family, a schedule, an optimiser, an augmentation.
///
/// Its list of settings is the one place that names them. The signature of the built-in that makes it, its help, the
/// defaults, the checks when it is made, the text it prints as, equality, JSON and the identity in records all follow
/// from that list. To add a setting, add a stored property and a line in `settings`.
public protocol Configurable: SendableMetatype, CustomStringConvertible {
  /// The name of the built-in that makes it: "pgd".
  static var name: String { get }
  /// What its page in the manual says, but for its settings.
  static var page: Page { get }
  /// The settings in the order of the signature.
  static var settings: [Setting<Self>] { get }
  /// The value with every setting at its default.
  init()
  /// Checks what single settings cannot tell, such as two that exclude each other.
  ///
  /// - Throws: a `CoreError` that names the setting at fault.
  func validateTogether() throws(CoreError)
}

extension Configurable {
  /// Accepts every combination; a value with settings that exclude each other checks them itself.
  public func validateTogether() throws(CoreError) {}

  /// The value with some settings, the others at their defaults.
  ///
  /// - Parameter given: settings by name, in any order.
  /// - Throws: `value` or `type` for a setting that is unknown, missing, of another type or out of range.
  public init(_ given: [(name: String, value: SettingValue)]) throws(CoreError) {
    self.init()
    for (name, value) in given {
      guard let setting = Self.settings.first(where: { $0.name == name }) else {
        throw CoreError(
          .value, "\(Self.name) has no setting '\(name)'",
          hint: "it has " + Self.settingNames.joined(separator: ", "), argument: name)
      }
      try setting.write(&self, value)
    }
    try validate()
  }

  /// Checks all settings.
  ///
  /// - Throws: the error of the first one that is out of range; it names the setting.
  public func validate() throws(CoreError) {
    for setting in Self.settings { try setting.check(self) }
    try validateTogether()
  }

  /// What to type for the same value; settings at their defaults are left out, and those that are none.
  public var description: String { "\(Self.name)(\(shown.joined(separator: ", ")))" }

  /// The settings that a call has to say, each as it is typed: `steps=20`.
  package var shown: [String] {
    let usual = Self()
    return Self.settings.compactMap { setting in
      let value = setting.read(self)
      if value == .none { return nil }
      if setting.isRequired { return value.text }
      return setting.isAlwaysShown || value != setting.read(usual) ? "\(setting.name)=\(value.text)" : nil
    }
  }

  /// Whether the other is of the same kind and has the same settings.
  public func isEqual(to other: any Configurable) -> Bool {
    guard let other = other as? Self else { return false }
    return Self.settings.allSatisfy { $0.read(self) == $0.read(other) }
  }

  /// What its settings hold without owning it, such as a model or a function.
  package var references: [any SettingReference] { Self.settings.flatMap { $0.read(self).references } }

  /// The names of the settings, in the order of the signature.
  package static var settingNames: [String] { settings.map(\.name) }

  /// The value of a setting; nil where there is none of this name.
  package subscript(setting name: String) -> SettingValue? {
    Self.settings.first { $0.name == name }?.read(self)
  }

  /// The settings in which two values differ, with what each of them has.
  package func differences(from other: Self) -> [(name: String, own: SettingValue, other: SettingValue)] {
    Self.settings.map { ($0.name, $0.read(self), $0.read(other)) }.filter { $0.1 != $0.2 }
  }

  /// All settings, also those at their defaults, so that what it says does not change when a default does:
  /// `{"kind": "pgd", "eps": null, "steps": 10, …}`.
  package var json: JSON {
    .object([.init("kind", .string(Self.name))] + Self.settings.map { .init($0.name, $0.read(self).json) })
  }

  /// The value that `json` has written.
  ///
  /// - Throws: `value` or `type` where it was written by another kind, or settings do not fit.
  package init(_ json: JSON) throws(CoreError) {
    guard case .object(let members) = json, json["kind"] == .string(Self.name) else {
      throw CoreError(.value, "this is not the record of a value made by \(Self.name)(…)")
    }
    var given: [(name: String, value: SettingValue)] = []
    for member in members where member.key != "kind" { given.append((member.key, try SettingValue(member.value))) }
    try self.init(given)
  }

  /// The signature of its built-in: `pgd(eps: float | none = none, steps: int = 10) -> attack`.
  ///
  /// - Parameters:
  ///   - first: parameters that the call has beside the settings: "model: model".
  ///   - result: the type of what the call makes.
  public static func signature(_ first: [String] = [], result: String) -> String {
    let usual = Self()
    let parameters =
      first
      + settings.map { setting in
        "\(setting.name): \(setting.type)" + (setting.isRequired ? "" : " = \(setting.read(usual).text)")
      }
    return "\(name)(\(parameters.joined(separator: ", "))) -> \(result)"
  }

  /// The text of the page with a line for each setting.
  public static var details: String {
    let notes = settings.filter { !$0.note.isEmpty }.map { "- \($0.name): \($0.note)" }.joined(separator: "\n")
    return [page.details, notes].filter { !$0.isEmpty }.joined(separator: "\n\n")
  }
}
