import Base

/// The element types of files, and how they become tensors.
///
/// A tensor of the language is float32, int64 or bool. Every type of a file becomes the one of these that can hold it:
/// floats are rounded to float32, whole numbers are kept exactly or refused. The raw values are the names of
/// safetensors.
package enum Element: String, CaseIterable, Sendable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case bool = "BOOL"

  /// The type as PyTorch and NumPy call it: "float32".
  package var name: String { "\(self)" }

  /// The number of bytes of an element.
  package var size: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  /// The type of a NumPy array's elements.
  package init(_ type: NumPyType) {
    switch (type.kind, type.size) {
    case (.float, 8): self = .float64
    case (.float, 4): self = .float32
    case (.float, _): self = .float16
    case (.int, 8): self = .int64
    case (.int, 4): self = .int32
    case (.int, 2): self = .int16
    case (.int, _): self = .int8
    case (.uint, 8): self = .uint64
    case (.uint, 4): self = .uint32
    case (.uint, 2): self = .uint16
    case (.uint, _): self = .uint8
    case (.bool, _): self = .bool
    }
  }

  /// The type of the tensor that elements of this type become.
  package var dtype: DType {
    switch self {
    case .float64, .float32, .float16, .bfloat16: .float32
    case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8: .int64
    case .bool: .bool
    }
  }

  /// Whether little-endian elements are, byte for byte, the memory of the tensor that they become.
  package var isTensorMemory: Bool { self == .float32 || self == .int64 }

  /// A tensor of elements in row-major order; `bytes` must hold as many as `shape` says.
  ///
  /// - Throws: `value` for a number that the tensor's type does not hold; `memory`.
  package func tensor(_ bytes: [UInt8], shape: [Int], isBigEndian: Bool = false) throws(CoreError) -> Tensor {
    try bytes.withUnsafeBufferPointer { (bytes) throws(CoreError) in
      try tensor(UnsafeRawBufferPointer(bytes), shape: shape, isBigEndian: isBigEndian)
    }
  }

  /// A tensor of elements in row-major order; `bytes` must hold as many as `shape` says.
  ///
  /// - Throws: `value` for a number that the tensor's type does not hold; `memory`.
  package func tensor(
    _ bytes: UnsafeRawBufferPointer, shape: [Int], isBigEndian: Bool = false
  ) throws(CoreError) -> Tensor {
    guard bytes.count == (try Shape.count(shape)) &* size else {
      throw CoreError(.shape, "\(bytes.count) bytes do not fill a \(name) tensor of shape \(shape)")
    }
    return try Tensor(dtype, shape: shape) { (target) throws(CoreError) in
      try decode(bytes, isBigEndian, target)
    }
  }

  private func decode(
    _ bytes: UnsafeRawBufferPointer, _ isBig: Bool, _ target: UnsafeMutableRawBufferPointer
  ) throws(CoreError) {
    switch self {
    case .float32 where !isBig, .int64 where !isBig: target.copyMemory(from: bytes)
    case .float32: try Self.decode(bytes, isBig, target) { Float(bitPattern: $0) }
    case .float64:
      var tooLarge: Double?
      try Self.decode(bytes, isBig, target) { bits in
        let value = Double(bitPattern: bits)
        let rounded = Float(value)
        if rounded.isInfinite, value.isFinite { tooLarge = value }
        return rounded
      }
      if let tooLarge { throw CoreError(.value, "the number \(tooLarge) does not fit into f32") }
    case .float16: try Self.decode(bytes, isBig, target, Self.float(half:))
    case .bfloat16:
      try Self.decode(bytes, isBig, target) { (bits: UInt16) in Float(bitPattern: UInt32(bits) << 16) }
    case .int64: try Self.decode(bytes, isBig, target) { (bits: Int64) in bits }
    case .int32: try Self.decode(bytes, isBig, target) { (bits: Int32) in Int64(bits) }
    case .int16: try Self.decode(bytes, isBig, target) { (bits: Int16) in Int64(bits) }
    case .int8: try Self.decode(bytes, isBig, target) { (bits: Int8) in Int64(bits) }
    case .uint32: try Self.decode(bytes, isBig, target) { (bits: UInt32) in Int64(bits) }
    case .uint16: try Self.decode(bytes, isBig, target) { (bits: UInt16) in Int64(bits) }
    case .uint8: try Self.decode(bytes, isBig, target) { (bits: UInt8) in Int64(bits) }
    case .uint64:
      var largest: UInt64 = 0
      try Self.decode(bytes, isBig, target) { (bits: UInt64) in
        largest = max(largest, bits)
        return Int64(bitPattern: bits)
      }
      guard largest <= Int.max else { throw CoreError(.value, "the whole number \(largest) does not fit into i64") }
    case .bool:
      var isWrong = false
      try Self.decode(bytes, isBig, target) { (bits: UInt8) in
        if bits > 1 { isWrong = true }
        return bits
      }
      if isWrong { throw CoreError(.value, "a bool must be 0 or 1") }
    }
  }

  private static func decode<Bits: FixedWidthInteger, Value: BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _ isBig: Bool, _ target: UnsafeMutableRawBufferPointer, _ value: (Bits) -> Value
  ) throws(CoreError) {
    let (size, stride) = (MemoryLayout<Bits>.size, MemoryLayout<Value>.stride)
    let count = min(bytes.count / size, target.count / stride)
    for start in Swift.stride(from: 0, to: count, by: 1 << 18) {
      try StopSignal.poll()
      for i in start..<min(start + 1 << 18, count) {
        let bits = bytes.loadUnaligned(fromByteOffset: i &* size, as: Bits.self)
        let element = value(isBig ? Bits(bigEndian: bits) : Bits(littleEndian: bits))
        target.storeBytes(of: element, toByteOffset: i &* stride, as: Value.self)
      }
    }
  }

  /// The type and the little-endian bytes in which a tensor is written.
  package static func bytes(of tensor: Tensor) throws(CoreError) -> (Element, [UInt8]) {
    let bytes = try tensor.bytes()
    return switch tensor.dtype {
    case .float32: (.float32, bytes)
    case .int64: (.int64, bytes)
    case .bool: (.bool, bytes)
    }
  }

  /// IEEE half precision, without the `Float16` type that not every platform has.
  package static func float(half bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:
      let magnitude = Float(fraction) * 0x1p-24
      return sign == 0 ? magnitude : -magnitude
    case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}
