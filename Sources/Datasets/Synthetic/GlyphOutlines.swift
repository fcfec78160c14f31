import Platform

/// The ten digits as strokes in a box of x −0.6…0.6, y −1…1 (y downward).
enum GlyphOutlines {
  typealias Stroke = [SIMD2<Double>]

  /// One entry per class; each a list of polylines.
  static let digits: [[Stroke]] = [
    [arc(0, 0, 0.58, 1, from: 0, to: 360)],
    [[SIMD2(-0.36, -0.58), SIMD2(0.06, -1), SIMD2(0.06, 1)]],
    [arc(0, -0.47, 0.55, 0.53, from: 188, to: 400) + [SIMD2(-0.56, 1), SIMD2(0.6, 1)]],
    [arc(-0.04, -0.5, 0.52, 0.5, from: 205, to: 450) + arc(-0.04, 0.5, 0.6, 0.5, from: 270, to: 515)],
    [[SIMD2(0.28, 1), SIMD2(0.28, -1), SIMD2(-0.6, 0.42), SIMD2(0.62, 0.42)]],
    [[SIMD2(0.52, -1), SIMD2(-0.42, -1), SIMD2(-0.5, -0.12)] + arc(-0.02, 0.37, 0.58, 0.63, from: 222, to: 515)],
    [arc(0.5, 0.4, 1.06, 1.4, from: 266, to: 180) + arc(0, 0.42, 0.56, 0.58, from: 180, to: -180)],
    [[SIMD2(-0.56, -1), SIMD2(0.58, -1), SIMD2(-0.14, 1)]],
    [
      arc(0, -0.51, 0.46, 0.49, from: 90, to: 450) + arc(0, 0.49, 0.57, 0.51, from: 270, to: 630)
    ],
    [arc(-0.5, -0.4, 1.06, 1.4, from: 86, to: 0) + arc(0, -0.42, 0.56, 0.58, from: 0, to: -360)],
  ]

  /// Part of an ellipse; angles in degrees, 0 to the right, 90 downward.
  private static func arc(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, from start: Double, to end: Double
  ) -> Stroke {
    let steps = max(2, Int((abs(end - start) / 15).rounded(.up)))
    return (0...steps).map { step in
      let angle = (start + (end - start) * Double(step) / Double(steps)) * .pi / 180
      return SIMD2(x + width * cos(angle), y + height * sin(angle))
    }
  }
}
