/// One setting of a configurable value: its name, where it is stored, what it must be, and what it means.
///
/// A setting reads and writes its property in one common form, `SettingValue`, so that everything that is done with
/// settings (printing, comparing, checking, recording, making the built-in) is written once for all of them. Writing
/// checks the type alone and `check` the range: a value that was made in Swift, without being written setting by
/// setting, is checked by `validate` with the same words. A common kind of setting has a maker here (`choice`,
/// `required`, `distance`); one with a form of its own gives `read` and `write` itself.
public struct Setting<Owner: Configurable>: Sendable {
  /// The name by which a call gives it: "steps".
  public let name: String
  /// Its type as a signature says it: "float | none".
  public let type: String
  /// What it means, in the manual: a phrase or sentences, with units and what holds when it is left out.
  public let note: String
  /// The strings that it takes, where those are a few words; empty for others.
  public let words: [String]
  /// Whether the call must have it: it has no default, and prints without its name.
  public let isRequired: Bool
  /// Whether it is printed at its default, too.
  let isAlwaysShown: Bool
  let read: @Sendable (Owner) -> SettingValue
  let write: @Sendable (inout Owner, SettingValue) throws(CoreError) -> Void
  let check: @Sendable (Owner) throws(CoreError) -> Void

  /// A setting with a form of its own.
  ///
  /// - Parameters:
  ///   - type: its type as a signature of the language says it.
  ///   - expected: what `write` takes, for its error: "true, false or \"normal\"".
  ///   - words: the strings among what it takes, where those are a few.
  ///   - write: returns false for a value that it does not take.
  public init(
    _ name: String, type: String, expected: String, words: [String] = [], hint: String? = nil, note: String = "",
    isAlwaysShown: Bool = false, isRequired: Bool = false, read: @escaping @Sendable (Owner) -> SettingValue,
    write: @escaping @Sendable (inout Owner, SettingValue) -> Bool,
    check: @escaping @Sendable (Owner) throws(CoreError) -> Void = { _ in }
  ) {
    self.init(
      name, type: type, words: words, note: note, isAlwaysShown: isAlwaysShown, isRequired: isRequired, read: read,
      write: { (owner, value) throws(CoreError) in
        guard write(&owner, value) else {
          throw CoreError(
            .value, "\(name) of \(Owner.name) must be \(expected), not \(value.asGiven)", hint: hint, argument: name)
        }
      }, check: check)
  }

  fileprivate init(
    _ name: String, type: String, words: [String], note: String, isAlwaysShown: Bool, isRequired: Bool,
    read: @escaping @Sendable (Owner) -> SettingValue,
    write: @escaping @Sendable (inout Owner, SettingValue) throws(CoreError) -> Void,
    check: @escaping @Sendable (Owner) throws(CoreError) -> Void
  ) {
    self.name = name
    self.type = type
    self.words = words
    self.note = note
    self.isAlwaysShown = isAlwaysShown
    self.isRequired = isRequired
    self.read = read
    self.write = write
    self.check = check
  }

  /// A setting that is a stored property.
  ///
  /// - Parameters:
  ///   - path: the path of the property.
  ///   - rule: what its value must be.
  ///   - isAlwaysShown: whether it is printed at its default, too.
  public init<Stored: SettingConvertible>(
    _ name: String, _ path: WritableKeyPath<Owner, Stored> & Sendable, _ rule: SettingRule = .any, note: String = "",
    isAlwaysShown: Bool = false
  ) {
    self.init(
      name, type: Stored.settingType, expected: Stored.settingExpectation, words: Stored.settingWords, note: note,
      isAlwaysShown: isAlwaysShown, read: { $0[keyPath: path].setting }, write: { $0.set(path, $1) },
      check: { (owner) throws(CoreError) in
        try rule.check(owner[keyPath: path].setting, name: name, of: Owner.name)
      })
  }

  /// A setting that takes one of the words of an enum; its error lists them.
  public static func choice<Choice: SettingChoice>(
    _ name: String, _ path: WritableKeyPath<Owner, Choice> & Sendable, note: String = "", isAlwaysShown: Bool = false
  ) -> Setting {
    Setting(
      name, type: Choice.settingType, expected: Choice.words, words: Choice.settingWords,
      hint: hint(name, Choice.self), note: note,
      isAlwaysShown: isAlwaysShown, read: { $0[keyPath: path].setting }, write: { $0.set(path, $1) })
  }

  /// A setting that takes one of the words of an enum, or none where it is left out.
  public static func choice<Choice: SettingChoice>(
    _ name: String, _ path: WritableKeyPath<Owner, Choice?> & Sendable, note: String = ""
  ) -> Setting {
    Setting(
      name, type: Choice?.settingType, expected: Choice.words, words: Choice.settingWords,
      hint: hint(name, Choice.self), note: note,
      read: { $0[keyPath: path].setting }, write: { $0.set(path, $1) })
  }

  /// Something that must be given, such as the model that teaches; it prints without its name.
  ///
  /// - Parameters:
  ///   - type: its type as a signature says it: "model".
  ///   - path: the property, which is nil while it is missing.
  public static func required<Stored: SettingReference>(
    _ name: String, type: String, _ path: WritableKeyPath<Owner, Stored?> & Sendable, note: String = ""
  ) -> Setting {
    Setting(
      name, type: type, expected: "a \(type)", note: note, isRequired: true,
      read: { $0[keyPath: path].map { .reference($0) } ?? .none },
      write: { owner, value in
        guard case .reference(let reference) = value, let stored = reference as? Stored else { return false }
        owner[keyPath: path] = stored
        return true
      },
      check: { (owner) throws(CoreError) in
        guard owner[keyPath: path] == nil else { return }
        throw CoreError(.value, "\(Owner.name) needs \(name), a \(type)", argument: name)
      })
  }

  private static func hint<Choice: SettingChoice>(_ name: String, _ type: Choice.Type) -> String? {
    Choice.allCases.first.map { "\(name)=\"\($0.rawValue)\"" }
  }

  /// A distance in units of the [0, 1] image, or none; it prints as k/255 where it is one.
  public static func distance(
    _ name: String, _ path: WritableKeyPath<Owner, Double?> & Sendable, _ rule: SettingRule, note: String = ""
  ) -> Setting {
    distance(name, path, note: note) { (owner) throws(CoreError) in
      try rule.check(owner[keyPath: path].setting, name: name, of: Owner.name)
    }
  }

  /// A distance, with a rule that depends on the other settings.
  public static func distance(
    _ name: String, _ path: WritableKeyPath<Owner, Double?> & Sendable, note: String = "",
    check: @escaping @Sendable (Owner) throws(CoreError) -> Void
  ) -> Setting {
    Setting(
      name, type: Double?.settingType, expected: Double?.settingExpectation, note: note,
      read: { $0[keyPath: path].map { .radius($0) } ?? .none }, write: { $0.set(path, $1) }, check: check)
  }
}

extension Setting {
  /// The same setting of a value that holds the owner of this one, so that a call can take the settings of both: its
  /// name, its note and its errors stay.
  ///
  /// - Parameter path: where the holder keeps the owner.
  public func within<Holder: Configurable>(
    _ path: WritableKeyPath<Holder, Owner> & Sendable
  ) -> Setting<Holder> {
    Setting<Holder>(
      name, type: type, words: words, note: note, isAlwaysShown: isAlwaysShown, isRequired: isRequired,
      read: { read($0[keyPath: path]) },
      write: { (holder, value) throws(CoreError) in try write(&holder[keyPath: path], value) },
      check: { (holder) throws(CoreError) in try check(holder[keyPath: path]) })
  }
}

extension SettingValue {
  /// The value as `text` has it, but a whole number that was no int keeps its point: what is wrong with it may be just
  /// that.
  fileprivate var asGiven: String {
    switch self {
    case .number(let value): "\(value)"
    case .list(let items): "[\(items.map(\.asGiven).joined(separator: ", "))]"
    default: text
    }
  }
}

extension Configurable {
  /// Stores the value of a setting in its property.
  ///
  /// - Returns: false for a value of another type.
  fileprivate mutating func set<Stored: SettingConvertible>(
    _ path: WritableKeyPath<Self, Stored>, _ value: SettingValue
  ) -> Bool {
    guard let stored = Stored(setting: value) else { return false }
    self[keyPath: path] = stored
    return true
  }
}

/// What the value of a setting must be, with a hint that says what to type. A setting that may be left out may always
/// be `none`. Numbers are used in float32: where a rule needs a positive or a finite one, it must be so there.
public enum SettingRule: Sendable {
  /// Any value of the type.
  case any
  /// A whole number within a range, both ends included.
  case int(ClosedRange<Int>, hint: String)
  /// A list of whole numbers in a range; of this many, or of any number of them.
  case ints(ClosedRange<Int>, count: Int? = nil, hint: String)
  /// A number above 0.
  case positive(hint: String)
  /// A number that is 0 or more.
  case atLeastZero(hint: String)
  /// A number from 0 to 1.
  case share(hint: String)
  /// A number of at least 0 and below 1.
  case belowOne(hint: String)

  /// Checks a value; one of another type is left to whoever writes it.
  ///
  /// - Throws: `value`: the rule, what the value is instead, and what to type.
  public func check(_ value: SettingValue, name: String, of owner: String) throws(CoreError) {
    func require(_ holds: Bool, _ rule: String, _ hint: String) throws(CoreError) {
      guard !holds else { return }
      throw CoreError(
        .value, "\(name) of \(owner) must be \(rule), not \(value.text)", hint: hint, argument: name)
    }
    switch self {
    case .any: return
    case .int(let range, let hint):
      guard let number = Int(setting: value) else { return }
      try require(range.contains(number), "from \(range.lowerBound) to \(range.upperBound)", hint)
    case .ints(let range, let count, let hint):
      guard let numbers = [Int](setting: value) else { return }
      try require(
        numbers.allSatisfy(range.contains) && numbers.count == count ?? numbers.count,
        "a list of \(count.map { "\($0) " } ?? "")whole numbers from \(range.lowerBound) to \(range.upperBound)", hint)
    case .positive(let hint):
      guard let number = Double(setting: value) else { return }
      try require(Float(number) > 0 && Float(number).isFinite, "a positive float32 number", hint)
    case .atLeastZero(let hint):
      guard let number = Double(setting: value) else { return }
      try require(number >= 0 && Float(number).isFinite, "a finite float32 number of at least 0", hint)
    case .share(let hint):
      guard let number = Double(setting: value) else { return }
      try require(number >= 0 && number <= 1, "from 0 to 1", hint)
    case .belowOne(let hint):
      guard let number = Double(setting: value) else { return }
      try require(number >= 0 && number < 1, "at least 0 and below 1", hint)
    }
  }
}
