/// Batch normalisation over a matrix [rows, channels]; an image tensor has batch · height · width rows.
package protocol NormalizationKernels {
  /// Per channel: mean, and sum of squared deviations from it, over these rows.
  static func moments(_ x: Floats, _ rows: Int, _ channels: Int, _ mean: MutableFloats, _ deviation: MutableFloats)
  /// y = x · scale + shift, plus an addend where there is one, then ReLU if asked.
  static func scaleShift(
    _ x: Floats, _ rows: Int, _ channels: Int, _ scale: Floats, _ shift: Floats, addend: Floats?, _ relu: Bool,
    _ y: MutableFloats)
  /// Per channel: Σ dy and Σ dy · (x − mean), with dy taken as 0 where ReLU(x · scale + shift) was off, if `relu`.
  static func gradientSums(
    _ x: Floats, _ dy: Floats, _ rows: Int, _ channels: Int, _ mean: Floats, _ scale: Floats, _ shift: Floats,
    _ relu: Bool, _ sumDy: MutableFloats, _ sumDyX: MutableFloats)
  /// dx = dy · scale + x · slope + offset, with dy masked as in `gradientSums`.
  static func inputGradient(
    _ x: Floats, _ dy: Floats, _ rows: Int, _ channels: Int, _ scale: Floats, _ shift: Floats, _ slope: Floats,
    _ offset: Floats, _ relu: Bool, _ dx: MutableFloats)
  /// y = (x − mean) / √(variance + eps) · weight + bias with mean and biased variance of each row; weight 1 and bias 0
  /// where they are nil.
  static func layerNorm(
    _ x: Floats, _ rows: Int, _ columns: Int, _ weight: Floats?, _ bias: Floats?, _ eps: Float, _ y: MutableFloats)
  /// dx of `layerNorm` from dy.
  static func layerNormGradient(
    _ x: Floats, _ dy: Floats, _ rows: Int, _ columns: Int, _ weight: Floats?, _ eps: Float, _ dx: MutableFloats)
}
