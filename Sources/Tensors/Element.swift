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

  /// A tensor of little-endian elements; `bytes` must hold as many as `shape` says.
  package func tensor(_ bytes: [UInt8], shape: [Int]) throws(CoreError) -> Tensor {
    switch self {
    case .float32: return try Tensor(Self.decode(bytes) { Float(bitPattern: $0) }, shape: shape)
    case .float64: return try Tensor(Self.decode(bytes) { Float(Double(bitPattern: $0)) }, shape: shape)
    case .float16: return try Tensor(Self.decode(bytes, Self.float(half:)), shape: shape)
    case .bfloat16:
      return try Tensor(Self.decode(bytes) { (bits: UInt16) in Float(bitPattern: UInt32(bits) << 16) }, shape: shape)
    case .int64: return try Tensor(ints: Self.decode(bytes) { (bits: Int64) in Int(bits) }, shape: shape)
    case .int32: return try Tensor(ints: Self.decode(bytes) { (bits: Int32) in Int(bits) }, shape: shape)
    case .int16: return try Tensor(ints: Self.decode(bytes) { (bits: Int16) in Int(bits) }, shape: shape)
    case .int8: return try Tensor(ints: Self.decode(bytes) { (bits: Int8) in Int(bits) }, shape: shape)
    case .uint32: return try Tensor(ints: Self.decode(bytes) { (bits: UInt32) in Int(bits) }, shape: shape)
    case .uint16: return try Tensor(ints: Self.decode(bytes) { (bits: UInt16) in Int(bits) }, shape: shape)
    case .uint8: return try Tensor(ints: bytes.map { Int($0) }, shape: shape)
    case .uint64:
      let values = Self.decode(bytes) { (bits: UInt64) in bits }
      guard let largest = values.max() else { return try Tensor(ints: [], shape: shape) }
      guard largest <= Int.max else { throw CoreError(.value, "the whole number \(largest) does not fit into i64") }
      return try Tensor(ints: values.map { Int($0) }, shape: shape)
    case .bool:
      guard bytes.allSatisfy({ $0 <= 1 }) else { throw CoreError(.value, "a bool must be 0 or 1") }
      return try Tensor(bools: bytes.map { $0 == 1 }, shape: shape)
    }
  }

  /// The type and the little-endian bytes in which a tensor is written.
  package static func bytes(of tensor: Tensor) -> (Element, [UInt8]) {
    switch tensor.dtype {
    case .float32: (.float32, encode(tensor.floats().map(\.bitPattern)))
    case .int64: (.int64, encode(tensor.ints().map { Int64($0) }))
    case .bool: (.bool, tensor.bools().map { $0 ? 1 : 0 })
    }
  }

  private static func decode<Bits: FixedWidthInteger, Value>(
    _ bytes: [UInt8], _ value: (Bits) -> Value
  ) -> [Value] {
    let size = Bits.bitWidth / 8
    return bytes.withUnsafeBytes { buffer in
      (0..<buffer.count / size).map {
        value(Bits(littleEndian: buffer.loadUnaligned(fromByteOffset: $0 * size, as: Bits.self)))
      }
    }
  }

  private static func encode<Bits: FixedWidthInteger>(_ values: [Bits]) -> [UInt8] {
    let size = Bits.bitWidth / 8
    return [UInt8](filling: values.count * size) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      for (i, value) in values.enumerated() {
        raw.storeBytes(of: value.littleEndian, toByteOffset: i * size, as: Bits.self)
      }
      count = values.count * size
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
