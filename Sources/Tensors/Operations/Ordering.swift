import Base
import Devices

// Operations that look at the order of elements along an axis: sorted indices, the greatest k, running sums, products.

extension Tensor {
  /// The indices that sort the elements along an axis, in ascending order, equal ones in the order in which they stand;
  /// int64.
  ///
  /// - Parameters:
  ///   - axis: the last one if none is given.
  ///   - descending: the greatest first. NaN comes last in both directions.
  public func argsort(axis: Int = -1, descending: Bool = false) throws(CoreError) -> Tensor {
    let axis = try Shape.axis(axis, rank: rank, "argsort")
    let x = try detached().movingAxisLast(axis).rowMajor()
    let order = try x.orderOfRows(descending: descending, nanFirst: false)
    return try Tensor(ints: order, shape: x.shape).movingLastAxis(to: axis)
  }

  /// The k greatest elements along an axis, the greatest first, and their indices. NaN counts as the greatest, as in `max`.
  ///
  /// - Returns: values and indices, whose axis has the size k. The gradient goes to the elements chosen.
  public func topk(_ k: Int, axis: Int = -1) throws(CoreError) -> (values: Tensor, places: Tensor) {
    let axis = try Shape.axis(axis, rank: rank, "topk")
    guard k >= 0, k <= shape[axis] else {
      throw CoreError(
        .value, "k of topk must be from 0 to \(shape[axis]), the size of axis \(axis), not \(k)", argument: "k")
    }
    let x = try movingAxisLast(axis)
    let columns = shape[axis]
    let order = try x.detached().rowMajor().orderOfRows(descending: true, nanFirst: true)
    let target = Array(x.shape.dropLast()) + [k]
    var places: [Int] = []
    var sources: [Int] = []
    places.reserveCapacity(try Shape.count(target))
    for row in 0..<(columns == 0 ? 0 : order.count / columns) {
      try StopSignal.poll(at: row)
      for place in order[row * columns..<row * columns + k] {
        places.append(place)
        sources.append(row * columns + place)
      }
    }
    let values = try x.taking(1, sources, as: target)
    return (
      try values.movingLastAxis(to: axis), try Tensor(ints: places, shape: target).movingLastAxis(to: axis)
    )
  }

  /// For each row of the last axis, the indices that sort it.
  private func orderOfRows(descending: Bool, nanFirst: Bool) throws(CoreError) -> [Int] {
    let columns = shape.last ?? 1
    let keys: [Int] =
      dtype == .float32
      ? floats().map { Self.key($0, descending: descending, nanFirst: nanFirst) }
      : ints().map { descending ? ~$0 : $0 }
    var result: [Int] = []
    result.reserveCapacity(keys.count)
    for row in 0..<(columns == 0 ? 0 : keys.count / columns) {
      // A short row at some of them, a long one each time.
      if columns > 64 { try StopSignal.poll() } else { try StopSignal.poll(at: row) }
      result += try Self.order(keys[row * columns..<(row + 1) * columns])
    }
    return result
  }

  /// A whole number in the order of the floats.
  private static func key(_ value: Float, descending: Bool, nanFirst: Bool) -> Int {
    if value.isNaN { return nanFirst ? .min : .max }
    // Both zeros are one value.
    let bits = Int(Int32(bitPattern: (value == 0 ? 0 : value).bitPattern))
    let key = bits >= 0 ? bits : -(bits & 0x7FFF_FFFF)
    return descending ? -key : key
  }

  /// The indices that sort keys in ascending order, equal ones as they stand: sorted in pieces, which are merged, so that
  /// it can be interrupted.
  private static func order(_ keys: ArraySlice<Int>) throws(CoreError) -> [Int] {
    let piece = 1 << 15
    let first = keys.startIndex
    var places = Array(0..<keys.count)
    func isBefore(_ a: Int, _ b: Int) -> Bool {
      let (x, y) = (keys[first + a], keys[first + b])
      return x < y || (x == y && a < b)
    }
    for start in stride(from: 0, to: places.count, by: piece) {
      if start > 0 { try StopSignal.poll() }
      places[start..<Swift.min(start + piece, places.count)].sort(by: isBefore)
    }
    var width = piece
    while width < places.count {
      var merged: [Int] = []
      merged.reserveCapacity(places.count)
      for start in stride(from: 0, to: places.count, by: 2 * width) {
        let middle = Swift.min(start + width, places.count)
        let end = Swift.min(start + 2 * width, places.count)
        var (a, b) = (start, middle)
        while a < middle || b < end {
          try StopSignal.poll(at: merged.count)
          if b == end || (a < middle && !isBefore(places[b], places[a])) {
            merged.append(places[a])
            a += 1
          } else {
            merged.append(places[b])
            b += 1
          }
        }
      }
      places = merged
      width *= 2
    }
    return places
  }

  /// Running sums along an axis, formed in double precision; of ints and bools int64, which wraps around.
  public func cumsum(axis: Int) throws(CoreError) -> Tensor {
    let axis = try Shape.axis(axis, rank: rank, "cumsum")
    let x = try detached().movingAxisLast(axis).rowMajor()
    let columns = x.shape.last ?? 1
    let sums: Tensor
    if dtype == .float32 {
      var values = x.floats()
      var total = 0.0
      for i in values.indices {
        try StopSignal.poll(at: i)
        total = i % columns == 0 ? Double(values[i]) : total + Double(values[i])
        values[i] = Float(total)
      }
      sums = try Tensor(values, shape: x.shape)
    } else {
      var values = x.ints()
      for i in values.indices where i % columns != 0 {
        try StopSignal.poll(at: i)
        values[i] = values[i - 1] &+ values[i]
      }
      sums = try Tensor(ints: values, shape: x.shape)
    }
    return try sums.movingLastAxis(to: axis).recording([self], isTwice: true) { (g, _) throws(CoreError) in
      [try g.flip(axes: [axis]).cumsum(axis: axis).flip(axes: [axis])]
    }
  }

  /// The product over the given axes, over all if nil; 1 of nothing. Of ints and bools int64, which wraps around.
  public func prod(axes: [Int]? = nil, keepdim: Bool = false) throws(CoreError) -> Tensor {
    let axes = try Shape.axes(axes, rank: rank, "prod")
    var kept = shape
    for axis in axes { kept[axis] = 1 }
    let order = shape.indices.filter { !axes.contains($0) } + axes
    let columns = try Shape.count(axes.map { shape[$0] })
    let target = keepdim ? kept : kept.dropping(axes)
    let rows = try Shape.count(kept)
    let x = try permute(order).reshape([rows, columns])
    guard dtype == .float32 else {
      let values = x.ints()
      var products = [Int](repeating: 1, count: rows)
      for (i, value) in values.enumerated() {
        try StopSignal.poll(at: i)
        products[i / columns] &*= value
      }
      return try Tensor(ints: products, shape: target)
    }
    return try x.productOfRows().reshape(target)
  }

  /// [rows, columns] -> [rows]. The gradient of each factor is the product of the others, also where some are 0.
  private func productOfRows() throws(CoreError) -> Tensor {
    let (rows, columns) = (shape[0], shape[1])
    let values = detached().floats()
    var products = [Double](repeating: 1, count: rows)
    for (i, value) in values.enumerated() {
      try StopSignal.poll(at: i)
      products[i / columns] *= Double(value)
    }
    return try Tensor(products.map { Float($0) }, shape: [rows]).recording([self], operation: "prod") {
      (g, _) throws(CoreError) in
      let gradients = g.floats()
      var result = [Float](repeating: 0, count: values.count)
      for row in 0..<rows {
        let range = row * columns..<(row + 1) * columns
        var before = Double(gradients[row])
        for i in range {
          try StopSignal.poll(at: i)
          result[i] = Float(before)
          before *= Double(values[i])
        }
        var after = 1.0
        for i in range.reversed() {
          result[i] = Float(Double(result[i]) * after)
          after *= Double(values[i])
        }
      }
      return [try Tensor(result, shape: [rows, columns])]
    }
  }

  /// The indices of the elements that are not 0 (NaN is not), one row of indices for each: int64 [found, axes].
  public func nonzero() throws(CoreError) -> Tensor {
    let flags = try detached().rowMajor().bools()
    let strides = View.strides(shape)
    var indices: [Int] = []
    var found = 0
    for (i, flag) in flags.enumerated() where flag {
      try StopSignal.poll(at: found)
      found += 1
      for axis in shape.indices { indices.append(i / strides[axis] % shape[axis]) }
    }
    return try Tensor(ints: indices, shape: [found, rank])
  }

  /// How often each whole number from 0 on occurs.
  /// - Parameter length: the least number of counts.
  public func bincount(length: Int = 0) throws(CoreError) -> Tensor {
    guard dtype == .int64, rank == 1 else {
      throw CoreError(
        .type, "bincount needs whole numbers [n], not \(dtype.shortName) of shape \(shape)",
        hint: "int64(x) makes whole numbers of others", argument: "x")
    }
    let values = ints()
    if let negative = values.firstIndex(where: { $0 < 0 }) {
      throw CoreError(
        .value, "bincount counts numbers of at least 0; element \(negative) is \(values[negative])", argument: "x")
    }
    let size = Swift.max(length, (values.max() ?? -1).addingReportingOverflow(1).partialValue)
    guard size >= 0, size <= 1 << 32 else {
      throw CoreError(
        .memory, "bincount up to \(values.max() ?? 0) needs too many counts", hint: "unique(list(x)) lists what occurs",
        argument: "x")
    }
    // The tensor first: it is what the limits of memory know of.
    _ = try Tensor(.int64, shape: [size])
    var counts = [Int](repeating: 0, count: size)
    for (i, value) in values.enumerated() {
      try StopSignal.poll(at: i)
      counts[value] += 1
    }
    return try Tensor(ints: counts, shape: [size])
  }
}

/// Whether all elements are equal up to |a - b| <= atol + rtol · |b|, after broadcasting; infinities only if they are the same.
public func allClose(
  _ a: Tensor, _ b: Tensor, rtol: Double = 1e-5, atol: Double = 1e-8, equalNaN: Bool = false
) throws(CoreError) -> Bool {
  let target = try Shape.broadcast(a.shape, b.shape, "allclose")
  let (x, y) = (try a.detached().broadcast(to: target), try b.detached().broadcast(to: target))
  if x.dtype != .float32, y.dtype != .float32, rtol == 0, atol == 0 { return x.ints() == y.ints() }
  let (first, second) = (x.floats(), y.floats())
  for i in first.indices {
    try StopSignal.poll(at: i)
    let (p, q) = (Double(first[i]), Double(second[i]))
    if p == q || (equalNaN && p.isNaN && q.isNaN) { continue }
    if !p.isFinite || !q.isFinite || !(abs(p - q) <= atol + rtol * abs(q)) { return false }
  }
  return true
}
