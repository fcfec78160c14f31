import Base
import Platform

extension Tensor {
  /// Whole numbers from `low` to `high` - 1, each equally likely: element i takes number i of the stream.
  ///
  /// - Throws: `.value` where `low` is not below `high`, `.shape` for a shape that no tensor has.
  public static func integers(
    from low: Int, to high: Int, shape: [Int], stream: RandomStream
  ) throws(CoreError) -> Tensor {
    let (width, overflow) = high.subtractingReportingOverflow(low)
    guard !overflow, width > 0 else {
      throw CoreError(
        .value, "randint needs low < high, not \(low) and \(high)", hint: "high itself is never drawn", argument: "high"
      )
    }
    // The tensor first: it is what the limits of memory know of.
    let count = try Tensor(.int64, shape: shape).count
    var values: [Int] = []
    values.reserveCapacity(count)
    for i in 0..<count {
      try StopSignal.poll(at: i)
      values.append(low + stream.integer(below: width, at: i))
    }
    return try Tensor(ints: values, shape: shape)
  }

  /// The whole numbers from 0 to `count` - 1 in random order, every order equally likely.
  public static func permutation(_ count: Int, stream: RandomStream) throws(CoreError) -> Tensor {
    _ = try Tensor(.int64, shape: [count])
    return try Tensor(
      ints: stream.permutation(count) { (i) throws(CoreError) in try StopSignal.poll(at: i) }, shape: [count])
  }

  /// Each element rounded to the nearest number of this many decimals, in double precision; halves go to the even digit.
  public func rounded(toDigits digits: Int) throws(CoreError) -> Tensor {
    // Float32 has nothing beyond 10³⁸ and below 10⁻⁴⁵.
    let unit = Platform.pow(10, Double(Swift.min(Swift.max(digits, -40), 46)))
    var values = floats()
    for i in values.indices {
      try StopSignal.poll(at: i)
      values[i] = Float((Double(values[i]) * unit).rounded(.toNearestOrEven) / unit)
    }
    return try Tensor(values, shape: shape)
  }
}
