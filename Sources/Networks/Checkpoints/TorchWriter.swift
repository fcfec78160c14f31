import Base
import Tensors

/// Writes tensors as a state dict in the zip form of PyTorch, which `torch.load(path, weights_only=True)` reads.
///
/// The object is an `OrderedDict` of dense tensors, each over a storage of its own that begins at a multiple of 64 bytes,
/// so that PyTorch can map the file. Equal tensors give equal bytes. Strings to keep beside them, such as the network that
/// the weights belong to, go into a further file of the archive, which PyTorch does not look at.
public enum TorchWriter {
  /// Writes float32 tensors, whole numbers as int64 and bools, in the order given; a file that exists is replaced in one
  /// step.
  ///
  /// - Parameter metadata: strings to keep, which `TorchArchive` finds again.
  /// - Throws: `value` where two tensors have one name, `io` where the file cannot be written.
  public static func write(
    _ path: String, tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:]
  ) throws(CoreError) {
    try AtomicFile.replace(path, parts: try parts(tensors, metadata))
  }

  /// The pieces of the file.
  static func parts(
    _ tensors: [(name: String, tensor: Tensor)], _ metadata: [String: String]
  ) throws(CoreError) -> [[UInt8]] {
    var pickle = PickleWriter()
    pickle.global("collections", "OrderedDict")
    pickle.emptyTuple()
    pickle.reduce()
    pickle.mark()
    var names: Set<String> = []
    var storages: [[UInt8]] = []
    for (name, tensor) in tensors {
      guard names.insert(name).inserted else { throw CoreError(.value, "two tensors named '\(name)'") }
      let (element, bytes) = try Element.bytes(of: tensor)
      pickle.string(name)
      pickle.global("torch._utils", "_rebuild_tensor_v2")
      pickle.mark()
      pickle.mark()
      pickle.string("storage")
      let storage = element == .float32 ? "FloatStorage" : element == .int64 ? "LongStorage" : "BoolStorage"
      pickle.global("torch", storage)
      pickle.string("\(storages.count)")
      pickle.string("cpu")
      pickle.int(tensor.count)
      pickle.tuple()
      pickle.persistent()
      pickle.int(0)
      pickle.ints(tensor.shape)
      pickle.ints(rowMajorStrides(tensor.shape))
      pickle.bool(false)
      pickle.global("collections", "OrderedDict")
      pickle.emptyTuple()
      pickle.reduce()
      pickle.tuple()
      pickle.reduce()
      storages.append(bytes)
    }
    pickle.setItems()

    var archive = ZipWriter()
    archive.add("archive/data.pkl", pickle.finished(), alignment: 64)
    archive.add("archive/.format_version", Array("1".utf8), alignment: 64)
    archive.add("archive/.storage_alignment", Array("64".utf8), alignment: 64)
    archive.add("archive/byteorder", Array("little".utf8), alignment: 64)
    if !metadata.isEmpty {
      let items = metadata.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }
      archive.add("archive/\(TorchArchive.metadataName)", Array(try JSON.object(items).text.utf8), alignment: 64)
    }
    for (index, storage) in storages.enumerated() { archive.add("archive/data/\(index)", storage, alignment: 64) }
    archive.add("archive/version", Array("3\n".utf8), alignment: 64)
    return archive.finished()
  }

  /// Strides as PyTorch states them, where an axis of size 0 counts as one of 1.
  private static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var (strides, step) = ([Int](), 1)
    for size in shape.reversed() {
      strides.append(step)
      step *= max(size, 1)
    }
    return strides.reversed()
  }
}

/// Writes pickles of protocol 2, instruction by instruction.
struct PickleWriter {
  private var bytes: [UInt8] = [0x80, 2]

  mutating func global(_ module: String, _ name: String) { bytes += Array("c\(module)\n\(name)\n".utf8) }
  mutating func emptyTuple() { bytes.append(UInt8(ascii: ")")) }
  mutating func reduce() { bytes.append(UInt8(ascii: "R")) }
  mutating func mark() { bytes.append(UInt8(ascii: "(")) }
  mutating func tuple() { bytes.append(UInt8(ascii: "t")) }
  mutating func persistent() { bytes.append(UInt8(ascii: "Q")) }
  mutating func setItems() { bytes.append(UInt8(ascii: "u")) }
  mutating func bool(_ value: Bool) { bytes.append(value ? 0x88 : 0x89) }

  mutating func string(_ text: String) {
    bytes.append(UInt8(ascii: "X"))
    bytes += little(text.utf8.count, 4)
    bytes += Array(text.utf8)
  }

  mutating func int(_ value: Int) {
    if (0..<256).contains(value) {
      bytes += [UInt8(ascii: "K"), UInt8(value)]
    } else if let small = Int32(exactly: value) {
      bytes += [UInt8(ascii: "J")] + little(Int(small), 4)
    } else {
      bytes += [0x8A, 8] + little(value, 8)
    }
  }

  mutating func ints(_ values: [Int]) {
    mark()
    for value in values { int(value) }
    tuple()
  }

  func finished() -> [UInt8] { bytes + [UInt8(ascii: ".")] }

  private func little(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
