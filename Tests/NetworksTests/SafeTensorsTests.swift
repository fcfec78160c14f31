import Foundation
import Networks
import Tensors
import Testing

@Suite struct SafeTensorsTests {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "ltd-safetensors-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  func path(_ name: String) -> String { folder.appending(path: name).path }

  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    try Data(bytes).write(to: folder.appending(path: name))
    return path(name)
  }

  /// A file with this header and so many bytes of data.
  func file(header: String, data: Int, name: String = "file.safetensors") throws -> String {
    let length = header.utf8.count
    let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    return try write(prefix + Array(header.utf8) + [UInt8](repeating: 0, count: data), name)
  }

  func model(seed: UInt64 = 1) throws -> Model {
    try Model(
      Architecture(
        .custom(
          .chain([
            Child("conv1", .conv2d(Conv2d(4, kernel: Size(3), padding: Padding(1)))),
            Child("bn1", .batchNorm(BatchNorm())),
            Child("", .relu), Child("", .globalAveragePool), Child("fc", .linear(Linear(3))),
          ])), classes: 3, input: [1, 8, 8], normalisation: Normalisation(mean: [0.5], std: [0.25])), seed: seed)
  }

  @Test func aModelIsTheSameAfterSavingAndLoading() throws {
    let model = try model()
    try model.save(path("model.safetensors"), metadata: ["note": "ein Ümläut \"quoted\" \u{1}\n"])
    let loaded = try Model.load(path("model.safetensors"))
    #expect(loaded.hasEqualWeights(to: model))
    #expect(loaded.parameterNames == ["conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias", "fc.weight", "fc.bias"])
    let file = try SafeTensors(path("model.safetensors"))
    #expect(file.metadata["format"] == "pt")
    #expect(file.metadata["note"] == "ein Ümläut \"quoted\" \u{1}\n")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model.safetensors"])
  }

  @Test func savingReplacesAFileOrLeavesIt() throws {
    try model(seed: 1).save(path("model.safetensors"))
    try model(seed: 2).save(path("model.safetensors"))
    #expect(try Model.load(path("model.safetensors")).hasEqualWeights(to: model(seed: 2)))
    #expect(throws: CoreError.self) { try model().save(path("no such folder/model.safetensors")) }
    #expect(throws: CoreError.self) { try model().save(folder.path) }
  }

  @Test func weightsThatDoNotFitAreListed() throws {
    try model().save(path("model.safetensors"))
    let other = try Model(Architecture(.mnistNet, classes: 10, input: [1, 28, 28]))
    let before = other.copy()
    let error = #expect(throws: CoreError.self) { try other.loadWeights(path("model.safetensors")) }
    #expect(error?.message.contains("missing: '0.weight'") == true)
    #expect(error?.message.contains("unknown: 'conv1.weight'") == true)
    #expect(other.hasEqualWeights(to: before))

    let wider = try Model(Architecture(.mlp(hidden: [8]), classes: 3, input: [1, 4, 4]))
    try wider.save(path("wide.safetensors"))
    let narrow = try Model(Architecture(.mlp(hidden: [7]), classes: 3, input: [1, 4, 4]))
    let mismatch = #expect(throws: CoreError.self) { try narrow.loadWeights(path("wide.safetensors")) }
    #expect(mismatch?.message.contains("'1.weight' is [8, 16] instead of [7, 16]") == true)
  }

  @Test func elementTypesAreConverted() throws {
    func float(_ type: String, _ bytes: [UInt8]) throws -> [Float] {
      let header = #"{"x":{"dtype":"\#(type)","shape":[2],"data_offsets":[0,\#(bytes.count)]}}"#
      let length = header.utf8.count
      let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
      return try SafeTensors(write(prefix + Array(header.utf8) + bytes, "\(type).safetensors")).tensor("x").floats()
    }
    #expect(try float("F16", [0x00, 0x3C, 0x01, 0x80]) == [1, -0x1p-24])
    #expect(try float("F16", [0xFF, 0x7B, 0x00, 0xFC]) == [65504, -.infinity])
    #expect(try float("BF16", [0x80, 0x3F, 0x40, 0xC0]) == [1, -3])
    #expect(try float("F32", [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]) == [1, -2])
    #expect(try float("F64", [0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0]) == [1, -2])
    let header = #"{"x":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}"#
    let prefix = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    let integers = try SafeTensors(write(prefix + Array(header.utf8) + [1, 0, 0xFF, 0xFF], "i.safetensors")).tensor("x")
    #expect(integers.ints() == [1, -1])
  }

  static let damaged: [(String, Int)] = [
    ("", 0), ("[]", 0), ("{", 0), (#"{"x":1}"#, 0), (#"{"x":{}}"#, 0),
    ("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} x", 4),
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3),
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5),
    (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4),
    (#"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4),
    (#"{"x":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, 4),
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4),
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4),
    (#"{"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0),
    (#"{"x":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#, 0),
    (#"{"x":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}}"#, 4),
    (
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8
    ),
    (
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4
    ),
    (
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#,
      12
    ),
    (#"{"__metadata__":{"a":1}}"#, 0), (#"{"__metadata__":[]}"#, 0),
    (String(repeating: "[", count: 100_000), 0), (#"{"\ud800":{}}"#, 0), (#"{"a":1e999}"#, 0),
    (#"{"a":99999999999999999999}"#, 0),
  ]

  @Test(arguments: damaged)
  func damagedHeadersAreErrors(_ header: String, _ data: Int) throws {
    let path = try file(header: header, data: data)
    #expect(throws: CoreError.self) { try SafeTensors(path) }
  }

  @Test func emptyTensorsAndFilesAreAllowed() throws {
    let path = try file(
      header:
        #"{"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]}}"#,
      data: 4)
    #expect(try SafeTensors(path).entries.map(\.shape) == [[1], [0, 3]])
    #expect(try SafeTensors(file(header: "{}", data: 0)).entries.isEmpty)
  }

  @Test func foreignFilesAreNamed() throws {
    let page = try write(Array("\n <!DOCTYPE html><html></html>".utf8), "page.safetensors")
    #expect(#expect(throws: CoreError.self) { try SafeTensors(page) }?.message.contains("web page") == true)
    let zip = try write([0x50, 0x4B, 3, 4, 0, 0, 0, 0, 0, 0], "weights.pt")
    #expect(#expect(throws: CoreError.self) { try SafeTensors(zip) }?.message.contains("torch.save") == true)
    let pointer = try write(Array("version https://git-lfs.github.com/spec/v1\n".utf8), "lfs.safetensors")
    #expect(#expect(throws: CoreError.self) { try SafeTensors(pointer) }?.message.contains("LFS") == true)
    #expect(throws: CoreError.self) { try SafeTensors(write([1, 2, 3], "short.safetensors")) }
    #expect(throws: CoreError.self) { try SafeTensors(write([UInt8](repeating: 0xFF, count: 64), "ones.safetensors")) }
    #expect(throws: CoreError.self) { try SafeTensors(path("missing.safetensors")) }
    #expect(throws: CoreError.self) { try SafeTensors(folder.path) }
    #expect(throws: CoreError.self) { try SafeTensors("a\0b") }
  }

  /// Whatever happens to the bytes, reading ends with a model or an error.
  @Test func mutatedFilesNeverCrash() throws {
    let original = try model()
    try original.save(path("model.safetensors"))
    let bytes = try [UInt8](Data(contentsOf: folder.appending(path: "model.safetensors")))
    let headerEnd = 8 + bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let stream = RandomStream(seed: 7, purpose: "mutate")
    var refused = 0
    for trial in 0..<1500 {
      let draws = stream.child(trial)
      var changed = bytes
      switch trial % 4 {
      case 0: changed.removeLast(1 + draws.integer(below: changed.count - 1, at: 0))
      case 1:
        for k in 0..<3 {
          changed[draws.integer(below: headerEnd, at: k)] = UInt8(draws.integer(below: 256, at: 10 + k))
        }
      case 2:
        let at = draws.integer(below: headerEnd, at: 0)
        changed.removeSubrange(at..<min(at + 1 + draws.integer(below: 40, at: 1), headerEnd))
      default:
        let digits = (8..<headerEnd).filter { changed[$0] >= 0x30 && changed[$0] <= 0x39 }
        changed[digits[draws.integer(below: digits.count, at: 0)]] = UInt8(0x30 + draws.integer(below: 10, at: 1))
      }
      let path = try write(changed, "changed.safetensors")
      do throws(CoreError) {
        _ = try Model.load(path)
        try original.copy().loadWeights(path)
      } catch {
        refused += 1
        #expect(!error.message.isEmpty)
      }
    }
    #expect(refused > 1000)
  }
}
