import Base

/// Gradients that are not zero, but so small that float32 has few digits of them left, where that hides what an attack on
/// logits brought to scale breaks.
enum VanishingGradientCheck: MaskingCheck {
  static let name = "vanishing_gradients"
  static let question = "Do vanishing gradients hide what can be broken?"
  static let remedy = "divide the logits, at(net, T=100), or use mifpe(), which does it for each image"
  static let source = "Carlini et al. 2019; gradients below 1e-12, 0.5 points of accuracy"

  static func measure(_ it: Examination) throws -> Measurement {
    let small = try it.naturalSlopes().largest.map { $0 > 0 && $0 < 1e-12 }
    let hidden = try it.hidden(behind: small).count { $0 }
    return it.judgedCount(
      hidden,
      note:
        "\(small.count { $0 }) of \(small.count) gradients are below 1e-12 and not zero; mifpe breaks \(hidden) of these "
        + "that the cross-entropy leaves")
  }
}
