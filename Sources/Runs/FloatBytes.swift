internal import struct Foundation.Data

// GRDB hands blobs over as Foundation's `Data`; nothing else of Foundation is used.

/// Numbers as they stand in a blob: float32, the lowest byte first.
enum FloatBytes {
  static func data(of values: ArraySlice<Float>) -> Data {
    var data = Data(capacity: values.count * 4)
    for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
    return data
  }

  static func floats(of data: Data) -> [Float] {
    data.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map {
        Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
      }
    }
  }
}
