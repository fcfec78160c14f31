import Base

/// An attack around another: it changes what the other is told of the model, and all else is the other's.
///
/// Norm, radius, seed, random numbers, whether it takes targets and looks for the nearest image follow the attack within.
/// Of one that consists of stages each stage is wrapped, so that an evaluation puts together what is left standing in
/// the same way.
public protocol AttackWrapper: Attack {
  /// The attack within; nil while it is missing.
  var attack: (any Attack)? { get set }
}

extension AttackWrapper {
  /// That of the attack within.
  public var norm: Norm { attack?.norm ?? .linf }
  /// That of the attack within.
  public var eps: Double? { attack?.eps }
  /// Whether the attack within draws.
  public var isRandom: Bool { attack?.isRandom ?? false }
  /// Whether the attack within looks for the nearest image.
  public var isMinimal: Bool { attack?.isMinimal ?? false }
  /// Whether the attack within takes targets.
  public var takesTargets: Bool { attack?.takesTargets ?? false }
  /// That of the attack within.
  public var seed: UInt64? { attack?.seed }
  /// Those of the attack within.
  public func randomNumbers(seed: UInt64) -> any AttackRandom {
    attack?.randomNumbers(seed: seed) ?? PerExampleRandom(seed: seed)
  }
  /// The stages of the attack within, each wrapped alike.
  public func stages(classes: Int) -> [any Attack] {
    guard let stages = attack?.stages(classes: classes), stages.count > 1 else { return [self] }
    return stages.map { stage in
      var wrapped = self
      wrapped.attack = stage
      return wrapped
    }
  }
  /// Checks the attack within.
  public func validateTogether() throws(CoreError) { try attack?.validate() }

  /// The attack within.
  ///
  /// - Throws: `value` while it is missing.
  func inner() throws(CoreError) -> any Attack {
    try requireWithin(attack, "attack", type: "attack")
  }
}

extension Setting where Owner: AttackWrapper {
  /// The attack within, which must be given.
  static func wrapped(note: String) -> Setting {
    .wrapped("attack", type: "attack", \.attack, hint: "\(Owner.name)(pgd(), …)", note: note)
  }
}
