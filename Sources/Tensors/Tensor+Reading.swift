import Base
import Devices

extension Tensor {
  /// The elements in row-major order; ints and bools are converted.
  public func floats() -> [Float] {
    dtype == .float32 ? values(Float.self) : ints().map { Float($0) }
  }

  /// The elements in row-major order; floats are rounded towards zero, NaN and what does not fit become 0.
  public func ints() -> [Int] {
    switch dtype {
    case .float32: floats().map { Int(exactly: $0.rounded(.towardZero)) ?? 0 }
    case .int64: values(Int.self)
    case .bool: values(UInt8.self).map { Int($0) }
    }
  }

  /// The elements in row-major order; numbers are true where they are not 0.
  public func bools() -> [Bool] {
    switch dtype {
    case .float32: floats().map { $0 != 0 }
    case .int64: ints().map { $0 != 0 }
    case .bool: values(UInt8.self).map { $0 != 0 }
    }
  }

  /// The elements in row-major order as they are in memory: little-endian, a byte for each bool.
  package func bytes() throws(CoreError) -> [UInt8] {
    let plain = try rowMajor()
    let size = count &* dtype.stride
    return [UInt8](filling: size) { target, used in
      device.download(
        plain.storage, to: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: target[..<size])))
      used = size
    }
  }

  /// The value of a tensor with one element.
  /// - Throws: `shape` when it has another number of elements.
  public func item() throws(CoreError) -> Double {
    guard count == 1 else {
      throw CoreError(
        .shape, "a tensor of shape \(shape) is not a single number",
        hint: "take one element, such as x[0], or sum(x) or mean(x)")
    }
    switch dtype {
    case .float32: return Double(floats()[0])
    case .int64, .bool: return Double(ints()[0])
    }
  }

  /// The values of float32 tensors with one element each, in one read by the host: where several numbers are wanted, which
  /// may all be on their way.
  package static func items(_ tensors: [Tensor]) throws(CoreError) -> [Double] {
    let all = try Tensor(.float32, shape: [tensors.count])
    for (i, tensor) in tensors.enumerated() {
      let value = View(storage: tensor.storage, dtype: .float32, shape: [1], strides: [1])
      try device.copy(value, to: all.view.slice(starts: [i], sizes: [1], steps: [1]))
    }
    return all.floats().map(Double.init)
  }

  /// Whether both have the same type, shape and bits.
  public func isIdentical(to other: Tensor) -> Bool {
    guard dtype == other.dtype, shape == other.shape else { return false }
    switch dtype {
    case .float32: return zip(floats(), other.floats()).allSatisfy { $0.bitPattern == $1.bitPattern }
    case .int64, .bool: return ints() == other.ints()
    }
  }

  /// Converts to another type: numbers to bool are true where not 0; floats to int64 round towards zero. Gradients do
  /// not pass a conversion to another type.
  /// - Throws: `value` where a float is no whole number that int64 holds: NaN, infinities, 1e20.
  public consuming func asType(_ dtype: DType) throws(CoreError) -> Tensor {
    if dtype == self.dtype { return self }
    if dtype == .int64, self.dtype == .float32 { try requireWhole() }
    let result = try Tensor(dtype, shape: shape, layout: layout)
    try device.convert(storage, self.dtype, to: result.storage, dtype, count: count)
    return result
  }

  private func requireWhole() throws(CoreError) {
    if count == 0 { return }
    let (low, high) = try bounds()
    if low >= -0x1p63 && high < 0x1p63 { return }
    let values = floats()
    var (found, first) = (0, 0)
    for (i, value) in values.enumerated() where !(value >= -0x1p63 && value < 0x1p63) {
      if found == 0 { first = i }
      found += 1
    }
    let what =
      shape.isEmpty
      ? "\(values[first])"
      : "\(found) of \(values.count) elements; the first, at \(Shape.indices(of: first, in: shape)), is \(values[first])"
    throw CoreError(
      .value, "an int64 cannot be made of \(what)",
      hint: "isfinite(x) says which are finite; clip(x, min, max) and where(mask, a, b) replace others", argument: "x")
  }

  private func values<T: BitwiseCopyable>(_ type: T.Type) -> [T] {
    guard count > 0 else { return [] }
    let inMemory = [T](filling: count) { target, used in
      let bytes = UnsafeMutableRawBufferPointer(target)
      device.download(storage, to: UnsafeMutableRawBufferPointer(rebasing: bytes[..<(count &* MemoryLayout<T>.stride)]))
      used = count
    }
    guard layout == .channelsLast, shape.count == 4 else { return inMemory }
    let (channels, pixels) = (shape[1], shape[2] &* shape[3])
    return [T](filling: count) { target, used in
      var place = 0
      for n in 0..<shape[0] {
        for c in 0..<channels {
          for p in 0..<pixels {
            target[place] = inMemory[(n &* pixels &+ p) &* channels &+ c]
            place &+= 1
          }
        }
      }
      used = count
    }
  }
}
