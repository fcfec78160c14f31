import Base
import Devices

extension Tensor {
  /// Float values in row-major order.
  /// - Throws: `shape` when the number of values does not fit the shape.
  public init(_ values: [Float], shape: [Int]) throws(CoreError) {
    try self.init(values: values, .float32, shape)
  }

  /// One-dimensional.
  public init(_ values: [Float]) throws(CoreError) { try self.init(values, shape: [values.count]) }

  /// Whole numbers in row-major order, as int64.
  /// - Throws: `shape` when the number of values does not fit the shape.
  public init(ints values: [Int], shape: [Int]) throws(CoreError) {
    try self.init(values: values, .int64, shape)
  }

  /// Truth values in row-major order.
  /// - Throws: `shape` when the number of values does not fit the shape.
  public init(bools values: [Bool], shape: [Int]) throws(CoreError) {
    try self.init(values: values.map { $0 ? 1 : 0 } as [UInt8], .bool, shape)
  }

  /// Float values in row-major order, from memory such as a mapped file.
  package init(copying values: UnsafeRawBufferPointer, shape: [Int]) throws(CoreError) {
    let expected = try Shape.count(shape)
    guard values.count == expected &* 4 else {
      throw CoreError(.shape, "\(values.count) bytes do not fill a float32 tensor of shape \(shape)")
    }
    try self.init(.float32, shape: shape)
    try device.upload(values, to: storage)
  }

  /// A tensor whose elements `fill` writes, in row-major order, to the memory where they stay.
  package init(
    _ dtype: DType, shape: [Int], filledBy fill: (UnsafeMutableRawBufferPointer) throws(CoreError) -> Void
  ) throws(CoreError) {
    try self.init(dtype, shape: shape)
    try device.upload(byteCount: count &* dtype.stride, to: storage, filledBy: fill)
  }

  private init<T: BitwiseCopyable>(values: [T], _ dtype: DType, _ shape: [Int]) throws(CoreError) {
    let expected = try Shape.count(shape)
    guard values.count == expected else {
      throw CoreError(
        .shape, "\(values.count) values do not fill a tensor of shape \(shape), which has \(expected) elements")
    }
    try self.init(dtype, shape: shape)
    let storage = storage
    try values.withUnsafeBufferPointer { (values) throws(CoreError) in
      try device.upload(UnsafeRawBufferPointer(values), to: storage)
    }
  }

  /// A float32 tensor with one value everywhere.
  public static func full(_ shape: [Int], _ value: Float) throws(CoreError) -> Tensor {
    let result = try Tensor(.float32, shape: shape)
    try device.fill(result.view, Double(value))
    return result
  }

  /// Zeros, float32.
  public static func zeros(_ shape: [Int]) throws(CoreError) -> Tensor { try full(shape, 0) }
  /// Ones, float32.
  public static func ones(_ shape: [Int]) throws(CoreError) -> Tensor { try full(shape, 1) }

  /// A float32 tensor without axes.
  public static func scalar(_ value: Float) throws(CoreError) -> Tensor { try full([], value) }

  /// 0, 1, …, count − 1 as int64.
  public static func range(_ count: Int) throws(CoreError) -> Tensor {
    _ = try Shape.count([count])
    return try Tensor(ints: Array(0..<count), shape: [count])
  }

  /// Rows with 1 at the label and 0 elsewhere: [labels.count, classes].
  /// - Throws: `value` for a label outside 0..<classes.
  public static func oneHot(_ labels: [Int], classes: Int) throws(CoreError) -> Tensor {
    guard classes >= 0 else {
      throw CoreError(.value, "the number of classes must be at least 0, not \(classes)", argument: "classes")
    }
    let count = try Shape.count([labels.count, classes])
    guard count <= Compute.memoryLimit / 4 else {
      throw CoreError(
        .memory, "one-hot rows of shape [\(labels.count), \(classes)] do not fit into memory",
        hint: "use fewer classes", argument: "classes")
    }
    var indices: [Int] = []
    indices.reserveCapacity(labels.count)
    for (row, label) in labels.enumerated() {
      try StopSignal.poll(at: row)
      try Shape.check(label: label, classes: classes)
      indices.append(row * classes + label)
    }
    let result = try Tensor.zeros([labels.count, classes])
    let (ones, places) = (try Tensor.ones([labels.count]), try Tensor(ints: indices, shape: [labels.count]))
    try device.put(
      ones.storage, .float32, block: 1, places.storage, count: labels.count, adding: false, result.storage)
    return result
  }

  /// Uniform numbers in [low, high); element i depends on the stream and i only.
  public static func uniform(
    _ shape: [Int], from low: Float = 0, to high: Float = 1, stream: RandomStream
  ) throws(CoreError) -> Tensor {
    let result = try Tensor(.float32, shape: shape)
    try device.random(.uniform(low: low, high: high), [stream], result.storage, count: result.count)
    return result
  }

  /// Normal numbers; element i depends on the stream and i only.
  public static func normal(
    _ shape: [Int], mean: Float = 0, deviation: Float = 1, stream: RandomStream
  ) throws(CoreError) -> Tensor {
    let result = try Tensor(.float32, shape: shape)
    try device.random(.normal(mean: mean, deviation: deviation), [stream], result.storage, count: result.count)
    return result
  }

  /// Uniform numbers in [low, high) for examples that draw from a stream each: row i is `uniform(row, stream: streams[i])`.
  ///
  /// - Parameter row: the shape of one example.
  /// - Returns: [streams.count, row…].
  public static func uniform(
    _ row: [Int], from low: Float = 0, to high: Float = 1, streams: [RandomStream]
  ) throws(CoreError) -> Tensor {
    let result = try Tensor(.float32, shape: [streams.count] + row)
    try device.random(.uniform(low: low, high: high), streams, result.storage, count: result.count)
    return result
  }

  /// Normal numbers for examples that draw from a stream each: row i is `normal(row, stream: streams[i])`.
  ///
  /// - Parameter row: the shape of one example.
  /// - Returns: [streams.count, row…].
  public static func normal(
    _ row: [Int], mean: Float = 0, deviation: Float = 1, streams: [RandomStream]
  ) throws(CoreError) -> Tensor {
    let result = try Tensor(.float32, shape: [streams.count] + row)
    try device.random(.normal(mean: mean, deviation: deviation), streams, result.storage, count: result.count)
    return result
  }
}
