import KernelTypes

/// Elementwise float32 kernels over contiguous memory, split over threads. Output may be the same memory as an input.
package enum Elementwise {
  /// Values per chunk: half of a first-level cache for two operands.
  static let grain = 1 << 14

  /// y = operation(x).
  package static func unary(
    _ operation: UnaryOperation, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    let kernels = kernels
    Threads.parallelFor(count, grain: grain) { r in
      kernels.unary(operation, x + r.lowerBound, y + r.lowerBound, r.count)
    }
  }

  /// y = operation(a, b).
  package static func binary(
    _ operation: BinaryOperation, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    let kernels = kernels
    Threads.parallelFor(count, grain: grain) { r in
      let i = r.lowerBound
      kernels.binary(operation, a + i, 1, b + i, 1, y + i, r.count)
    }
  }

  /// A matrix operand seen through strides: value (r, c) is at r · rowStep + c · columnStep.
  package struct Operand {
    /// Value (0, 0).
    package var values: UnsafePointer<Float>
    /// Values from one row to the next; 0 repeats one row.
    package var rowStep: Int
    /// 0 or 1; 0 repeats one value.
    package var columnStep: Int

    /// An operand over memory of the caller.
    package init(_ values: UnsafePointer<Float>, rowStep: Int, columnStep: Int) {
      self.values = values
      self.rowStep = rowStep
      self.columnStep = columnStep
    }
  }

  /// y[rows, columns] = f(a, b) with broadcasting as the steps of the operands say.
  package static func binary(
    _ operation: BinaryOperation, _ a: Operand, _ b: Operand, _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int
  ) {
    guard columns > 0 else { return }
    let kernels = kernels
    if rows == 1 {
      Threads.parallelFor(columns, grain: grain) { r in
        let i = r.lowerBound
        kernels.binary(
          operation, a.values + i * a.columnStep, a.columnStep, b.values + i * b.columnStep, b.columnStep, y + i,
          r.count)
      }
      return
    }
    if columns >= 4 * grain {
      for r in 0..<rows {
        if Threads.isStopped { return }
        let first = Operand(a.values + r * a.rowStep, rowStep: 0, columnStep: a.columnStep)
        let second = Operand(b.values + r * b.rowStep, rowStep: 0, columnStep: b.columnStep)
        binary(operation, first, second, y + r * columns, rows: 1, columns: columns)
      }
      return
    }
    Threads.parallelFor(rows, grain: max(1, grain / columns)) { chunk in
      for r in chunk {
        kernels.binary(
          operation, a.values + r * a.rowStep, a.columnStep, b.values + r * b.rowStep, b.columnStep, y + r * columns,
          columns)
      }
    }
  }

  /// y = alpha · x + beta · y; y is not read where beta is 0.
  package static func scaleAdd(
    _ alpha: Float, _ x: UnsafePointer<Float>, _ beta: Float, _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    let kernels = kernels
    Threads.parallelFor(count, grain: grain) { r in
      kernels.scaleAdd(alpha, x + r.lowerBound, beta, y + r.lowerBound, r.count)
    }
  }

  /// y = x · alpha + beta.
  package static func affine(
    _ x: UnsafePointer<Float>, _ alpha: Float, _ beta: Float, _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    let kernels = kernels
    Threads.parallelFor(count, grain: grain) { r in
      kernels.affine(x + r.lowerBound, alpha, beta, y + r.lowerBound, r.count)
    }
  }

  /// y = x limited to low…high; NaN stays NaN.
  package static func clip(
    _ x: UnsafePointer<Float>, _ low: Float, _ high: Float, _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    let kernels = kernels
    Threads.parallelFor(count, grain: grain) { r in kernels.clip(x + r.lowerBound, low, high, y + r.lowerBound, r.count)
    }
  }

  /// y = x where x > 0, slope · x elsewhere.
  package static func leakyRelu(
    _ x: UnsafePointer<Float>, slope: Float, _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    let kernels = kernels
    Threads.parallelFor(count, grain: grain) { r in
      kernels.leakyRelu(x + r.lowerBound, nil, slope, y + r.lowerBound, r.count)
    }
  }

  /// dx = dy where x > 0, slope · dy elsewhere.
  package static func leakyReluGradient(
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, slope: Float, _ dx: UnsafeMutablePointer<Float>, count: Int
  ) {
    let kernels = kernels
    Threads.parallelFor(count, grain: grain) { r in
      kernels.leakyRelu(x + r.lowerBound, dy + r.lowerBound, slope, dx + r.lowerBound, r.count)
    }
  }

  /// One ascent step of a sign attack in the Linf ball: y = clip(clip(x + step · sign(gradient), center ± eps), low…high).
  package static func signStep(
    _ x: UnsafePointer<Float>, gradient: UnsafePointer<Float>, center: UnsafePointer<Float>, step: Float, eps: Float,
    low: Float, high: Float, _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    let kernels = kernels
    Threads.parallelFor(count, grain: grain) { r in
      let i = r.lowerBound
      kernels.signStep(x + i, gradient + i, center + i, step, eps, low, high, y + i, r.count)
    }
  }

  /// One step of stochastic gradient descent as PyTorch's SGD: g' = g + weightDecay · w, v = momentum · v +
  /// g', w −= rate · (nesterov ? g' + momentum · v : v); without `velocity`, w −= rate · g'.
  package static func sgd(
    _ weights: UnsafeMutablePointer<Float>, velocity: UnsafeMutablePointer<Float>?, gradient: UnsafePointer<Float>,
    count: Int, rate: Float, momentum: Float = 0, weightDecay: Float = 0, kept: Float = 1,
    nesterov: Bool = false
  ) {
    let kernels = kernels
    Threads.parallelFor(count, grain: grain) { r in
      let i = r.lowerBound
      kernels.sgd(
        weights + i, velocity.map { $0 + i }, gradient + i, r.count, rate: rate, momentum: momentum,
        weightDecay: weightDecay, kept: kept, nesterov: nesterov)
    }
  }

  /// One step of Adam, in place.
  package static func adam(
    _ weights: UnsafeMutablePointer<Float>, mean: UnsafeMutablePointer<Float>, square: UnsafeMutablePointer<Float>,
    gradient: UnsafePointer<Float>, count: Int, _ step: AdamStep
  ) {
    let kernels = kernels
    Threads.parallelFor(count, grain: grain) { r in
      let i = r.lowerBound
      kernels.adam(weights + i, mean: mean + i, square: square + i, gradient + i, r.count, step)
    }
  }
}
