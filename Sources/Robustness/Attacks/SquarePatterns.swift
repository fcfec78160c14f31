import Base

/// The patterns that the Square attack adds to an image in L2 and L1: two halves of a square, one positive and one
/// negative, each falling off from its middle in rings.
enum SquarePatterns {
  /// Rings around the middle of a rectangle, of length 1 in the norm: ring k, counted from 0, adds 1/(k + 1)² to all that
  /// lies within it, in L1 1/(k + 1)⁴.
  ///
  /// - Returns: rows · columns numbers.
  static func rectangle(_ rows: Int, _ columns: Int, _ norm: Norm) -> [Float] {
    var values = [Float](repeating: 0, count: rows * columns)
    let (top, left) = (rows / 2, columns / 2)
    for k in 0...max(top, left) {
      let weight = 1 / power(Float(k + 1), norm == .l1 ? 4 : 2)
      for y in max(top - k, 0)..<max(min(top + k + 1, rows), 0) {
        for x in max(left - k, 0)..<max(min(left + k + 1, columns), 0) { values[y * columns + x] += weight }
      }
    }
    return normalised(values, norm)
  }

  /// A square whose upper half is a rectangle and whose lower half is another, negated; of length 1 in the norm. Of an
  /// odd side the lower half is the larger.
  static func square(_ side: Int, _ norm: Norm) -> [Float] {
    let upper = side / 2
    return normalised(rectangle(upper, side, norm) + rectangle(side - upper, side, norm).map { -$0 }, norm)
  }

  private static func power(_ value: Float, _ exponent: Int) -> Float {
    (0..<exponent).reduce(1) { product, _ in product * value }
  }

  private static func normalised(_ values: [Float], _ norm: Norm) -> [Float] {
    let total = values.reduce(0) { $0 + (norm == .l1 ? Double(abs($1)) : Double($1) * Double($1)) }
    let length = Float(norm == .l1 ? total : total.squareRoot())
    return length > 0 ? values.map { $0 / length } : values
  }
}
