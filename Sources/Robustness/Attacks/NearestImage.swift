import Base
import Tensors

// What attacks share that look for the nearest image (`Attack.isMinimal`).

extension Setting where Owner: Attack {
  /// The radius of an attack that looks for the nearest image: it says what counts as broken.
  package static func reach(_ path: WritableKeyPath<Owner, Double?> & Sendable) -> Setting {
    .distance(
      "eps", path,
      note: """
        radius within which an image counts as broken, in units of the [0, 1] image; when left out, that of `evaluate` or \
        `perturb`. The search itself knows no radius: without one, `perturb` returns the nearest image at any distance.
        """
    ) { (owner) throws(CoreError) in
      if let eps = owner[keyPath: path] { try owner.norm.require(radius: eps) }
    }
  }
}

extension Norm {
  /// Checks that an attack knows the norm.
  ///
  /// - Throws: `value` unless it is one of these.
  func require(of attack: some Attack, oneOf norms: [Norm]) throws(CoreError) {
    guard !norms.contains(self) else { return }
    let words = norms.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
    throw CoreError(
      .value, "norm of \(type(of: attack).name) must be \(words), not \"\(rawValue)\"",
      hint: "norm=\"\(norms.first?.rawValue ?? "")\"", argument: "norm")
  }
}
