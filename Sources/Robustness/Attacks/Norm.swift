import Base
import Tensors

/// How far an image may be changed, and in which direction a step of a given length gets farthest.
///
/// A norm is all that an attack needs to know of its ball: the distance, the way back into it, and the steepest
/// direction. A closed set of norms answers these for every attack, so that an ascent written for one works in the
/// others. All functions treat each example of a batch [n, c, h, w] by itself, on the device and in float32. The box
/// [0, 1] is not theirs: whoever takes a step clips to it afterwards, which never leaves the ball around an image of
/// the box.
public enum Norm: String, SettingChoice, Codable {
  /// The largest change of a value.
  case linf
  /// The Euclidean length.
  case l2
  /// The sum of the changes.
  case l1

  /// The radius where nobody gives one, in units of the [0, 1] image: 8/255 in Linf, 0.5 in L2, 12 in L1, as CIFAR-10
  /// is evaluated.
  public var usualRadius: Double {
    switch self {
    case .linf: 8.0 / 255
    case .l2: 0.5
    case .l1: 12
    }
  }

  /// The norm of slopes: its length of a slope is how fast a linear function grows at most along a change of length 1.
  var dual: Norm {
    switch self {
    case .linf: .l1
    case .l2: .l2
    case .l1: .linf
    }
  }

  /// Checks a radius, which is in units of the [0, 1] image.
  ///
  /// - Throws: `value` for a radius that is negative or not finite, or in Linf above 1, where it is in grey levels.
  public func require(radius eps: Double) throws(CoreError) {
    guard eps >= 0, Float(eps).isFinite else {
      throw CoreError(
        .value, "eps must be a finite float32 number of at least 0, not \(eps.shortest)",
        hint: "for instance eps=8/255, with images in [0, 1]", argument: "eps")
    }
    guard self != .linf || eps <= 1 else {
      throw CoreError(
        .value, "eps must be from 0 to 1, in units of the [0, 1] image, not \(eps.shortest)",
        hint: "divide a radius in grey levels by 255: eps=8/255", argument: "eps")
    }
  }

  /// How far rounding in float32 may carry an image out of the ball: x ± eps is rounded where it is formed, images may
  /// come a rounding error outside of [0, 1], and sums over an image round at every value.
  ///
  /// - Parameter values: how many values an image has: in L1 the rounding errors of all of them add up.
  public func tolerance(of eps: Double, values: Int) -> Double {
    switch self {
    case .linf: 1e-6
    case .l2: 1e-6 + 1e-5 * eps
    case .l1: 1e-6 + 1e-5 * eps + 6e-8 * Double(values)
    }
  }

  /// The length of each example in the norm, [n, 1, …].
  public func length(_ x: Tensor) throws(CoreError) -> Tensor {
    let axes = Array(1..<max(x.shape.count, 1))
    return switch self {
    case .linf: try x.abs().max(axes: axes, keepdim: true)
    case .l2: try (x * x).sum(axes: axes, keepdim: true).sqrt()
    case .l1: try x.abs().sum(axes: axes, keepdim: true)
    }
  }

  /// The distance of each example from its partner, n numbers.
  public func distance(_ a: Tensor, _ b: Tensor) throws(CoreError) -> [Float] {
    guard !a.shape.isEmpty, a.count > 0 else { return [] }
    return try length(a - b).floats()
  }

  /// The nearest point of the ball: in Linf each value is clipped, in L2 the change is shortened, in L1 it is thinned
  /// out (Duchi et al. 2008).
  public func project(_ x: Tensor, around center: Tensor, eps: Double) throws(CoreError) -> Tensor {
    guard x.count > 0 else { return x }
    let change = try x - center
    switch self {
    case .linf: return try center + change.clip(min: -Float(eps), max: Float(eps))
    case .l2:
      let length = try length(change)
      let factor = try (Tensor.scalar(Float(eps)) / length.clip(min: 1e-12)).clip(max: 1)
      return try center + change * factor
    case .l1: return try center + shrunk(change, to: Tensor.scalar(Float(eps)))
    }
  }

  /// The change of length 1 along which a linear function grows fastest: the sign, the direction, or the one value with
  /// the greatest slope (ties share it). Zero where the slope is zero everywhere.
  public func steepest(_ slope: Tensor) throws(CoreError) -> Tensor {
    guard slope.count > 0 else { return slope }
    switch self {
    case .linf: return try slope.sign()
    case .l2: return try slope / (length(slope) + 1e-10)
    case .l1:
      let sizes = try slope.abs()
      let top = try sizes.max(axes: Array(1..<slope.shape.count), keepdim: true)
      let isTop = try equal(sizes, top)
      let signs = try whereSelect(isTop, slope.sign(), Tensor.scalar(0))
      return try signs / Norm.l1.length(signs).clip(min: 1)
    }
  }

  /// The change of length 1 that many steps follow: in Linf and L2 the steepest; in L1 the slope itself, as in foolbox,
  /// because the one steepest value soon stands at 0 or 1, where every further step along it is lost.
  private func direction(_ slope: Tensor) throws(CoreError) -> Tensor {
    guard self == .l1, slope.count > 0 else { return try steepest(slope) }
    return try slope / length(slope).clip(min: 1e-12)
  }

  /// The radius or step itself up to 1e9, which reaches every image from every other: squares of longer ones would not
  /// be finite in float32, and the way back into the ball would end at its centre.
  func bounded(_ length: Double) -> Double { min(length, 1e9) }

  /// One step of length `step` along a slope, back into the ball around the center, then into [0, 1]; all shapes are
  /// the same. In Linf it follows the sign, in L2 and L1 the slope divided by its length. In Linf a fused kernel of the
  /// device does it.
  public func step(
    _ x: Tensor, along slope: Tensor, around center: Tensor, step: Double, eps: Double
  ) throws(CoreError) -> Tensor {
    guard self != .linf else {
      return try signStep(x, gradient: slope, center: center, step: Float(step), eps: Float(eps))
    }
    let moved = try x + direction(slope) * Float(bounded(step))
    return try project(moved, around: center, eps: bounded(eps)).clip(min: 0, max: 1)
  }

  /// `change` thinned out so that its values sum to `eps` at most: each is brought nearer to 0 by the same amount. `eps`
  /// is one number, or one for each example, [n, 1].
  func shrunk(_ change: Tensor, to eps: Tensor) throws(CoreError) -> Tensor {
    let n = change.shape[0]
    let flat = try change.reshape([n, change.count / n])
    let sizes = try flat.abs()
    let sorted = try sizes.topk(flat.shape[1], axis: 1).values
    let excess = try sorted.cumsum(axis: 1) - eps
    let ranks = try Tensor((1...flat.shape[1]).map { Float($0) }, shape: [1, flat.shape[1]])
    // The values that stay: those above what each must give. The first always does.
    let stays = try greaterEqual(sorted * ranks, excess)
    let count = try whereSelect(stays, Tensor.scalar(1), Tensor.scalar(0)).sum(axes: [1], keepdim: true)
    let total = try whereSelect(stays, sorted, Tensor.scalar(0)).sum(axes: [1], keepdim: true)
    let share = try ((total - eps) / count.clip(min: 1)).clip(min: 0)
    return try (flat.sign() * (sizes - share).clip(min: 0)).reshape(change.shape)
  }
}
