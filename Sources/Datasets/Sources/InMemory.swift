import Base
import Tensors

/// Images in memory, one after another; those that come from bytes stay bytes, a quarter of the room, and are divided
/// by 255 when they are read, in float32 as PyTorch does.
struct InMemoryImages: ImageSource {
  let shape: [Int]
  private let values: Values
  private let size: Int

  private enum Values {
    case bytes([UInt8])
    case floats([Float])
  }

  /// Images that stay bytes.
  ///
  /// - Parameters:
  ///   - bytes: 0 … 255 for every channel, row and column of every image.
  ///   - shape: channels, height, width.
  init(bytes: [UInt8], shape: [Int]) { self.init(.bytes(bytes), shape) }

  /// Images of floats from 0 to 1, in the same order.
  init(floats: [Float], shape: [Int]) { self.init(.floats(floats), shape) }

  private init(_ values: Values, _ shape: [Int]) {
    self.values = values
    self.shape = shape
    size = shape.reduce(1, &*)
  }

  /// The chosen images of several sources of one shape, copied one after another: as bytes where all are bytes.
  init(_ parts: [(source: any ImageSource, positions: [Int])], shape: [Int]) throws(CoreError) {
    let bytes = parts.map { part in (part.source as? InMemoryImages)?.bytes(part.positions) }
    if bytes.allSatisfy({ $0 != nil }) {
      self.init(bytes: bytes.flatMap { $0 ?? [] }, shape: shape)
      return
    }
    var floats: [Float] = []
    for part in parts { floats += try part.source.read(part.positions).floats() }
    self.init(floats: floats, shape: shape)
  }

  var count: Int {
    switch values {
    case .bytes(let bytes): size == 0 ? 0 : bytes.count / size
    case .floats(let floats): size == 0 ? 0 : floats.count / size
    }
  }

  /// Whether both share their memory, as the selections of one data set do.
  func isSame(as other: any ImageSource) -> Bool {
    guard let other = other as? InMemoryImages, shape == other.shape else { return false }
    switch (values, other.values) {
    case (.bytes(let mine), .bytes(let others)): return mine.sharesMemory(with: others)
    case (.floats(let mine), .floats(let others)): return mine.sharesMemory(with: others)
    default: return false
    }
  }

  func read(_ positions: [Int]) throws(CoreError) -> Tensor {
    let values = [Float](filling: positions.count * size) { out, written in
      switch self.values {
      case .bytes(let bytes):
        for position in positions {
          let start = position * size
          for i in 0..<size { out.initializeElement(at: written + i, to: unitValues[Int(bytes[start + i])]) }
          written += size
        }
      case .floats(let floats):
        for position in positions {
          let start = position * size
          for i in 0..<size { out.initializeElement(at: written + i, to: floats[start + i]) }
          written += size
        }
      }
    }
    return try Tensor(values, shape: [positions.count] + shape)
  }

  /// The numbers of all images, with what tells them from those of others.
  var kept: (content: DatasetParts.Pixels, address: UInt) {
    switch values {
    case .bytes(let bytes): (.bytes(bytes), bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) })
    case .floats(let floats): (.floats(floats), floats.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) })
    }
  }

  private func bytes(_ positions: [Int]) -> [UInt8]? {
    guard case .bytes(let bytes) = values else { return nil }
    return positions.flatMap { bytes[$0 * size..<($0 + 1) * size] }
  }
}

extension Array {
  /// Whether both are as long and of the same memory.
  fileprivate func sharesMemory(with other: [Element]) -> Bool {
    count == other.count
      && withUnsafeBufferPointer { mine in other.withUnsafeBufferPointer { mine.baseAddress == $0.baseAddress } }
  }
}

/// Bytes as float32 in [0, 1].
private let unitValues = (0..<256).map { Float($0) / 255 }
