import Base
import Tensors

/// The images that a certificate speaks of: those of [0, 1] within a radius of an image.
struct CertifiedBall: Sendable {
  let norm: Norm
  let eps: Double
  /// The image, with channels last.
  let centre: [Double]
  /// The box around the ball, rounded outwards.
  let low: [Double]
  let high: [Double]

  /// - Parameter image: [height, width, channels]
  init(_ image: [Double], norm: Norm, eps: Double) {
    (self.norm, self.eps, centre) = (norm, eps, image)
    low = image.map { max(min(0, $0), ($0 - eps).nextDown) }
    high = image.map { min(max(1, $0), ($0 + eps).nextUp) }
  }

  /// Adds the least values of linear functions of the image. In L2 and L1 the ball and the box are taken each by itself:
  /// both bounds hold, and the better one counts.
  func minimise(_ rows: CoefficientRows, _ state: inout Descent) {
    guard norm != .linf else { return state.minimise(rows, low, high) }
    var box = Descent(rows.count)
    box.minimise(rows, low, high)
    var (products, squares, greatest) = (box, box, box)
    products = Descent(rows.count)
    squares = products
    greatest = products
    products.minimise(rows, centre, centre)
    rows.forRuns { row, _, place, count in
      var (sum, most) = (0.0, greatest.errors[row])
      for i in 0..<count {
        let g = rows.values[place + i]
        sum += g * g
        most = max(most, abs(g))
      }
      squares.add(row, constant: sum)
      greatest.add(row, error: most - greatest.errors[row])
    }
    for row in 0..<rows.count {
      let length = norm == .l2 ? squares.constants[row].squareRoot() : greatest.errors[row]
      // The length of the coefficients is rounded, too: it is charged like a coefficient.
      state.add(
        row, constant: max(box.constants[row], products.constants[row] - eps * length), error: eps * length)
    }
  }
}
