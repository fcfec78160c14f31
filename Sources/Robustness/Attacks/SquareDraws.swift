/// The random numbers of a run of `square`, step after step.
///
/// Ordinarily each example draws all numbers from a stream of its own, at places that depend on the step alone, so that
/// what an example is tried with does not depend on the others. In the order of the reference some are drawn once for
/// the whole batch, as the original does it: one square and one colour for all examples.
struct SquareDraws {
  let batch: AttackBatch
  let restart: Int
  private var offset = 0

  /// The numbers of the restart with this number.
  init(_ batch: AttackBatch, restart: Int) { (self.batch, self.restart) = (batch, restart) }

  /// The numbers of the next step for these examples, from 0 up to 1, excluded.
  ///
  /// - Parameters:
  ///   - once: how many come first, which the original draws once for all.
  ///   - each: how many follow, which it draws for each example.
  /// - Returns: once + each numbers for the first example, then for the next.
  mutating func next(once: Int, each: Int = 0, of examples: [Int]) throws -> [Float] {
    guard batch.sharesDraws else {
      // The generator makes four numbers at a time.
      defer { offset += (once + each + 3) / 4 * 4 }
      return try batch.few(once + each, of: examples, draw: restart, from: offset)
    }
    let shared = try batch.shared(once)
    let own = try batch.shared(each * examples.count)
    return examples.indices.flatMap { shared + own[$0 * each..<($0 + 1) * each] }
  }
}
