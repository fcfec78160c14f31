import Base
import Tensors

/// Linear functions of a value, each of which is zero outside of a window of the image.
///
/// A neuron of a convolution depends on a small part of the image, and its bound is propagated through that part only: a
/// window grows by a kernel at each layer instead of being the whole image from the beginning.
struct CoefficientRows {
  /// Where a row may be other than zero: rows top..<bottom and columns left..<right of the image.
  struct Window: Equatable {
    var top: Int
    var bottom: Int
    var left: Int
    var right: Int

    var height: Int { max(0, bottom - top) }
    var width: Int { max(0, right - left) }
    var area: Int { height * width }

    func union(_ other: Window) -> Window {
      if area == 0 { return other }
      if other.area == 0 { return self }
      return Window(
        top: min(top, other.top), bottom: max(bottom, other.bottom), left: min(left, other.left),
        right: max(right, other.right))
    }
  }

  let shape: BoundNetwork.Shape
  let windows: [Window]
  /// Where each row begins in `values`, and where the last one ends.
  let starts: [Int]
  /// The coefficients: [window height, window width, channels] of each row.
  var values: [Double]

  var count: Int { windows.count }
  /// How many pixels all windows have.
  var pixels: Int { values.count / max(shape.channels, 1) }

  /// Rows of zeros.
  init(_ shape: BoundNetwork.Shape, _ windows: [Window]) {
    self.shape = shape
    self.windows = windows
    var starts = [0]
    starts.reserveCapacity(windows.count + 1)
    for window in windows { starts.append(starts[starts.count - 1] + window.area * shape.channels) }
    self.starts = starts
    values = [Double](repeating: 0, count: starts[starts.count - 1])
  }

  /// The functions sign · value[element].
  init(_ shape: BoundNetwork.Shape, elements: [(element: Int, sign: Double)]) {
    self.init(
      shape,
      elements.map { element, _ in
        let pixel = element / shape.channels
        let (y, x) = (pixel / shape.width, pixel % shape.width)
        return Window(top: y, bottom: y + 1, left: x, right: x + 1)
      })
    for (row, item) in elements.enumerated() { values[starts[row] + item.element % shape.channels] = item.sign }
  }

  /// Rows over the whole value, such as differences of logits.
  init(_ shape: BoundNetwork.Shape, dense: [[Double]]) {
    let whole = Window(top: 0, bottom: shape.height, left: 0, right: shape.width)
    self.init(shape, dense.map { _ in whole })
    values = dense.flatMap { $0 }
  }

  /// One of the functions.
  func row(_ row: Int) -> CoefficientRows {
    var one = CoefficientRows(shape, [windows[row]])
    one.values = Array(values[starts[row]..<starts[row + 1]])
    return one
  }

  /// Adds to the coefficient of an element in the first row, if that is in its window.
  mutating func add(_ coefficient: Double, to element: Int) {
    let pixel = element / shape.channels
    let (y, x, window) = (pixel / shape.width, pixel % shape.width, windows[0])
    guard y >= window.top, y < window.bottom, x >= window.left, x < window.right else { return }
    let place = (y - window.top) * window.width + x - window.left
    values[starts[0] + place * shape.channels + element % shape.channels] += coefficient
  }

  /// The coefficients of all elements in the first row.
  func whole() -> [Double] {
    if windows[0].area == shape.height * shape.width { return Array(values[starts[0]..<starts[1]]) }
    var whole = [Double](repeating: 0, count: shape.count)
    row(0).forRuns { _, element, place, count in
      for i in 0..<count { whole[element + i] = values[starts[0] + place + i] }
    }
    return whole
  }

  /// Calls `body` for each run of neighbouring elements, with the row, where the run begins in the whole value and in
  /// `values`, and its length.
  @inline(__always)
  func forRuns(_ body: (_ row: Int, _ element: Int, _ place: Int, _ count: Int) -> Void) {
    let channels = shape.channels
    for (row, window) in windows.enumerated() where window.area > 0 {
      let count = window.width * channels
      var place = starts[row]
      if window.width == shape.width {
        body(row, window.top * shape.width * channels, place, window.height * count)
        continue
      }
      for y in window.top..<window.bottom {
        body(row, (y * shape.width + window.left) * channels, place, count)
        place += count
      }
    }
  }

  /// The sum of both.
  static func + (a: CoefficientRows, b: CoefficientRows) -> CoefficientRows {
    if a.windows == b.windows {
      var sum = a
      for i in sum.values.indices { sum.values[i] += b.values[i] }
      return sum
    }
    var sum = CoefficientRows(a.shape, zip(a.windows, b.windows).map { $0.union($1) })
    sum.add(a)
    sum.add(b)
    return sum
  }

  private mutating func add(_ other: CoefficientRows) {
    let channels = shape.channels
    for (row, window) in other.windows.enumerated() where window.area > 0 {
      let mine = windows[row]
      for y in window.top..<window.bottom {
        let from = other.starts[row] + (y - window.top) * window.width * channels
        let to = starts[row] + ((y - mine.top) * mine.width + window.left - mine.left) * channels
        for i in 0..<window.width * channels { values[to + i] += other.values[from + i] }
      }
    }
  }
}
