import Base
import Devices

/// Arithmetic on shapes, with errors instead of overflow.
package enum Shape {
  /// The indices of an element that is given by its position in row-major order.
  package static func indices(of position: Int, in shape: [Int]) -> [Int] {
    var rest = position
    var indices: [Int] = []
    for size in shape.reversed() {
      indices.append(size == 0 ? 0 : rest % size)
      rest = size == 0 ? 0 : rest / size
    }
    return indices.reversed()
  }

  /// The number of elements.
  /// - Throws: `shape` for a negative size, `memory` when the product does not fit.
  package static func count(_ shape: [Int]) throws(CoreError) -> Int {
    guard shape.count <= 64 else {
      throw CoreError(.shape, "a tensor must have at most 64 axes, not \(shape.count)", argument: "shape")
    }
    var count = 1
    var isEmpty = false
    for size in shape {
      guard size >= 0 else {
        throw CoreError(
          .shape, "the shape \(shape) has a negative size", hint: "sizes must be at least 0", argument: "shape")
      }
      if size == 0 { isEmpty = true }
    }
    if isEmpty { return 0 }
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, product <= Int.max / 16 else {
        throw CoreError(
          .memory, "a tensor of shape \(shape) does not fit into memory", hint: "use smaller sizes",
          argument: "shape")
      }
      count = product
    }
    return count
  }

  /// NumPy's broadcasting: sizes are matched from the last axis; 1 stretches.
  package static func broadcast(_ a: [Int], _ b: [Int], _ operation: String = "an elementwise operation")
    throws(CoreError)
    -> [Int]
  {
    if a == b { return a }
    let rank = max(a.count, b.count)
    var result = [Int](repeating: 1, count: rank)
    for back in 1...max(rank, 1) where back <= rank {
      let x = back <= a.count ? a[a.count - back] : 1
      let y = back <= b.count ? b[b.count - back] : 1
      guard x == y || x == 1 || y == 1 else {
        throw CoreError(
          .shape, "shapes \(a) and \(b) do not match in \(operation)",
          hint: "axis -\(back) has \(x) elements on the left and \(y) on the right; sizes must be equal or 1")
      }
      result[rank - back] = x == 1 ? y : x
    }
    return result
  }

  /// An axis that may count from the end, as one from 0.
  package static func axis(
    _ axis: Int, rank: Int, _ operation: String, argument: String = "axis"
  ) throws(CoreError) -> Int {
    guard axis >= -rank, axis < rank else {
      throw CoreError(
        .shape, "axis \(axis) of \(operation) is out of range for a tensor with \(rank.of("axis", "axes"))",
        hint: rank == 0
          ? "a tensor without axes is a single number"
          : rank == 1 ? "its only axis is 0, or -1" : "axes go from 0 to \(rank - 1), or from -\(rank) to -1",
        argument: argument)
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Axes without repetition, in ascending order; `nil` means all.
  package static func axes(_ axes: [Int]?, rank: Int, _ operation: String) throws(CoreError) -> [Int] {
    guard let axes else { return Array(0..<rank) }
    var seen = Set<Int>()
    for given in axes {
      let axis = try axis(given, rank: rank, operation)
      guard seen.insert(axis).inserted else {
        throw CoreError(
          .value, "axis \(given) is named twice in \(operation)", hint: "name each axis once; -1 is the last one",
          argument: "axis")
      }
    }
    return seen.sorted()
  }

  /// Checks that a label is one of 0..<classes.
  /// - Throws: `value` if it is not.
  package static func check(label: Int, classes: Int) throws(CoreError) {
    guard label >= 0, label < classes else {
      throw CoreError(
        .value, "label \(label) is not one of the \(classes) classes",
        hint: classes > 0 ? "classes are numbered from 0 to \(classes - 1)" : "there are no classes",
        argument: "labels")
    }
  }
}
