import Base
import Networks

/// The attacks that the findings of a diagnosis suggest: those that its remedies name, strong enough to report.
///
/// - Parameters:
///   - model: what is attacked.
///   - flags: the names of the checks that flag.
///   - norm: the norm of the ball.
///   - surrogate: another network; where there is one its gradients are tried, too.
/// - Returns: attacks for `evaluate`, without a radius of their own.
public func adaptiveAttacks(
  on model: Model, flags: [String], norm: Norm, surrogate: Model? = nil
) throws -> [any Attack] {
  func flagged(_ names: String...) -> Bool { names.contains(where: flags.contains) }
  let steps = flagged("steps", "incomplete") ? 400 : 100
  let starts = flagged("restarts", "linearity", "unstable", "one_step", "silent_success") ? 20 : 5
  let strong = MIFPE(steps: steps, restarts: starts, norm: norm)
  var attacks: [any Attack] = [strong]
  // Another loss; it costs least where the first has broken most.
  attacks.append(
    PGD(steps: steps, restarts: starts, loss: .margin, norm: norm, keep: .best))
  let layers = try model.steppedLayers()
  if !layers.isEmpty {
    let view = try model.bpda(layers)
    view.name += " straight through \(layers.joined(separator: ", "))"
    attacks.append(Transfer(strong, from: view))
  }
  if let surrogate { attacks.append(Transfer(strong, from: surrogate)) }
  let isBlind = flagged(
    "black_box", "noise", "unbounded", "zero_gradients", "finite_differences", "straight_through", "transfer",
    "monotone", "binarisation", "dummy_classes")
  attacks.append(Square(norm: norm, queries: isBlind ? 5000 : 1000))
  return model.isRandom ? attacks.map { EOT($0, n: 10) } : attacks
}
