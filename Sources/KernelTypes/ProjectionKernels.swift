/// The norm in which a point of the box [0, 1] is to move as little as possible.
package enum BoxNorm: Sendable, CaseIterable { case linf, l2, l1 }

/// One step of the boundary attack FAB, as `ProjectionKernels.boundaryStep` takes it.
package struct BoundaryStep: Sendable {
  /// The norm in which distances are small.
  package var norm: BoxNorm
  /// How far a step goes in units of the way to the hyperplane: a little beyond it.
  package var overshoot: Float
  /// The largest share of the step from the centre in the result.
  package var mostShare: Float

  /// A step; see the properties.
  package init(norm: BoxNorm, overshoot: Float, mostShare: Float) {
    (self.norm, self.overshoot, self.mostShare) = (norm, overshoot, mostShare)
  }
}

/// Kernels that move points of the box [0, 1] to a hyperplane. A row is a point; each is worked on by itself.
package protocol ProjectionKernels {
  /// d = the displacement of t that is shortest in the norm among those that lower ⟨w, t⟩ by `amount` (raise it, where
  /// that is negative) and leave t + d in [0, 1]; where there is none, the one that comes nearest.
  static func projectOntoHyperplane(
    _ norm: BoxNorm, _ t: Floats, _ w: Floats, _ amount: Float, _ count: Int, _ d: MutableFloats)
  /// y = the step of FAB from x: with d and e the displacements of x and of the centre to the hyperplane on which ⟨w, ·⟩
  /// is `lead` less than at x, and a = min(‖d‖ / (‖d‖ + ‖e‖), mostShare), it is
  /// (x + overshoot · d)(1 − a) + (centre + overshoot · e) a, limited to [0, 1].
  ///
  /// - Returns: the distance of y from the centre.
  static func boundaryStep(
    _ step: BoundaryStep, _ x: Floats, _ center: Floats, _ w: Floats, _ lead: Float, _ count: Int, _ y: MutableFloats
  ) -> Float
}
