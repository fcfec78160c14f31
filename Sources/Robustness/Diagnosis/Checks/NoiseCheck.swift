import Base

/// Random points of the ball that break what gradients do not.
enum NoiseCheck: MaskingCheck {
  static let name = "noise"
  static let question = "Does noise of the same size break what the attack does not?"
  static let remedy =
    "trust no gradient here: square(), noise(samples=10000), and look for the layer that hides its slope"
  static let source = "Athalye et al. 2018, sign 4; 0.5 points of accuracy"

  static func measure(_ it: Examination) throws -> Measurement {
    let usual = try it.usual().broken
    let noise = try it.outcome(Noise(norm: it.norm, samples: 50), among: usual.map { !$0 }).broken
    return it.judgedGain(
      of: zip(usual, noise).map { $0 || $1 }, over: usual, least: 0.005,
      note: "50 random points break \(noise.count { $0 }) of the \(usual.count { !$0 }) that the attack leaves")
  }
}
