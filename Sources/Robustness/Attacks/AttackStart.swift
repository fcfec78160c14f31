import Base
import Tensors

/// Where an attack begins.
///
/// In Linf a uniform point of the ball is one number for each value. In the other norms implementations differ, and with
/// them their results: `uniform` is what training code and torchattacks do, whose points crowd at the centre, `ball`
/// is uniform in the ball's volume, whose points in many dimensions all lie near its surface.
public enum AttackStart: String, SettingChoice {
  /// The start of PGD: clip(x + d, 0, 1), where d is U(-eps, eps) in Linf. In L2 it is N(0, I) and in L1 a Laplace
  /// distribution, scaled to the length U(0, 1)·eps.
  case uniform
  /// In Linf x + U(-eps, eps), not clipped before the first step, as in the code of ARD and IAD; in other norms as
  /// `uniform`.
  case unclipped
  /// The start of TRADES and its relatives: x + 0.001·N(0, I), not clipped before the first step.
  case normal
  /// The start of BIM: x itself.
  case image
  /// Uniform in the volume of the ball, clipped to [0, 1]: in Linf the same as `uniform`, in L2 and L1 the direction of
  /// `uniform` at the length U(0, 1)^(1/values)·eps.
  case ball

  /// The draw of the length of a start, which is none of those of the directions: restarts are fewer.
  private static let lengths = 1 << 20

  /// The point [k, c, h, w] at which the attack on these k examples begins.
  ///
  /// - Parameters:
  ///   - norm: the norm of the ball, by default Linf.
  ///   - draw: the number of the restart, by default 0.
  public func point(
    _ batch: AttackBatch, of examples: [Int], in norm: Norm = .linf, draw: Int = 0
  ) throws -> Tensor {
    let images = try batch.rows(batch.images, of: examples)
    switch (self, norm) {
    case (.image, _): return images
    case (.normal, _): return try images + batch.normal(deviation: 0.001, of: examples, draw: draw)
    case (.uniform, .linf), (.ball, .linf):
      return try (images + batch.uniform(-batch.eps, batch.eps, of: examples, draw: draw)).clip(min: 0, max: 1)
    case (.unclipped, .linf): return try images + batch.uniform(-batch.eps, batch.eps, of: examples, draw: draw)
    case (.uniform, _), (.unclipped, _), (.ball, _):
      guard images.count > 0 else { return images }
      let direction = try direction(batch, examples, norm, draw)
      var length = try batch.uniformNumber(0, 1, of: examples, draw: draw + Self.lengths)
      if self == .ball { length = try (length.log() * (1 / Float(images.count / images.shape[0]))).exp() }
      let change = try direction * (length * Float(norm.bounded(batch.eps)) / norm.length(direction).clip(min: 1e-12))
      return try norm.project(images + change, around: images, eps: norm.bounded(batch.eps)).clip(min: 0, max: 1)
    }
  }

  /// Random directions without a preferred one: uniform on the sphere of the norm, once they are scaled.
  private func direction(_ batch: AttackBatch, _ examples: [Int], _ norm: Norm, _ draw: Int) throws -> Tensor {
    guard norm == .l1 else { return try batch.normal(deviation: 1, of: examples, draw: draw) }
    let u = try batch.uniform(-1, 1, of: examples, draw: draw)
    return try u.sign() * (1 - u.abs()).clip(min: 1e-12).log().neg()
  }
}
