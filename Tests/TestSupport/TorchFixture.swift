import Base

/// PyTorch files for tests: tensors as views of storages, in the zip form or the legacy form, as `torch.save` writes them.
public struct TorchFixture {
  /// Numbers that tensors are views of.
  public struct Storage {
    /// The class in PyTorch: "FloatStorage".
    public var type: String
    public var size: Int
    public var bytes: [UInt8]

    public init(_ type: String, size: Int, _ bytes: [UInt8]) {
      (self.type, self.size, self.bytes) = (type, size, bytes)
    }
    public init(_ values: [Float]) {
      self.init("FloatStorage", size: 4, values.flatMap { little(Int($0.bitPattern), 4) })
    }
    public init(_ values: [Int]) { self.init("LongStorage", size: 8, values.flatMap { little($0, 8) }) }
  }

  /// A view of a storage.
  public struct View {
    public var name: String
    public var storage: Int
    public var offset: Int
    public var shape: [Int]
    public var strides: [Int]

    public init(_ name: String, of storage: Int = 0, offset: Int = 0, shape: [Int], strides: [Int]) {
      (self.name, self.storage, self.offset, self.shape, self.strides) = (name, storage, offset, shape, strides)
    }
  }

  public var storages: [Storage]
  public var tensors: [View]
  /// Keys of the dictionaries around the state dict, the outermost first.
  public var wraps: [String] = []
  /// Instructions of a pickle that stand beside the state dict under the key "other"; empty for none.
  public var other: [UInt8] = []
  public var isParameter = false
  public var byteOrder = "little"

  public init(_ storages: [Storage], _ tensors: [View]) { (self.storages, self.tensors) = (storages, tensors) }

  /// The description of the object.
  public var pickle: [UInt8] { pickle(isLegacy: false) }

  private func pickle(isLegacy: Bool) -> [UInt8] {
    var bytes: [UInt8] = [0x80, 2]
    func text(_ text: String) -> [UInt8] { [0x58] + little(text.utf8.count, 4) + Array(text.utf8) }
    func int(_ value: Int) -> [UInt8] { [0x8A, 8] + little(value, 8) }
    func ints(_ values: [Int]) -> [UInt8] { [0x28] + values.flatMap(int) + [0x74] }
    let dictionary = Array("ccollections\nOrderedDict\n)R".utf8)
    for wrap in wraps { bytes += [0x7D, 0x28] + text(wrap) }
    bytes += dictionary + [0x28]
    for tensor in tensors {
      let storage = storages[tensor.storage]
      bytes += text(tensor.name)
      if isParameter { bytes += Array("ctorch._utils\n_rebuild_parameter\n".utf8) }
      bytes += Array("ctorch._utils\n_rebuild_tensor_v2\n((".utf8) + text("storage")
      bytes += Array("ctorch\n\(storage.type)\n".utf8) + text("\(tensor.storage)") + text("cpu")
      bytes += int(storage.bytes.count / storage.size) + (isLegacy ? [0x4E] : []) + [0x74, 0x51]
      bytes += int(tensor.offset) + ints(tensor.shape) + ints(tensor.strides) + [0x89] + dictionary + [0x74, 0x52]
      if isParameter { bytes += [0x88] + dictionary + [0x87, 0x52] }
    }
    bytes += [0x75]
    for index in wraps.indices {
      if index == 0, !other.isEmpty { bytes += text("other") + other }
      bytes += [0x75]
    }
    return bytes + [0x2E]
  }

  /// As versions from 1.6 on write it.
  public var zip: [UInt8] {
    var writer = ZipWriter()
    writer.add("model/data.pkl", pickle, alignment: 64)
    writer.add("model/byteorder", Array(byteOrder.utf8), alignment: 64)
    for (index, storage) in storages.enumerated() { writer.add("model/data/\(index)", storage.bytes, alignment: 64) }
    writer.add("model/version", Array("3\n".utf8), alignment: 64)
    return writer.finished().flatMap { $0 }
  }

  /// As versions before 1.6 wrote it.
  public var legacy: [UInt8] {
    var bytes: [UInt8] = [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
    bytes += [0x80, 2, 0x4D, 0xE9, 3, 0x2E]
    bytes += [0x80, 2, 0x7D, 0x58] + little(13, 4) + Array("little_endian".utf8) + [0x88, 0x73, 0x2E]
    bytes += pickle(isLegacy: true)
    bytes += [0x80, 2, 0x5D, 0x28]
    for index in storages.indices { bytes += [0x58] + little("\(index)".utf8.count, 4) + Array("\(index)".utf8) }
    bytes += [0x65, 0x2E]
    for storage in storages { bytes += little(storage.bytes.count / storage.size, 8) + storage.bytes }
    return bytes
  }
}

/// Little-endian.
public func little(_ value: Int, _ size: Int) -> [UInt8] {
  (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}
