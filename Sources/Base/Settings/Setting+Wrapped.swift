// A value within a value: the method that weights are perturbed for, the attack that is averaged over noise, the
// schedule whose rate rises.

extension Setting {
  /// A value of some kind that the owner is around, which must be given; it prints without its name.
  ///
  /// - Parameters:
  ///   - type: its type as a signature says it: "method".
  ///   - path: the property, whose type says what is taken; nil while it is missing.
  ///   - expected: what an error says is expected, where that is more than the type.
  public static func wrapped<Inner>(
    _ name: String, type: String, _ path: WritableKeyPath<Owner, Inner?> & Sendable, expected: String? = nil,
    hint: String, note: String
  ) -> Setting {
    Setting(
      name, type: type, expected: expected ?? type.withArticle, hint: hint, note: note, isRequired: true,
      read: { ($0[keyPath: path] as? any Configurable).map { .configured($0) } ?? .none },
      write: { owner, value in
        guard case .configured(let made) = value, let inner = made as? Inner else { return false }
        owner[keyPath: path] = inner
        return true
      }, check: { (owner) throws(CoreError) in _ = try owner.requireWithin(owner[keyPath: path], name, type: type) })
  }
}

extension Configurable {
  /// The value of a `wrapped` setting.
  ///
  /// - Throws: `value` while it is missing.
  package func requireWithin<Inner>(_ inner: Inner?, _ name: String, type: String) throws(CoreError) -> Inner {
    if let inner { return inner }
    throw CoreError(.value, "\(Self.name) needs \(name), \(type.withArticle)", argument: name)
  }
}

extension String {
  fileprivate var withArticle: String { (first.map { "aeiou".contains($0) } ?? false ? "an " : "a ") + self }
}
