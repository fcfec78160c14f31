import Base
import KernelTypes
import Kernels

extension CPUDevice {
  func map(_ function: ElementwiseMap, _ x: Storage, _ y: Storage, count: Int) throws(CoreError) {
    try kernel { () throws(KernelError) in
      switch function {
      case .unary(let operation): Elementwise.unary(operation, x.floats, y.floats, count: count)
      case .affine(let scale, let offset): Elementwise.affine(x.floats, scale, offset, y.floats, count: count)
      case .clip(let low, let high): Elementwise.clip(x.floats, low, high, y.floats, count: count)
      case .leakyRelu(let slope): Elementwise.leakyRelu(x.floats, slope: slope, y.floats, count: count)
      case .not:
        let (x, y) = (x.bools, y.bools)
        Threads.parallelFor(count, grain: Self.grain) { r in for i in r { y[i] = x[i] == 0 ? 1 : 0 } }
      }
    }
  }

  func mapGradient(
    _ function: ElementwiseMap, _ x: Storage, _ dy: Storage, _ dx: Storage, count: Int
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in gradient(function, x, dy, dx, count) }
  }

  private func gradient(_ function: ElementwiseMap, _ x: Storage, _ dy: Storage, _ dx: Storage, _ count: Int) {
    switch function {
    case .leakyRelu(let slope):
      Elementwise.leakyReluGradient(x.floats, dy.floats, slope: slope, dx.floats, count: count)
    case .clip(let low, let high):
      let (x, dy, dx) = (x.floats, dy.floats, dx.floats)
      Threads.parallelFor(count, grain: Self.grain) { r in
        for i in r { dx[i] = x[i] >= low && x[i] <= high ? dy[i] : 0 }
      }
    case .affine(let scale, _): Elementwise.affine(dy.floats, scale, 0, dx.floats, count: count)
    case .not: break
    case .unary(let operation):
      let (x, dy, dx) = (x.floats, dy.floats, dx.floats)
      func each(_ slope: (Float) -> Float) {
        Threads.parallelFor(count, grain: Self.grain) { r in for i in r { dx[i] = dy[i] * slope(x[i]) } }
      }
      switch operation {
      case .relu: Elementwise.binary(.reluGradient, x, dy, dx, count: count)
      case .absolute: Elementwise.binary(.absoluteGradient, x, dy, dx, count: count)
      case .silu: Elementwise.binary(.siluGradient, x, dy, dx, count: count)
      case .relu6: Elementwise.binary(.relu6Gradient, x, dy, dx, count: count)
      case .gelu: Elementwise.binary(.geluGradient, x, dy, dx, count: count)
      case .softplus: Elementwise.binary(.softplusGradient, x, dy, dx, count: count)
      case .square: each { 2 * $0 }
      case .log: Elementwise.binary(.divide, dy, x, dx, count: count)
      case .log1p: each { 1 / (1 + $0) }
      case .atanh: each { 1 / (1 - $0 * $0) }
      case .arcsine: each { 1 / (1 - $0 * $0).squareRoot() }
      case .arccosine: each { -1 / (1 - $0 * $0).squareRoot() }
      case .arctangent: each { 1 / (1 + $0 * $0) }
      case .reciprocal: each { -1 / ($0 * $0) }
      case .negate: Elementwise.unary(.negate, dy, dx, count: count)
      case .sign, .floor, .ceiling, .round: each { _ in 0 }
      case .exp, .squareRoot, .tanh, .sigmoid, .sine, .cosine, .tangent, .errorFunction:
        // Their slopes are formed above the device.
        each { _ in .nan }
      }
    }
  }

  func scaleAdd(_ alpha: Float, _ x: Storage, _ beta: Float, _ y: Storage, count: Int) throws(CoreError) {
    try kernel { () throws(KernelError) in Elementwise.scaleAdd(alpha, x.floats, beta, y.floats, count: count) }
  }

  func binary(_ operation: BinaryOperation, _ a: View, _ b: View, _ y: View) throws(CoreError) {
    if y.dtype == .int64 { return try kernel { () throws(KernelError) in binaryOfInts(operation, a, b, y) } }
    let loops = Loops(y, a, b)
    guard let last = loops.steps.last, let columns = loops.sizes.last, columns > 0 else { return }
    // The kernels take one value or neighbours; other strides are gathered first.
    if last[1] > 1 || last[1] < 0 { return try binary(operation, try dense(a, like: y), b, y) }
    if last[2] > 1 || last[2] < 0 { return try binary(operation, a, try dense(b, like: y), y) }
    let (x1, x2, out) = (a.storage.floats, b.storage.floats, y.storage.floats)
    let deep = loops.sizes.count > 1
    let rows = deep ? loops.sizes[loops.sizes.count - 2] : 1
    let rowSteps = deep ? loops.steps[loops.steps.count - 2] : SIMD4(repeating: 0)
    let inner = deep ? 2 : 1
    try kernel { () throws(KernelError) in
      loops.forEach(0..<loops.rounds(inner: inner), inner: inner) { at in
        Elementwise.binary(
          operation, Elementwise.Operand(x1 + at[1], rowStep: rowSteps[1], columnStep: last[1]),
          Elementwise.Operand(x2 + at[2], rowStep: rowSteps[2], columnStep: last[2]), out + at[0], rows: rows,
          columns: columns)
      }
    }
  }

  /// A copy of x with the memory order of y, whose shape it has.
  private func dense(_ x: View, like y: View) throws(CoreError) -> View {
    var copy = y
    copy.offset = 0
    copy.dtype = x.dtype
    copy.storage = try Storage(x.dtype, count: y.shape.reduce(1, &*))
    try self.copy(x, to: copy)
    return copy
  }

  private func binaryOfInts(_ operation: BinaryOperation, _ a: View, _ b: View, _ y: View) {
    let f: (Int, Int) -> Int =
      switch operation {
      case .add: { $0 &+ $1 }
      case .subtract: { $0 &- $1 }
      case .multiply: { $0 &* $1 }
      case .maximum: { Swift.max($0, $1) }
      case .minimum: { Swift.min($0, $1) }
      default: { _, _ in 0 }
      }
    strided(y, a, b, y.storage.ints, a.storage.ints, b.storage.ints, f)
  }

  func compare(_ comparison: Comparison, _ a: View, _ b: View, _ y: View) throws(CoreError) {
    try kernel { () throws(KernelError) in
      switch a.dtype {
      case .float32: compare(comparison, a, b, y, a.storage.floats, b.storage.floats)
      case .int64: compare(comparison, a, b, y, a.storage.ints, b.storage.ints)
      case .bool: compare(comparison, a, b, y, a.storage.bools, b.storage.bools)
      }
    }
  }

  @inline(__always)
  private func compare<T: Comparable>(
    _ comparison: Comparison, _ a: View, _ b: View, _ y: View, _ x1: UnsafeMutablePointer<T>,
    _ x2: UnsafeMutablePointer<T>
  ) {
    let out = y.storage.bools
    switch comparison {
    case .equal: strided(y, a, b, out, x1, x2) { $0 == $1 ? 1 : 0 }
    case .notEqual: strided(y, a, b, out, x1, x2) { $0 != $1 ? 1 : 0 }
    case .less: strided(y, a, b, out, x1, x2) { $0 < $1 ? 1 : 0 }
    case .lessEqual: strided(y, a, b, out, x1, x2) { $0 <= $1 ? 1 : 0 }
    }
  }

  @inline(__always)
  private func strided<A, B, Y>(
    _ y: View, _ a: View, _ b: View, _ out: UnsafeMutablePointer<Y>, _ x1: UnsafeMutablePointer<A>,
    _ x2: UnsafeMutablePointer<B>, _ f: (A, B) -> Y
  ) {
    let loops = Loops(y, a, b)
    guard let last = loops.steps.last else { return }
    loops.inPieces { at, columns in
      for i in 0..<columns { out[at[0] &+ i &* last[0]] = f(x1[at[1] &+ i &* last[1]], x2[at[2] &+ i &* last[2]]) }
    }
  }

  func select(_ mask: View, _ a: View, _ b: View, _ y: View) throws(CoreError) {
    try kernel { () throws(KernelError) in
      switch y.dtype {
      case .float32: select(mask, a, b, y, a.storage.floats, b.storage.floats, y.storage.floats)
      case .int64: select(mask, a, b, y, a.storage.ints, b.storage.ints, y.storage.ints)
      case .bool: select(mask, a, b, y, a.storage.bools, b.storage.bools, y.storage.bools)
      }
    }
  }

  @inline(__always)
  private func select<T>(
    _ mask: View, _ a: View, _ b: View, _ y: View, _ x1: UnsafeMutablePointer<T>, _ x2: UnsafeMutablePointer<T>,
    _ out: UnsafeMutablePointer<T>
  ) {
    let loops = Loops(y, a, b, mask)
    guard let last = loops.steps.last else { return }
    let masks = mask.storage.bools
    loops.inPieces { at, columns in
      for i in 0..<columns {
        let use = masks[at[3] &+ i &* last[3]] != 0
        out[at[0] &+ i &* last[0]] = use ? x1[at[1] &+ i &* last[1]] : x2[at[2] &+ i &* last[2]]
      }
    }
  }

  static let grain = 1 << 14
}
