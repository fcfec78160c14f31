import Base
import Networks
import Tensors

/// The answers of teachers to the images of a data set, as they become known: each is computed once in a run and not once
/// in an epoch, where no augmentation changes the images.
///
/// An answer in evaluation mode has the same bits in whatever batch its image is, so that what is kept is what would be
/// computed again. Images go by their positions in the data set. At most 2^26 logits of each teacher are kept, a quarter of
/// a gigabyte: where there would be more, those of the first images. A state of a run has none of them; a run that is
/// continued computes them anew.
final class TeacherAnswers {
  /// The most logits of a teacher that are kept.
  private static let limit = 1 << 26

  private struct Known {
    /// Rows of logits, one part after the other.
    var parts: [Tensor] = []
    /// Which row each image has, by its position.
    var rows: [Int: Int] = [:]
  }

  private var known: [ObjectIdentifier: Known] = [:]
  /// The logits [n, classes] of a teacher for the images at these n positions.
  ///
  /// - Parameter compute: finds them where they are not known.
  func logits(of teacher: Model, at positions: [Int], _ compute: () throws -> Tensor) throws -> Tensor {
    var own = known[ObjectIdentifier(teacher)] ?? Known()
    let rows = positions.compactMap { own.rows[$0] }
    if rows.count == positions.count, !rows.isEmpty {
      if own.parts.count > 1 {
        own.parts = [try concat(own.parts, axis: 0)]
        known[ObjectIdentifier(teacher)] = own
      }
      return try own.parts[0].indexSelect(axis: 0, rows)
    }
    let logits = try compute()
    // A batch of which some are known is computed whole, and kept only where all of it is new.
    guard rows.isEmpty, Set(positions).count == positions.count,
      (own.rows.count + positions.count) * teacher.classes <= Self.limit
    else { return logits }
    for position in positions { own.rows[position] = own.rows.count }
    own.parts.append(logits)
    known[ObjectIdentifier(teacher)] = own
    return logits
  }
}

/// What a step asks of the answers that are kept: those at the positions of its images.
struct KnownAnswers {
  /// The answers of the run.
  var answers: TeacherAnswers
  /// The positions of the step's images.
  var positions: [Int]
}
