import Base
import Devices

// Operations that move elements to other positions: reversed, shifted, padded, repeated, on a diagonal.

extension Tensor {
  /// The elements in reverse order along the given axes; along all if nil.
  public func flip(axes: [Int]? = nil) throws(CoreError) -> Tensor {
    var result = self
    for axis in try Shape.axes(axes, rank: rank, "flip") where shape[axis] > 1 {
      result = try result.slice(axis: axis, shape[axis] - 1, .min, step: -1)
    }
    return result
  }

  /// Shifted along axes: what leaves at the end comes in at the beginning.
  ///
  /// - Parameters:
  ///   - shifts: for each axis, how far; negative towards the beginning.
  ///   - axes: nil shifts by `shifts[0]` in row-major order.
  public func roll(_ shifts: [Int], axes: [Int]?) throws(CoreError) -> Tensor {
    guard let axes else {
      guard shifts.count == 1 else {
        throw CoreError(
          .value, "roll by \(shifts.count) shifts needs as many axes", hint: "roll(x, [1, 2], axis=[0, 1])",
          argument: "axis")
      }
      return try reshape([count]).roll(shifts, axes: [0]).reshape(shape)
    }
    guard shifts.count == axes.count else {
      throw CoreError(
        .value, "roll has \(shifts.count) shifts for \(axes.count) axes",
        hint: "pass one shift for each axis: roll(x, [1, 2], axis=[0, 1])",
        argument: "shift")
    }
    var result = self
    for (shift, given) in zip(shifts, axes) {
      let axis = try Shape.axis(given, rank: rank, "roll")
      let size = shape[axis]
      guard size > 1 else { continue }
      let cut = (size - (shift % size + size) % size) % size
      if cut == 0 { continue }
      result = try concat(
        [result.slice(axis: axis, cut, size), result.slice(axis: axis, 0, cut)], axis: axis)
    }
    return result
  }

  /// With `before` and `after` elements of one value around each axis.
  /// - Parameter widths: one pair for each axis.
  public func pad(_ widths: [(before: Int, after: Int)], value: Double = 0) throws(CoreError) -> Tensor {
    guard widths.count == rank else {
      throw CoreError(
        .shape, "pad needs a pair of widths for each of the \(rank) axes of shape \(shape), not \(widths.count)",
        hint: "for the last two axes of images: [[0, 0], [0, 0], [2, 2], [2, 2]]", argument: "widths")
    }
    guard widths.allSatisfy({ $0.before >= 0 && $0.after >= 0 }) else {
      throw CoreError(
        .value, "widths of pad must be at least 0", hint: "x[1:-1] takes elements off", argument: "widths")
    }
    if dtype != .float32, value != value.rounded() || value.magnitude > 0x1p53 {
      throw CoreError(
        .type, "the value \(value) does not fit a tensor of type \(dtype.shortName)",
        hint: "float32(x) makes an f32 tensor", argument: "value")
    }
    var target = shape
    for (axis, width) in widths.enumerated() {
      let (a, overflow) = shape[axis].addingReportingOverflow(width.before)
      let (b, more) = a.addingReportingOverflow(width.after)
      guard !overflow, !more else {
        throw CoreError(.memory, "the widths of pad are too large", argument: "widths")
      }
      target[axis] = b
    }
    _ = try Shape.count(target)
    var result = self
    for (axis, width) in widths.enumerated() where width.before > 0 || width.after > 0 {
      func edge(_ size: Int) throws(CoreError) -> Tensor {
        var edge = result.shape
        edge[axis] = size
        return try Tensor.full(edge, Float(value)).asType(dtype)
      }
      var parts: [Tensor] = []
      if width.before > 0 { parts.append(try edge(width.before)) }
      parts.append(result)
      if width.after > 0 { parts.append(try edge(width.after)) }
      result = try concat(parts, axis: axis)
    }
    return result
  }

  /// Each image seen through a window of its own size that has moved, with zeros where the window reaches beyond the image.
  /// Not recorded.
  ///
  /// - Parameter moves: one for each image of [n, channels, height, width].
  package func moved(_ moves: [ImageMove]) throws(CoreError) -> Tensor {
    let (height, width) = (shape[2], shape[3])
    let y = try Tensor(dtype, shape: shape, layout: layout)
    try device.fill(y.view, 0)
    for (i, move) in moves.enumerated() {
      // The rows and columns of the result that see the image.
      let right = move.isMirrored ? -move.right : move.right
      let (top, bottom) = (Swift.max(0, -move.down), Swift.min(height, height - move.down))
      let (first, end) = (Swift.max(0, -right), Swift.min(width, width - right))
      if top >= bottom || first >= end { continue }
      let left = move.isMirrored ? width - 1 - first - right : first + right
      let sizes = [1, shape[1], bottom - top, end - first]
      try device.copy(
        view.slice(
          starts: [i, 0, top + move.down, left], sizes: sizes, steps: [1, 1, 1, move.isMirrored ? -1 : 1]),
        to: y.view.slice(starts: [i, 0, top, first], sizes: sizes, steps: [1, 1, 1, 1]))
    }
    return y
  }

  /// Repeated along each axis; where `repeats` has more numbers than there are axes, new axes come in front, and where it
  /// has fewer, the first axes stay.
  public func tile(_ repeats: [Int]) throws(CoreError) -> Tensor {
    guard repeats.allSatisfy({ $0 >= 0 }) else {
      throw CoreError(.value, "repeats of tile must be at least 0, not \(repeats)", argument: "repeats")
    }
    let rank = Swift.max(rank, repeats.count)
    let sizes = [Int](repeating: 1, count: rank - self.rank) + shape
    let times = [Int](repeating: 1, count: rank - repeats.count) + repeats
    var (apart, stretched, target): ([Int], [Int], [Int]) = ([], [], [])
    for (size, count) in zip(sizes, times) {
      let (product, overflow) = size.multipliedReportingOverflow(by: count)
      guard !overflow else {
        throw CoreError(.memory, "repeats of tile are too many: \(repeats)", argument: "repeats")
      }
      apart += [1, size]
      stretched += [count, size]
      target.append(product)
    }
    _ = try Shape.count(target)
    return try reshape(apart).broadcast(to: stretched).reshape(target)
  }

  /// Of a matrix its diagonal; of a vector the matrix with it on the diagonal and 0 elsewhere.
  /// - Parameter offset: above 0 a diagonal to the right, below 0 one further down.
  public func diag(_ offset: Int = 0) throws(CoreError) -> Tensor {
    guard offset > Int.min else { throw CoreError(.value, "the offset of diag is too large", argument: "offset") }
    switch rank {
    case 2:
      let (rows, columns) = (shape[0], shape[1])
      let (row, column) = (Swift.max(0, -offset), Swift.max(0, offset))
      let length = row >= rows || column >= columns ? 0 : Swift.min(rows - row, columns - column)
      return try taking(1, (0..<length).map { (row + $0) * columns + column + $0 }, as: [length])
    case 1:
      let (size, overflow) = count.addingReportingOverflow(Int(offset.magnitude))
      guard !overflow else { throw CoreError(.memory, "the offset of diag is too large", argument: "offset") }
      _ = try Shape.count([size, size])
      let (row, column) = (Swift.max(0, -offset), Swift.max(0, offset))
      let places = (0..<count).map { (row + $0) * size + column + $0 }
      guard dtype == .float32 else {
        _ = try Tensor(.int64, shape: [size, size])
        var values = [Int](repeating: 0, count: size * size)
        for (number, value) in ints().enumerated() { values[places[number]] = value }
        return try Tensor(ints: values, shape: [size, size]).asType(dtype)
      }
      return try putting(1, places, into: [size, size])
    default:
      throw CoreError(
        .shape, "diag takes a vector [n] or a matrix [n, m], not shape \(shape)",
        hint: "einsum(\"bii->bi\", x) takes the diagonals of a batch",
        argument: "x")
    }
  }
}

/// How far the window through which an image is seen has moved, and whether the image is mirrored: pixel (y, x) of the result
/// is pixel (y + down, x + right), or (y + down, width − 1 − x + right) if mirrored.
package struct ImageMove: Sendable {
  /// Pixels downwards; negative upwards.
  package var down: Int
  /// Pixels to the right; negative to the left.
  package var right: Int
  /// Whether left and right are exchanged.
  package var isMirrored: Bool

  /// A move of a window.
  package init(down: Int, right: Int, isMirrored: Bool) {
    self.down = down
    self.right = right
    self.isMirrored = isMirrored
  }
}
