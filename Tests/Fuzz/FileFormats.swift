import Base
import Datasets
import Foundation
import Networks
import Tensors
import TestSupport

/// A form of files that is read: how valid files of it are made, and what reading one of them takes.
///
/// A further format is one entry in `all`. Its files are made by the program itself, with the mutator asked for every
/// part that lies within another (the pickle in an archive, the array in a compressed file): damage to the whole would
/// else be found by a checksum before anybody looks at the part.
struct FileFormat: Sendable {
  let name: String
  /// The files of a case by name; all but the first are left as they are made.
  let make: @Sendable (inout FileMutator) -> [(String, [UInt8])]
  /// Reads all that can be read in the folder of the files.
  let read: @Sendable (_ folder: String) throws -> Void

  /// One file of weights or tensors.
  static func weights(_ name: String, _ make: @escaping @Sendable (inout FileMutator) -> [UInt8]) -> FileFormat {
    FileFormat(name: name, make: { [("weights.bin", make(&$0))] }, read: readWeights)
  }

  private static func readWeights(_ folder: String) throws {
    let file = try openWeights("\(folder)/weights.bin")
    for table in file.stateDicts {
      for entry in table.entries {
        let tensor = try file.tensor(entry.name, in: table.key)
        guard tensor.shape == entry.shape else {
          throw Finding("'\(entry.name)' is \(tensor.shape), not \(entry.shape)")
        }
      }
      for other in table.others {
        guard (try? file.tensor(other.name, in: table.key)) == nil else {
          throw Finding("'\(other.name)' is a tensor")
        }
      }
    }
  }

  /// Something wrong that is no crash.
  struct Finding: Error {
    let what: String
    init(_ what: String) { self.what = what }
  }

  static let all: [FileFormat] =
    [
      .weights("safetensors") { random in
        let header = """
          {"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
          "b":{"dtype":"I64","shape":[],"data_offsets":[24,32]},"c":{"dtype":"BF16","shape":[2],"data_offsets":[32,36]},\
          "d":{"dtype":"BOOL","shape":[4],"data_offsets":[36,40]}}
          """
        let text = random.part(Array(header.utf8))
        return little(text.count, 8) + text + random.bytes(38) + [1, 0]
      },
      .weights("pt") { random in
        let fixture = random.torchFixture()
        var writer = ZipWriter()
        let folder = random.chance(8) ? "" : "model/"
        writer.add("\(folder)data.pkl", random.part(fixture.pickle), alignment: 64)
        writer.add("\(folder)byteorder", random.part(Array(fixture.byteOrder.utf8), 8))
        for (index, storage) in fixture.storages.enumerated() {
          writer.add("\(folder)data/\(index)", random.part(storage.bytes, 4), alignment: 64)
        }
        if random.chance(4) {
          writer.add("\(folder).ltd/metadata.json", random.part(Array(#"{"ltd.architecture":"{}","a":"b"}"#.utf8)))
        }
        writer.add("\(folder)version", Array("3\n".utf8))
        return writer.finished().flatMap { $0 }
      },
      .weights("pt_deflated") { random in
        let fixture = random.torchFixture()
        let storages = fixture.storages.enumerated().map { ("m/data/\($0.offset)", $0.element.bytes) }
        return deflatedArchive([("m/data.pkl", random.part(fixture.pickle))] + storages)
      },
      .weights("pt_legacy") { random in random.torchFixture().legacy },
      .weights("pickle") { random in
        // Instructions in any order, in an archive of PyTorch's.
        var writer = ZipWriter()
        writer.add("m/data.pkl", [0x80, 2] + random.instructions() + [0x2E])
        writer.add("m/data/0", random.bytes(64))
        return writer.finished().flatMap { $0 }
      },
      .weights("npy") { random in random.array() },
      .weights("npz") { random in
        let arrays = (0..<1 + random.next(3)).map { ("x\($0).npy", random.part(random.array(), 3)) }
        if random.chance(2) { return deflatedArchive(arrays) }
        var writer = ZipWriter()
        for (name, bytes) in arrays { writer.add(name, bytes) }
        return writer.finished().flatMap { $0 }
      },
      FileFormat(
        name: "idx",
        make: { random in
          let count = 1 + random.next(4)
          let images = [0, 0, 8, 3] + word(count) + word(28) + word(28) + random.bytes(count * 784)
          let labels = [0, 0, 8, 1] + word(count) + (0..<count).map { UInt8($0) }
          let names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]
          let files =
            random.chance(2) ? [(names[0], images), (names[1], labels)] : [(names[1], labels), (names[0], images)]
          return random.chance(3) ? [(files[0].0, gzip(random.part(files[0].1))), files[1]] : files
        },
        read: { folder in _ = try mnist(directory: folder, train: 1, test: 0) }),
      FileFormat(
        name: "cifar10",
        make: { random in
          let records = (0..<2).flatMap { [UInt8($0)] + random.bytes(3072) }
          return [("data_batch_1.bin", random.chance(3) ? gzip(random.part(records)) : records)]
        },
        read: { folder in _ = try cifar10(directory: folder, train: 2, test: 0) }),
      FileFormat(
        name: "cifar100",
        make: { random in [("train.bin", [3, 7] + random.bytes(3072) + [4, 99] + random.bytes(3072))] },
        read: { folder in _ = try cifar100(file: "\(folder)/train.bin", limit: 2) }),
    ] + dataSets
}

/// Makes files and damages them, from the numbers of one case.
struct FileMutator {
  private var generator: SeededGenerator
  /// Whether something was damaged already.
  private(set) var isMutated = false

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func next(_ bound: Int) -> Int { Int(generator.next() >> 33) % max(bound, 1) }
  mutating func chance(_ of: Int) -> Bool { next(of) == 0 }
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next(256)) } }

  /// A part of a file, damaged in one of so many cases.
  mutating func part(_ bytes: [UInt8], _ of: Int = 2) -> [UInt8] { chance(of) ? mutated(bytes) : bytes }

  /// Numbers at which sizes and offsets go wrong.
  private mutating func awkward() -> Int {
    let near = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 32, 1 << 48, .max, .min, -1, -2]
    return chance(3) ? next(1 << 20) : near[next(near.count)] &+ (chance(4) ? next(5) - 2 : 0)
  }

  /// One to four changes.
  mutating func mutated(_ original: [UInt8]) -> [UInt8] {
    isMutated = true
    var bytes = original
    for _ in 0..<1 + next(4) {
      guard !bytes.isEmpty else { return self.bytes(next(20)) }
      let place = next(bytes.count)
      let end = min(bytes.count, place + 1 + next(chance(4) ? bytes.count : 16))
      switch next(12) {
      case 0: bytes[place] ^= UInt8(1 << next(8))
      case 1: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF, 0x2E, 0x28][next(7)]
      case 2, 3:
        let size = [1, 2, 4, 8][next(4)]
        let value = little(awkward(), size)
        let new = chance(3) ? value.reversed() : value
        bytes.replaceSubrange(place..<min(bytes.count, place + size), with: new.prefix(bytes.count - place))
      case 4: bytes.removeSubrange(place...)
      case 5: bytes.removeSubrange(place..<end)
      case 6: bytes.insert(contentsOf: self.bytes(1 + next(9)), at: place)
      case 7: bytes.insert(contentsOf: bytes[place..<end], at: next(bytes.count))
      case 8: for i in place..<end { bytes[i] = chance(2) ? 0 : 0xFF }
      case 9, 10:
        // A number in a text.
        guard let start = bytes[place...].firstIndex(where: { $0 &- 48 < 10 }) else { continue }
        let digits = bytes[start...].prefix { $0 &- 48 < 10 }
        bytes.replaceSubrange(digits.indices, with: Array("\(awkward())".utf8))
      default: bytes.swapAt(place, next(bytes.count))
      }
      if bytes.count > 1 << 17 { bytes.removeLast(bytes.count - 1 << 17) }
    }
    return bytes
  }

  // MARK: Valid parts

  mutating func torchFixture() -> TorchFixture {
    let types = [
      ("FloatStorage", 4), ("DoubleStorage", 8), ("HalfStorage", 2), ("LongStorage", 8), ("BoolStorage", 1),
      ("BFloat16Storage", 2), ("CharStorage", 1), ("ComplexFloatStorage", 8), ("IntStorage", 4),
    ]
    var storages: [TorchFixture.Storage] = []
    var tensors: [TorchFixture.View] = []
    for index in 0..<1 + next(3) {
      let (type, size) = types[next(types.count)]
      let bytes = type == "BoolStorage" ? (0..<24).map { _ in UInt8(next(2)) } : self.bytes(24 * size)
      storages.append(.init(type, size: size, bytes))
      let shape = [[24], [4, 6], [2, 3, 4], [], [1, 24, 1], [0, 3], [3, 2]][next(7)]
      var (strides, step) = ([Int](), 1)
      for size in shape.reversed() { (strides, step) = (strides + [step], step * max(size, 1)) }
      let given = chance(2) ? Array(strides.reversed()) : chance(2) ? shape.map { _ in 0 } : strides
      let last = zip(shape, given).reduce(0) { $0 + max($1.0 - 1, 0) * $1.1 }
      tensors.append(
        .init(
          "t\(index)", of: index, offset: last < 24 ? next(24 - last) : 0, shape: shape,
          strides: last < 24 ? given : shape.map { _ in 0 }))
    }
    var fixture = TorchFixture(storages, tensors)
    fixture.wraps = [[], ["state_dict"], ["a", "b"]][next(3)]
    fixture.isParameter = chance(3)
    if chance(2) { fixture.other = instructions() }
    if chance(8) { fixture.byteOrder = "big" }
    return fixture
  }

  /// Instructions of a pickle that leave one value, more or less.
  mutating func instructions() -> [UInt8] {
    var bytes: [UInt8] = []
    let pieces: [[UInt8]] = [
      [0x7D], [0x5D], [0x29], [0x28], [0x4E], [0x88], [0x89], [0x4B, 7], [0x75], [0x65], [0x73], [0x61], [0x74], [0x85],
      [0x86], [0x87], [0x52], [0x62], [0x81], [0x51], [0x71, 1], [0x68, 1], [0x94], [0x32], [0x30], [0x31], [0x8F],
      [0x90], [0x91], [0x55, 1, 0x61], [0x58, 2, 0, 0, 0, 0x61, 0x62], [0x8A, 2, 1, 0x80], [0x4A, 1, 0, 0, 0x80],
      [0x47, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0], [0x95, 9, 0, 0, 0, 0, 0, 0, 0], Array("I12\n".utf8), Array("L5L\n".utf8),
      Array("ccollections\nOrderedDict\n)R".utf8), Array("ctorch._utils\n_rebuild_tensor_v2\n".utf8),
      Array("ctorch._utils\n_rebuild_parameter\n".utf8), Array("ctorch\nFloatStorage\n".utf8),
      Array("cos\nsystem\n".utf8),
      Array("cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR".utf8), Array("S'_modules'\n".utf8),
      Array("(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI16\ntQ".utf8), Array("S'_parameters'\n".utf8),
      Array(
        "ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI16\ntQI0\n(I4\nI4\nt(I4\nI1\ntI00\n}tR"
          .utf8),
    ]
    for _ in 0..<1 + next(30) { bytes += pieces[next(pieces.count)] }
    return bytes
  }

  /// A NumPy array.
  mutating func array() -> [UInt8] {
    let types = [
      ("<f4", 4), (">f8", 8), ("<f2", 2), ("|b1", 1), (">i4", 4), ("<u8", 8), ("|O", 8), ("<c8", 8), ("|u1", 1),
    ]
    let (type, size) = types[next(types.count)]
    let shape = [[6], [2, 3], [], [0, 4], [1, 1, 6]][next(5)]
    let sizes = shape.map { "\($0), " }.joined()
    var text = Array(
      "{'descr': '\(type)', 'fortran_order': \(chance(2) ? "True" : "False"), 'shape': (\(sizes)), }".utf8)
    text += [UInt8](repeating: 0x20, count: 63 - (10 + text.count) % 64) + [10]
    let version = 1 + next(3)
    let length = little(text.count, version == 1 ? 2 : 4)
    let data = type == "|b1" ? [UInt8](repeating: 1, count: 6) : bytes(6 * size)
    return [0x93] + Array("NUMPY".utf8) + [UInt8(version), 0] + length + part(text, 3)
      + data.prefix(shape.reduce(1, *) * size)
  }
}
