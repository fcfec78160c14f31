import Base
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
    let other = try Model(Architecture(MNISTNet(), classes: 10, input: [1, 28, 28]))
    let before = other.copy()
    let error = #expect(throws: CoreError.self) { try other.loadWeights(path("model.safetensors")) }
    #expect(error?.message.contains("missing: '0.weight'") == true)
    #expect(error?.message.contains("unexpected: 'conv1.weight'") == true)
    #expect(other.hasEqualWeights(to: before))

    let wider = try Model(Architecture(MLP(hidden: [8]), classes: 3, input: [1, 4, 4]))
    try wider.save(path("wide.safetensors"))
    let narrow = try Model(Architecture(MLP(hidden: [7]), classes: 3, input: [1, 4, 4]))
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
    #expect(#expect(throws: CoreError.self) { try openWeights(page) }?.message.contains("web page") == true)
    let zip = try write([0x50, 0x4B, 3, 4, 20, 0, 0, 0, 8, 0], "weights.pt")
    #expect(#expect(throws: CoreError.self) { try openWeights(zip) }?.message.contains("a zip archive") == true)
    let pointer = try write(Array("version https://git-lfs.github.com/spec/v1\n".utf8), "lfs.safetensors")
    #expect(#expect(throws: CoreError.self) { try openWeights(pointer) }?.message.contains("LFS") == true)
    func message(_ bytes: [UInt8]) throws -> String {
      let path = try write(bytes, "foreign")
      return #expect(throws: CoreError.self) { try openWeights(path) }?.message ?? ""
    }
    func archive(_ name: String) -> [UInt8] {
      [0x50, 0x4B, 3, 4] + [UInt8](repeating: 0, count: 22) + [UInt8(name.utf8.count), 0, 0, 0] + Array(name.utf8)
    }
    for (bytes, kind) in [
      ([0x93] + Array("NUMPY".utf8) + [1, 0, 0x76, 0], "a NumPy array"), (archive("1.weight.npy"), "a NumPy archive"),
      (archive("archive/data.pkl"), "a torch.save file"), (archive("a.txt"), "a zip archive"),
      ([0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9], "a torch.save file"),
      ([0x80, 4, 0x95, 1, 0, 0, 0, 0, 0, 0, 0], "a Python pickle"),
      ([0x80, 2, 0x7D, 0x71, 0, 0x2E], "a Python pickle"),
      ([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1], "gzip data"), (Array("<html><body>".utf8), "a web page"),
      ([0x89] + Array("PNG\r\n\u{1A}\n".utf8) + [0, 0, 0, 13], "a PNG image"),
      (Array("{\"a\": 1}".utf8), "a JSON text"),
      (Array("learning rate 0.1".utf8), "a text file"), ([0x89] + Array("HDF\r\n\u{1A}\n".utf8), "an HDF5 file"),
      ([], "is empty"), ([UInt8](repeating: 0, count: 64), "nothing but zero bytes"),
    ] as [([UInt8], String)] {
      let said = try message(bytes)
      #expect(said.contains(kind), "\(kind): \(said)")
    }
    // What begins as our own does, but is cut short, is nothing else, whatever the length of its header looks like.
    for start in FileKindStarts.all {
      let cut = (0..<8).map { UInt8(truncatingIfNeeded: start >> (8 * $0)) } + Array(#"{"x":"#.utf8)
      #expect(try message(cut).contains("safetensors file, or it is"))
    }
    #expect(throws: CoreError.self) { try openWeights(write([1, 2, 3], "short.safetensors")) }
    #expect(throws: CoreError.self) { try openWeights(write([UInt8](repeating: 0xFF, count: 64), "ones.safetensors")) }
    #expect(throws: CoreError.self) { try openWeights(path("missing.safetensors")) }
    #expect(throws: CoreError.self) { try openWeights(folder.path) }
    #expect(throws: CoreError.self) { try openWeights("a\0b") }
  }

  /// What stands at the start of the file is the length of the header, whatever bytes it has.
  @Test func headersOfEveryLengthAreRead() throws {
    let names = Set(FileKindStarts.all.flatMap { start in (0...2).map { start | $0 << 16 } })
    let more = names.filter({ $0 > 256 && $0 < 200_000 }).sorted()
    for length in Array(256...2048) + more {
      let start = #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#
      // As spaces, as metadata, and as the name of a tensor.
      for header in [
        start + "}" + String(repeating: " ", count: length - start.count - 1),
        start + #","__metadata__":{"a":""# + String(repeating: "m", count: length - start.count - 25) + #""}}"#,
      ] {
        #expect(header.utf8.count == length)
        let path = try file(header: header, data: 8)
        do { _ = try SafeTensors(path).tensor("x") } catch { Issue.record("length \(length): \(error)") }
      }
    }
  }

  /// The first two bytes of other kinds of files, as numbers.
  private enum FileKindStarts {
    static let all: [Int] =
      ["PK", "<!", "<?", "<h", "BZ", "%P", "GI", "ve", "7z", "\u{7F}E", "\n<", " <", "{\"", "\u{0}\u{0}"]
      .map { Array($0.utf8) }.map { Int($0[0]) | Int($0[1]) << 8 } + [
        0x0280, 0x0380, 0x0480, 0x0580, 0x8B1F, 0x5089, 0x4889, 0x4E93, 0xD8FF, 0x37FD, 0xB528, 0xBBEF,
      ]
  }

  /// Every family, with sizes that change the header, and layers with names of every length.
  @Test func everyArchitectureIsReadBack() throws {
    func small(_ layers: [Layer]) throws -> Architecture { try Architecture(.sequential(layers), input: [1, 6, 6]) }
    var architectures = Architecture.small(classes: 4, input: [3, 32, 24])
    architectures += Architecture.small(classes: 3, input: [3, 28, 28]).map {
      Architecture($0.design, classes: $0.classes, input: $0.input, normalisation: .cifar10)
    }
    for hidden in [[], [1], [32], [48], [50], [64], [96], [99], [100], [128], [256], [10, 11], [10, 9, 8, 7]] {
      architectures.append(Architecture(MLP(hidden: hidden), classes: 10, input: [1, 4, 4]))
      architectures.append(
        try small([.flatten] + hidden.flatMap { [.linear(Linear($0)), .relu] } + [.linear(Linear(10))]))
    }
    for layer in Self.oneOfEach { architectures.append(try small([layer, .flatten, .linear(Linear(2))])) }
    // The names of its layers make the header longer by 8 bytes at a time.
    for length in stride(from: 1, to: 800, by: 4) {
      let name = String(repeating: "n", count: length)
      architectures.append(
        try Architecture(.chain([Child("", .flatten), Child(name, .linear(Linear(2)))]), input: [1, 1, 1]))
    }
    var lengths: Set<Int> = []
    for (seed, architecture) in architectures.enumerated() {
      let model = try Model(architecture, seed: UInt64(seed))
      try model.save(path("m"))
      let bytes = try Data(contentsOf: folder.appending(path: "m"))
      lengths.insert(bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) })
      do {
        #expect(try Model.load(path("m")).hasEqualWeights(to: model), "\(architecture)")
        let other = try Model(architecture, seed: 12345)
        try other.loadWeights(path("m"))
        #expect(other.hasEqualWeights(to: model), "\(architecture)")
      } catch { Issue.record("\(architecture): \(error)") }
    }
    #expect(lengths.filter { (256...2048).contains($0) }.count > 140)
  }

  private static let oneOfEach: [Layer] = [
    .conv2d(Conv2d(2, kernel: Size(3), padding: Padding(1), bias: false)),
    .sequential([.flatten, .linear(Linear(6, bias: false))]),
    .batchNorm(BatchNorm(eps: 1e-3, momentum: 0.3)), .relu, .leakyRelu(slope: 0.2), .silu, .maxPool(Pooling(Size(2))),
    .relu6, .gelu, .sequential([.classToken, .attention(Attention(heads: 1)), .layerNorm(eps: 1e-3), .firstToken]),
    .averagePool(Pooling(Size(3), stride: Size(1), padding: Padding(1))), .dropout(0.25),
    .quantise(levels: 17), .meanSparse(mean: [0.1], width: [1 / 7]), .normalise(mean: [0.1], std: [1 / 3]),
    .residual(
      Residual(
        before: [Child("b", .batchNorm(BatchNorm()))],
        body: [Child("c", .conv2d(Conv2d(1, kernel: Size(1))))], shortcutReadsBefore: true, after: [Child("", .relu)])),
  ]

  /// What the weights' shapes do not show: each changes what is computed from the same weights.
  @Test func weightsOfAnotherNetworkAreRefused() throws {
    func conv(_ change: (inout Conv2d) -> Void) -> Layer {
      var conv = Conv2d(1, kernel: Size(3), padding: Padding(1))
      change(&conv)
      return .conv2d(conv)
    }
    let block = Residual(before: [Child("b", .batchNorm(BatchNorm()))], body: [Child("c", .relu)])
    var reading = block
    reading.shortcutReadsBefore = true
    var after = block
    after.after = [Child("", .relu)]
    let pairs: [(Layer, Layer)] = [
      (.relu, .silu), (.relu, .leakyRelu(slope: 0.1)), (.leakyRelu(slope: 0.1), .leakyRelu(slope: 0.2)),
      (.relu, .dropout(0.5)), (.dropout(0.5), .dropout(0.4)), (.relu, .dropout(0)),
      (.relu, .sequential([.relu, .silu])), (.relu, .relu6), (.silu, .gelu),
      (.maxPool(Pooling(Size(2))), .averagePool(Pooling(Size(2)))),
      (.maxPool(Pooling(Size(2))), .maxPool(Pooling(Size(2), stride: Size(1)))),
      (.maxPool(Pooling(Size(3), stride: Size(2))), .maxPool(Pooling(Size(3), stride: Size(2), padding: Padding(1)))),
      (.batchNorm(BatchNorm()), .batchNorm(BatchNorm(eps: 1e-3))),
      (.batchNorm(BatchNorm()), .batchNorm(BatchNorm(momentum: 0.01))),
      (.normalise(mean: [0], std: [1]), .normalise(mean: [0.5], std: [1])),
      (.normalise(mean: [0.5], std: [1]), .normalise(mean: [0.5], std: [0.25])),
      (conv { _ in }, conv { $0.stride = Size(2) }), (conv { _ in }, conv { $0.padding = .none }),
      (conv { _ in }, conv { $0.dilation = Size(2) }),
      (conv { _ in }, conv { $0.padding = Padding(top: 1, bottom: 1, left: 0, right: 0) }),
      (.residual(block), .residual(reading)), (.residual(block), .residual(after)),
    ]
    func architecture(_ layer: Layer) throws -> Architecture {
      try Architecture(
        .chain([Child("a", layer), Child("", .globalAveragePool), Child("fc", .linear(Linear(2)))]), input: [1, 8, 8])
    }
    for (first, second) in pairs {
      for (saved, asked) in [(first, second), (second, first)] {
        try Model(architecture(saved), seed: 1).save(path("m"))
        let model = try Model(architecture(asked), seed: 2)
        let before = model.copy()
        let error = #expect(throws: CoreError.self, "\(saved), \(asked)") { try model.loadWeights(path("m")) }
        #expect(
          error?.message.contains("was saved from") == true && error?.message.contains(" in the file and ") == true)
        #expect(model.hasEqualWeights(to: before))
        try model.loadWeights(path("m"), checksArchitecture: false)
        #expect(!model.hasEqualWeights(to: before))
      }
    }
    // What was drawn in another way, or is put together in another way, is the same network.
    let start = Conv2d(1, kernel: Size(3), initialisation: .kaimingFanOut)
    try Model(architecture(.conv2d(start)), seed: 1).save(path("m"))
    try Model(architecture(.conv2d(Conv2d(1, kernel: Size(3))))).loadWeights(path("m"))
    let mlp = Architecture(MLP(hidden: [3]), classes: 2, input: [1, 2, 2])
    try Model(mlp, seed: 1).save(path("m"))
    try Model(Architecture(mlp.network(), input: [1, 2, 2])).loadWeights(path("m"))
  }

  @Test func settingsOfTheZooAreCompared() throws {
    func message(_ saved: Architecture, _ asked: Architecture) throws -> String {
      try Model(saved).save(path("m"))
      let model = try Model(asked)
      return #expect(throws: CoreError.self) { try model.loadWeights(path("m")) }?.message ?? ""
    }
    func resnet(_ variant: PreActResNet18.Variant, normalised: Bool = false, size: Int = 8) -> Architecture {
      Architecture(
        PreActResNet18(planes: [1, 1, 2, 2], variant: variant), classes: 2, input: [3, size, size],
        normalisation: normalised ? .cifar10 : nil)
    }
    #expect(
      try message(resnet(.activated), resnet(.rawNormalised)).contains(
        #": variant is "activated" in the file and "raw_bn" in the model"#))
    #expect(
      try message(resnet(.activated, normalised: true), resnet(.activated)).contains(
        "mean is [0.4914, 0.4822, 0.4465] in the file and none in the model; std is"))
    #expect(
      try message(resnet(.activated), resnet(.activated, normalised: true)).contains("mean is none in the file"))
    #expect(
      try message(resnet(.activated, size: 16), resnet(.activated)).contains(
        "images are [3, 16, 16] in the file and [3, 8, 8] in the model"))
    func cnn(_ dropout: Double) -> Architecture {
      Architecture(
        SmallCNN(channels: [1, 1, 2, 2], features: 5, dropout: dropout), classes: 2, input: [1, 28, 28])
    }
    #expect(try message(cnn(0.5), cnn(0.2)).contains("dropout is 0.5 in the file and 0.2 in the model"))
  }

  @Test func settingsThatAreNotKnownAreRefused() throws {
    let model = try Model(Architecture(MLP(hidden: []), classes: 2, input: [1, 1, 1]))
    let text = #"{"family":"mlp","classes":2,"input":[1,1,1],"hidden":[]"#
    for (more, isKnown) in [
      ("", true), (#","mean":[0.5],"std":[1]"#, true), (#","mean":[0.5]"#, false), (#","activation":"silu""#, false),
    ] {
      try SafeTensors.write(path("m"), tensors: model.state, metadata: ["ltd.architecture": text + more + "}"])
      if isKnown {
        _ = try Model.load(path("m"))
      } else {
        let error = #expect(throws: CoreError.self) { try Model.load(path("m")) }
        #expect(error?.message.contains("setting '") == true)
        #expect(throws: CoreError.self) { try model.loadWeights(path("m")) }
      }
    }
    // A file that says nothing is compared by its weights alone.
    try SafeTensors.write(path("m"), tensors: model.state)
    try model.loadWeights(path("m"))
  }

  @Test func weightsThatAreNotFiniteAreNamed() throws {
    let model = try model()
    #expect(model.doubtfulWeights.isEmpty)
    var parameters = model.parameters
    var values = parameters[0].floats()
    (values[10], values[12]) = (.nan, -.infinity)
    parameters[0] = try Tensor(values, shape: parameters[0].shape)
    try model.setParameters(parameters)
    var buffers = model.buffers
    buffers[1] = try Tensor([1, -0.5, -1, 1], shape: [4])
    try model.setBuffers(buffers)
    #expect(
      model.doubtfulWeights == [
        "tensor 'conv1.weight' holds 2 values of 36 not finite, the first at [1, 0, 0, 1]: nan",
        "tensor 'bn1.running_var' holds 2 values of 4 below 0, where a variance stands, the first at [1]: -0.5",
      ])
    try model.save(path("m"))
    #expect(try Model.load(path("m")).doubtfulWeights.count == 2)
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
