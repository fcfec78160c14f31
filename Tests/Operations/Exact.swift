import Tensors

/// An array of doubles with the plainest definition of everything: the reference that operations are held against.
public struct Exact: Sendable {
  public let shape: [Int]
  /// In row-major order.
  public var values: [Double]

  public init(_ shape: [Int], _ values: [Double]) {
    self.shape = shape
    self.values = values
  }

  /// Each element from its place.
  public init(_ shape: [Int], _ value: ([Int]) throws -> Double) rethrows {
    var values: [Double] = []
    for i in 0..<shape.reduce(1, *) { values.append(try value(Exact.place(i, shape))) }
    self.init(shape, values)
  }

  public init(_ tensor: Tensor) { self.init(tensor.shape, tensor.floats().map(Double.init)) }

  /// The indices of every element.
  var places: [[Int]] { values.indices.map { Exact.place($0, shape) } }

  public var count: Int { values.count }
  public var rank: Int { shape.count }

  public subscript(_ place: Int...) -> Double { self[place] }

  public subscript(_ place: [Int]) -> Double {
    get { values[Exact.index(place, shape)] }
    set { values[Exact.index(place, shape)] = newValue }
  }

  func index(_ place: [Int]) -> Int { Exact.index(place, shape) }

  private static func index(_ place: [Int], _ shape: [Int]) -> Int {
    zip(place, shape).reduce(0) { $0 * $1.1 + $1.0 }
  }

  private static func place(_ index: Int, _ shape: [Int]) -> [Int] {
    var (rest, place) = (index, shape)
    for axis in shape.indices.reversed() { (rest, place[axis]) = (rest / shape[axis], rest % shape[axis]) }
    return place
  }

  public func map(_ f: (Double) -> Double) -> Exact { Exact(shape, values.map(f)) }

  public func reshaped(_ shape: [Int]) -> Exact { Exact(shape, values) }

  /// A size of −1 is what the others leave.
  public func reshaped(completing shape: [Int]) -> Exact {
    let known = shape.filter { $0 >= 0 }.reduce(1, *)
    return reshaped(shape.map { $0 < 0 ? count / max(known, 1) : $0 })
  }

  /// The axis counted from the front.
  func axis(_ axis: Int) -> Int { axis < 0 ? axis + rank : axis }

  func broadcast(to target: [Int]) -> Exact {
    let missing = target.count - rank
    return Exact(target) { place in
      self[shape.indices.map { shape[$0] == 1 ? 0 : place[$0 + missing] }]
    }
  }

  /// Element by element, after broadcasting.
  static func combine(_ a: Exact, _ b: Exact, _ f: (Double, Double) -> Double) -> Exact {
    let rank = max(a.rank, b.rank)
    let first = Array(repeating: 1, count: rank - a.rank) + a.shape
    let second = Array(repeating: 1, count: rank - b.rank) + b.shape
    let target = zip(first, second).map { $0 == 1 ? $1 : $0 }
    return Exact(target, zip(a.broadcast(to: target).values, b.broadcast(to: target).values).map(f))
  }

  /// `f` of the elements that differ in the given axes only (all if nil), in row-major order.
  func reduced(_ axes: [Int]?, keepdim: Bool, _ f: ([Double]) -> Double) -> Exact {
    let axes = Set((axes ?? Array(shape.indices)).map(axis))
    let kept = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
    var groups = Exact(kept) { _ in 0 }.values.map { _ in [Double]() }
    for (i, value) in values.enumerated() {
      let place = Exact.place(i, shape)
      groups[Exact.index(shape.indices.map { axes.contains($0) ? 0 : place[$0] }, kept)].append(value)
    }
    let target = keepdim ? kept : shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
    return Exact(target, groups.map(f))
  }

  /// `f` of each line along an axis, put back in its place.
  func lines(along axis: Int, _ f: ([Double]) -> [Double]) -> Exact {
    let axis = self.axis(axis)
    var result = self
    var starts = shape
    starts[axis] = min(shape[axis], 1)
    for i in 0..<starts.reduce(1, *) {
      var place = Exact.place(i, starts)
      let line = (0..<shape[axis]).map { k in
        place[axis] = k
        return self[place]
      }
      for (k, value) in f(line).enumerated() {
        place[axis] = k
        result[place] = value
      }
    }
    return result
  }

  func permuted(_ order: [Int]) -> Exact {
    let order = order.map(axis)
    return Exact(order.map { shape[$0] }) { place in
      var source = place
      for (to, from) in order.enumerated() { source[from] = place[to] }
      return self[source]
    }
  }

  /// The rows of a matrix.
  var rows: [[Double]] {
    let columns = shape[1]
    return (0..<shape[0]).map { Array(values[$0 * columns..<($0 + 1) * columns]) }
  }

  /// NaN if one is; −infinity of none.
  static func greatest(_ x: [Double]) -> Double { x.reduce(-.infinity) { $0.isNaN || $1 <= $0 ? $0 : $1 } }

  public var sum: Double { values.reduce(0, +) }
}
