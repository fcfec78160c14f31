import Base
import Foundation
import Networks
import Tensors
import TestSupport
import Testing

/// PyTorch files made here: views of every kind, every type, damage at every place; and what ltd writes is read again.
@Suite struct TorchFileTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func open(_ bytes: [UInt8], _ name: String = "a.pt") throws -> any WeightFile {
    try folder.write(bytes, name)
    return try openWeights(folder.path(name))
  }

  private func message(_ bytes: [UInt8]) -> String {
    do {
      let file = try open(bytes)
      for table in file.stateDicts {
        for entry in table.entries { _ = try file.tensor(entry.name, in: table.key) }
      }
      return ""
    } catch { return (error as? CoreError)?.message ?? "\(error)" }
  }

  // MARK: Views

  /// Any shape, strides and offset: each element is the one that they say.
  @Test(arguments: 0..<40) func anyViewIsRead(seed: Int) throws {
    var random = Xorshift(UInt64(seed))
    var tensors: [TorchFixture.View] = []
    let values = (0..<200).map { Float($0) * 0.5 - 20 }
    while tensors.count < 6 {
      let rank = random.next(5)
      let shape = (0..<rank).map { _ in random.next(5) }
      var strides = (0..<rank).map { _ in random.next(8) }
      if random.next(3) == 0 {
        var step = 1
        for axis in shape.indices.reversed() { (strides[axis], step) = (step, step * max(shape[axis], 1)) }
      }
      let last = zip(shape, strides).reduce(0) { $0 + max($1.0 - 1, 0) * $1.1 }
      guard last < values.count else { continue }
      tensors.append(
        .init(
          "t\(tensors.count)", offset: random.next(values.count - last), shape: shape, strides: strides))
    }
    var fixture = TorchFixture([.init(values)], tensors)
    fixture.isParameter = seed % 2 == 0
    fixture.wraps = seed % 3 == 0 ? ["state_dict", "net"] : []
    for bytes in [fixture.zip, fixture.legacy] {
      let file = try open(bytes)
      let table = try #require(file.stateDicts.first)
      #expect(table.key == fixture.wraps.joined(separator: "."))
      for view in tensors {
        let tensor = try file.tensor(view.name, in: table.key)
        var expected: [Float] = []
        for flat in 0..<view.shape.reduce(1, *) {
          var (rest, place) = (flat, view.offset)
          for axis in view.shape.indices.reversed() {
            place += rest % view.shape[axis] * view.strides[axis]
            rest /= view.shape[axis]
          }
          expected.append(values[place])
        }
        #expect(tensor.shape == view.shape)
        #expect(tensor.floats() == expected, "\(view)")
      }
    }
  }

  @Test func everyTypeAndByteOrder() throws {
    let cases: [(String, Int, [UInt8], [Float])] = [
      ("DoubleStorage", 8, little(0x3FF8_0000_0000_0000, 8) + [UInt8](repeating: 0, count: 8), [1.5, 0]),
      ("FloatStorage", 4, little(0x3FC0_0000, 4) + little(0xC000_0000, 4), [1.5, -2]),
      ("HalfStorage", 2, [0x00, 0x3C, 0x01, 0x80], [1, -0x1p-24]),
      ("BFloat16Storage", 2, [0x80, 0x3F, 0x40, 0xC0], [1, -3]),
      ("LongStorage", 8, little(-5, 8) + little(7, 8), [-5, 7]),
      ("IntStorage", 4, little(-5, 4) + little(7, 4), [-5, 7]), ("ShortStorage", 2, [0xFB, 0xFF, 7, 0], [-5, 7]),
      ("CharStorage", 1, [0xFB, 7], [-5, 7]), ("ByteStorage", 1, [250, 7], [250, 7]),
      ("BoolStorage", 1, [0, 1], [0, 1]),
    ]
    for (type, size, bytes, expected) in cases {
      var fixture = TorchFixture(
        [.init(type, size: size, bytes)],
        [.init("x", shape: [2], strides: [1]), .init("y", shape: [2, 2], strides: [0, 1])])
      for file in [try open(fixture.zip), try open(fixture.legacy, "b.pt")] {
        #expect(try file.tensor("x", in: "").floats() == expected)
        #expect(try file.tensor("y", in: "").floats() == expected + expected)
      }
      let swapped = stride(from: 0, to: bytes.count, by: size).flatMap { Array(bytes[$0..<$0 + size].reversed()) }
      fixture.storages[0].bytes = swapped
      fixture.byteOrder = "big"
      #expect(try open(fixture.zip).tensor("x", in: "").floats() == expected, "\(type)")
    }
    var complex = TorchFixture([.init("ComplexFloatStorage", size: 8, [UInt8](repeating: 0, count: 16))], [])
    complex.tensors = [.init("x", shape: [2], strides: [1])]
    for bytes in [complex.zip, complex.legacy] {
      let file = try open(bytes)
      #expect(file.stateDicts[0].entries.isEmpty && file.notes == ["'x' is of the type complex64 and was left alone"])
      #expect(#expect(throws: CoreError.self) { try file.tensor("x", in: "") }?.message.contains("complex64") == true)
    }
  }

  @Test func whatStandsBesideIsNamed() throws {
    var fixture = TorchFixture([.init([1, 2, 3, 4] as [Float])], [.init("w", shape: [4], strides: [1])])
    fixture.wraps = ["net"]
    fixture.other = Array("}(S'epoch'\nI4\nS'args'\ncargparse\nNamespace\n)R}b".utf8)
    fixture.other += Array("S'v'\n".utf8) + [0x4E] + Array("u".utf8)
    let file = try open(fixture.zip)
    #expect(file.stateDicts.map(\.key) == ["net"])
    #expect(file.stateDicts[0].entries.map(\.elementType) == ["float32"])
  }

  // MARK: Bad input

  @Test func tensorsThatCannotBeAreRefused() throws {
    let values = TorchFixture.Storage([1, 2, 3, 4] as [Float])
    func message(_ offset: Int, _ shape: [Int], _ strides: [Int], legacy: Bool = false) -> String {
      let fixture = TorchFixture([values], [.init("w", offset: offset, shape: shape, strides: strides)])
      return self.message(legacy ? fixture.legacy : fixture.zip)
    }
    for legacy in [false, true] {
      #expect(message(0, [4], [1], legacy: legacy) == "")
      #expect(message(1, [4], [1], legacy: legacy).contains("of tensor 'w', the shape [4] from element 1"))
      #expect(message(0, [-4], [1], legacy: legacy).contains("the shape [-4]"))
      #expect(message(0, [4], [-1], legacy: legacy).contains("the strides [-1]"))
      #expect(message(0, [2, 2], [1], legacy: legacy).contains("no numbers that belong together"))
      #expect(message(0, [1 << 40, 1 << 40], [0, 0], legacy: legacy).contains("does not fit"))
      #expect(message(0, [1 << 62, 0], [1 << 62, 1], legacy: legacy).contains("does not fit"))
      #expect(message(0, [2], [Int.max], legacy: legacy).contains("does not fit"))
      // A bomb: a hundred million elements out of four.
      #expect(message(0, [100_000_000], [0], legacy: legacy).contains("are made of the 4"))
    }
    // Storages that are not there, or of another size.
    var writer = ZipWriter()
    let fixture = TorchFixture([values], [.init("w", shape: [4], strides: [1])])
    writer.add("a/data.pkl", fixture.pickle)
    #expect(self.message(writer.finished().flatMap { $0 }).contains("'data/0' of tensor 'w' is missing"))
    writer.add("a/data/0", [0, 0, 0, 0])
    #expect(self.message(writer.finished().flatMap { $0 }).contains("has 4 bytes, expected 16"))
    var other = ZipWriter()
    other.add("a/data.pkl", fixture.pickle)
    other.add("a/data/0", values.bytes)
    other.add("a/byteorder", Array("middle".utf8))
    #expect(self.message(other.finished().flatMap { $0 }).contains("byte order is 'middle'"))
    var metadata = ZipWriter()
    metadata.add("a/data.pkl", fixture.pickle)
    metadata.add("a/data/0", values.bytes)
    metadata.add("a/.ltd/metadata.json", Array("{".utf8))
    #expect(self.message(metadata.finished().flatMap { $0 }).contains("in the metadata of ltd"))
    // Of a legacy file.
    let legacy = fixture.legacy
    #expect(self.message(legacy + [0]).contains("1 bytes follow its last storage"))
    #expect(self.message(legacy.dropLast()).contains("the storage '0' (1 of 1) has 4 elements of 4 bytes, and 15"))
    #expect(self.message(legacy.dropLast(20)).contains("the storage '0' (1 of 1) and what follows is not there"))
    // What is hidden under many names and levels.
    var deep: [UInt8] = [0x80, 2]
    for _ in 0..<100_000 { deep += [0x7D, 0x55, 1, 0x61] }
    deep += [0x4E] + [UInt8](repeating: 0x73, count: 100_000) + [0x2E]
    var bomb = ZipWriter()
    bomb.add("a/data.pkl", deep)
    #expect(try open(bomb.finished().flatMap { $0 }).stateDicts.isEmpty)
  }

  /// Cut at every length and damaged at every byte: an error or the right numbers, never a trap.
  @Test func anyDamageIsSurvived() throws {
    var fixture = TorchFixture(
      [.init([1, 2, 3, 4, 5, 6] as [Float]), .init([7, 8])],
      [.init("a", shape: [2, 3], strides: [1, 2]), .init("b", of: 1, shape: [2], strides: [1])])
    fixture.wraps = ["net"]
    for good in [fixture.zip, fixture.legacy] {
      #expect(message(good) == "")
      for length in stride(from: 0, to: good.count, by: 3) {
        #expect(message(Array(good[..<length])) != "", "cut at \(length)")
      }
      for place in good.indices {
        var bytes = good
        bytes[place] ^= UInt8(1 << (place % 8))
        _ = message(bytes)
      }
    }
  }

  // MARK: Writing

  @Test(arguments: ["a.pt", "a.pth", "a.npz", "a.safetensors"]) func whatIsWrittenIsRead(name: String) throws {
    let tensors: [(name: String, tensor: Tensor)] = [
      ("conv.weight", try Tensor((0..<54).map { Float($0) / 7 - .pi }, shape: [2, 3, 3, 3]).channelsLast()),
      ("n", try Tensor(ints: [.max], shape: [])), ("mask", try Tensor(bools: [true, false, true], shape: [3, 1])),
      ("none", try Tensor.zeros([0, 5])), ("odd ünïcode/name", try Tensor([.nan, .infinity, -0.0], shape: [3])),
    ]
    try TensorFile.write(folder.path(name), tensors: tensors)
    let first = try folder.read(name)
    let file = try openWeights(folder.path(name))
    #expect(file.stateDicts.map(\.key) == [""] && file.notes.isEmpty)
    #expect(file.stateDicts[0].entries.map(\.name) == tensors.map(\.name))
    for (key, tensor) in tensors { #expect(try file.tensor(key, in: "").isIdentical(to: tensor), "\(name): \(key)") }
    // The same tensors give the same bytes.
    try TensorFile.write(folder.path(name), tensors: tensors)
    #expect(try folder.read(name) == first)
    try TensorFile.write(folder.path("empty-\(name)"), tensors: [])
    _ = try openWeights(folder.path("empty-\(name)"))
    #expect(throws: CoreError.self) { try TensorFile.write(folder.path(name), tensors: [tensors[0], tensors[0]]) }
  }

  @Test func arraysAreWrittenAsNumPyDoes() throws {
    try TensorFile.write(folder.path("a.npy"), tensor: try Tensor(ints: [1, 2, 3], shape: [1, 3]))
    // numpy.save(path, numpy.array([[1, 2, 3]]))
    var expected = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0]
    expected += Array("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 3), }".utf8)
    expected += [UInt8](repeating: 0x20, count: 127 - expected.count) + [10]
    #expect(try folder.read("a.npy") == expected + [1, 2, 3].flatMap { little($0, 8) })
    for shape in [[], [5], [0], [2, 0, 3]] {
      let tensor = try Tensor((0..<shape.reduce(1, *)).map { Float($0) }, shape: shape)
      try TensorFile.write(folder.path("b.npy"), tensor: tensor)
      #expect(try openWeights(folder.path("b.npy")).tensor("", in: "").isIdentical(to: tensor))
    }
  }

  @Test func fortranOrderIsReadAsItIs() throws {
    // numpy.save(path, numpy.asfortranarray(numpy.arange(6, dtype='>f4').reshape(2, 3)))
    var bytes = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0]
    bytes += Array("{'descr': '>f4', 'fortran_order': True, 'shape': (2, 3), }".utf8)
    bytes += [UInt8](repeating: 0x20, count: 127 - bytes.count) + [10]
    bytes += [0, 3, 1, 4, 2, 5].flatMap { little(Int(Float($0).bitPattern), 4).reversed() }
    #expect(try open(bytes, "a.npy").tensor("", in: "").floats() == [0, 1, 2, 3, 4, 5])
  }

  @Test func modelsSurviveAFileOfPyTorch() throws {
    let model = try Model(Architecture(MLP(hidden: [8]), classes: 3, input: [1, 4, 4]), seed: 3)
    try model.save(folder.path("m.pt"), metadata: ["note": "a \"note\""])
    #expect(try Model.load(folder.path("m.pt")).hasEqualWeights(to: model))
    #expect(try openWeights(folder.path("m.pt")).metadata["note"] == "a \"note\"")
    #expect(throws: CoreError.self) { try model.save(folder.path("m.npz")) }
  }

  private struct Xorshift {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state >> 33) % bound
    }
  }
}
