/// Steps of attacks on one example, whose values lie together in memory. The output may be the same memory as no input.
package protocol AttackKernels {
  /// In the Linf ball: u = clip(x + step · sign(g)), y = clip(x + share · (u − x) + (1 − share) · (x − previous)), where
  /// clip is first to center ± eps and then to 0…1.
  static func momentumSignStep(
    _ x: Floats, _ previous: Floats, _ gradient: Floats, _ center: Floats, step: Float, share: Float, eps: Float,
    _ y: MutableFloats, _ count: Int)
  /// The same in the L2 ball, along g / ‖g‖, where clip is back into the ball and then to 0…1.
  static func momentumNormalStep(
    _ x: Floats, _ previous: Floats, _ gradient: Floats, _ center: Floats, step: Float, share: Float, eps: Float,
    _ y: MutableFloats, _ count: Int)
  /// In the L1 ball: y = center + the nearest change of length `eps` at most that stays in 0…1, from
  /// x + step · s / ‖s‖₁ − center, where s is the sign of those values of the gradient that are not below the one at
  /// `rank` among their sizes, counted from 0, the smallest first.
  static func sparseStep(
    _ x: Floats, _ gradient: Floats, _ center: Floats, step: Float, rank: Int, eps: Float, _ y: MutableFloats,
    _ count: Int)
  /// y = the point of the L1 ball of radius `eps` around the center, and of 0…1, that is nearest to x. The change is what
  /// is shortened: where nothing is left of it, y may differ from the center by a rounding.
  static func nearestInL1(_ x: Floats, _ center: Floats, eps: Float, _ y: MutableFloats, _ count: Int)
}
