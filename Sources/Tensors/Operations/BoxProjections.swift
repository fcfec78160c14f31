import Base
import Devices

// Projections of examples onto hyperplanes within the box [0, 1]: what FAB does in each step (Croce and Hein 2020). None
// is recorded.

/// The displacement of each example of t that is shortest in the norm among those that lower its product with its normal
/// by its amount (a negative one raises it) and leave it within [0, 1]. Where none does, it is the one that comes
/// nearest: all that moves is at the bounds. Values whose normal is 0 stay; in L2 and L1, as in the official code, also
/// those whose normal is 1e-8 at most. The same to 2e-5, whatever the order of the values.
///
/// - Parameters:
///   - t: [n, …], values in [0, 1].
///   - normals: of the same shape.
///   - amounts: [n].
/// - Throws: `shape` where these do not fit, `type` unless all are float32.
package func projectOntoHyperplanes(
  _ t: Tensor, normals: Tensor, amounts: Tensor, norm: BoxNorm
) throws(CoreError) -> Tensor {
  try requireRows([t, normals], amounts)
  let layout = commonLayout(t.shape, [normals, t])
  let (points, slopes) = (try t.detached().inLayout(layout), try normals.detached().inLayout(layout))
  let y = try points.similar()
  guard y.count > 0 else { return y }
  let rows = amounts.count
  try device.projectOntoHyperplanes(
    norm, points.storage, slopes.storage, amounts: amounts.rowMajor().storage, rows: rows, columns: y.count / rows,
    y.storage)
  return y
}

/// One step of FAB from each example of x. The hyperplane is where the product with the normal is `leads` less than at x:
/// with d and e the shortest displacements of x and of its centre onto it (`projectOntoHyperplanes`) and
/// a = min(‖d‖ / (‖d‖ + ‖e‖), mostShare), lengths being 1e-8 at least, the step leads to
/// (x + overshoot · d)(1 − a) + (centre + overshoot · e) a, limited to [0, 1].
///
/// - Parameters:
///   - x: [n, …], values in [0, 1].
///   - centers: of the same shape, values in [0, 1].
///   - normals: of the same shape.
///   - leads: [n].
/// - Returns: the points, of the shape of x, and how far each is from its centre in the norm, [n].
/// - Throws: `shape` where these do not fit, `type` unless all are float32.
package func boundaryStep(
  _ x: Tensor, centers: Tensor, normals: Tensor, leads: Tensor, _ step: BoundaryStep
) throws(CoreError) -> (points: Tensor, distances: Tensor) {
  try requireRows([x, centers, normals], leads)
  let layout = commonLayout(x.shape, [normals, x])
  let (from, slopes) = (try x.detached().inLayout(layout), try normals.detached().inLayout(layout))
  let middles = try centers.detached().inLayout(layout)
  let y = try from.similar()
  let distances = try Tensor(.float32, shape: leads.shape)
  guard y.count > 0 else { return (y, distances) }
  let rows = leads.count
  try device.boundaryStep(
    step, from.storage, center: middles.storage, slopes.storage, leads: leads.rowMajor().storage, rows: rows,
    columns: y.count / rows, y.storage, distances: distances.storage)
  return (y, distances)
}

/// Checks tensors of one shape [n, …], and one number for each row.
private func requireRows(_ tensors: [Tensor], _ numbers: Tensor) throws(CoreError) {
  let all = tensors + [numbers]
  guard all.allSatisfy({ $0.dtype == .float32 }) else {
    let types = all.map(\.dtype.shortName).joined(separator: ", ")
    throw CoreError(.type, "a projection needs float32 tensors, not \(types)")
  }
  let shape = tensors.first?.shape ?? []
  guard let rows = shape.first, tensors.allSatisfy({ $0.shape == shape }), numbers.shape == [rows] else {
    throw CoreError(
      .shape,
      "a projection needs equal shapes and one number for each row, not "
        + all.map { "\($0.shape)" }.joined(separator: ", "))
  }
}
