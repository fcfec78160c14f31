import Base
import Networks
import Tensors
import Testing

@Suite struct ArchitectureTests {
  static let cifar = [3, 32, 32]

  /// Trainable weights and state-dict entries as PyTorch counts them.
  static let counts: [(Architecture, Int, Int)] = [
    (Architecture(SmallCNN(), classes: 10, input: [1, 28, 28]), 312_202, 14),
    (Architecture(ResNet18(planes: [64, 128, 256, 512]), classes: 10, input: cifar), 11_173_962, 122),
    (Architecture(PreActResNet18(variant: .raw), classes: 10, input: cifar), 11_171_146, 102),
    (
      Architecture(PreActResNet18(variant: .rawNormalised), classes: 10, input: cifar), 11_172_170, 107
    ),
    (Architecture(PreActResNet18(variant: .activated), classes: 10, input: cifar), 11_172_170, 107),
    (Architecture(WideResNet(depth: 28, widen: 10), classes: 10, input: cifar), 36_479_194, 155),
    (Architecture(WideResNet(depth: 34, widen: 10), classes: 10, input: cifar), 46_160_474, 191),
    (Architecture(ResNet50(width: 64), classes: 1000, input: [3, 224, 224]), 25_557_032, 320),
    (Architecture(MNISTNet(), classes: 10, input: [1, 28, 28]), 166_406, 8),
    (Architecture(CIFARResNet34(), classes: 10, input: cifar), 21_282_122, 218),
    (Architecture(CIFARResNet50(), classes: 10, input: cifar), 23_520_842, 320),
    (Architecture(SwishWideResNet(), classes: 10, input: cifar), 36_479_194, 155),
    (Architecture(SwishPreActResNet18(), classes: 10, input: cifar), 12_548_426, 107),
    (Architecture(ImageNetResNet18(), classes: 1000, input: [3, 224, 224]), 11_689_512, 122),
    (Architecture(ImageNetResNet34(), classes: 1000, input: [3, 224, 224]), 21_797_672, 218),
    (Architecture(ResNet101(), classes: 1000, input: [3, 224, 224]), 44_549_160, 626),
    (Architecture(WideResNet50(), classes: 1000, input: [3, 224, 224]), 68_883_240, 320),
    (Architecture(LeNet5(), classes: 10, input: [1, 28, 28]), 648_226, 8),
    (Architecture(TRADESNet(), classes: 10, input: [1, 28, 28]), 21_840, 8),
    // Those of `data/checkpoints` that are called otherwise elsewhere: kw_small and cnn_a.
    (Architecture(MNISTNet(), classes: 10, input: cifar), 214_918, 8),
  ]

  @Test(arguments: counts)
  func weightsAreAsManyAsInPyTorch(_ architecture: Architecture, _ weights: Int, _ entries: Int) throws {
    let blueprint = try Blueprint(architecture)
    #expect(blueprint.parameters.reduce(0) { $0 + $1.shape.reduce(1, *) } == weights)
    #expect(blueprint.parameters.count + blueprint.buffers.count == entries)
  }

  /// The names and shapes of the state dicts of the originals: the 64-bit FNV-1a hash of the lines "name [shape]" in
  /// the order of the bytes. They were made with PyTorch and the public classes (torchvision's, `models/resnet.py` of
  /// pytorch-cifar, RobustBench's DMWideResNet and DMPreActResNet without `mean` and `std`, advertorch's LeNet5 and
  /// TRADES' Net), by
  ///
  ///     rows = sorted(f"{k} {list(v.shape)}" for k, v in model.state_dict().items() if k not in ("mean", "std"))
  ///     h = 0xcbf29ce484222325
  ///     for byte in "\n".join(rows).encode(): h = ((h ^ byte) * 0x100000001b3) & 0xffffffffffffffff
  static let stateDicts: [(Architecture, UInt64)] = [
    (Architecture(CIFARResNet34(), classes: 10, input: cifar), 0x24d0_7637_02ad_42c4),
    (Architecture(CIFARResNet50(), classes: 10, input: cifar), 0x9959_fbb4_51e9_5638),
    (Architecture(SwishPreActResNet18(), classes: 10, input: cifar), 0x3a45_3afc_a74a_da15),
    (Architecture(SwishWideResNet(), classes: 10, input: cifar), 0x7ebb_1621_2732_d8ad),
    (Architecture(ImageNetResNet18(), classes: 1000, input: [3, 224, 224]), 0xdd65_621d_2d3b_5d36),
    (Architecture(ImageNetResNet34(), classes: 1000, input: [3, 224, 224]), 0xa705_3380_cbbe_6b88),
    (Architecture(ResNet50(), classes: 1000, input: [3, 224, 224]), 0x11c9_c0d7_2f03_d8fc),
    (Architecture(ResNet101(), classes: 1000, input: [3, 224, 224]), 0xe70d_5beb_430f_c569),
    (Architecture(WideResNet50(), classes: 1000, input: [3, 224, 224]), 0xf080_d942_b3ef_81ac),
    (Architecture(TRADESNet(), classes: 10, input: [1, 28, 28]), 0x70d0_4a32_a076_93f5),
    (Architecture(LeNet5(), classes: 10, input: [1, 28, 28]), 0xc958_4a7b_a869_12fa),
  ]

  @Test(arguments: stateDicts)
  func namesAndShapesAreThoseOfTheOriginal(_ architecture: Architecture, _ expected: UInt64) throws {
    let blueprint = try Blueprint(architecture)
    let rows = (blueprint.parameters + blueprint.buffers).map { "\($0.name) \($0.shape)" }
    let lines = rows.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.joined(separator: "\n")
    let hash = lines.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    #expect(hash == expected)
  }

  @Test(arguments: counts.map(\.0))
  func descriptionsSurviveAWeightFile(_ architecture: Architecture) throws {
    #expect(try Architecture(JSON.parse(architecture.json.text)) == architecture)
  }

  @Test func anyLayerSurvivesAWeightFile() throws {
    let block = Residual(
      before: [Child("bn", .batchNorm(BatchNorm(eps: 1e-3, momentum: 0.01))), Child("", .silu)],
      body: [
        Child("conv", .conv2d(Conv2d(8, kernel: Size(3, 5), padding: Padding(top: 1, bottom: 1, left: 2, right: 2)))),
        Child("", .leakyRelu(slope: 0.1)), Child("", .dropout(0.25)),
      ],
      shortcut: [
        Child("", .conv2d(Conv2d(8, kernel: Size(1), groups: 2, bias: false, initialisation: .kaimingFanOut)))
      ],
      shortcutReadsBefore: true, after: [Child("", .relu)])
    let architecture = Architecture(
      .custom(
        .sequential([
          .normalise(mean: [0.5, 0.5], std: [0.25, 0.25]), .residual(block),
          .maxPool(Pooling(Size(2), padding: Padding(1))), .averagePool(Pooling(Size(2), stride: Size(1))), .flatten,
          .linear(Linear(4, bias: false)), .chain([Child("head", .linear(Linear(3, initialisation: .zero)))]),
        ])),
      classes: 3, input: [2, 8, 8], normalisation: Normalisation(mean: [0, 0], std: [1, 1]))
    #expect(try Architecture(JSON.parse(architecture.json.text)) == architecture)
    let names = try Blueprint(architecture).parameters.map(\.name)
    #expect(
      names == [
        "1.bn.weight", "1.bn.bias", "1.conv.weight", "1.conv.bias", "1.weight", "5.weight", "6.head.weight",
        "6.head.bias",
      ])
  }

  static let impossible: [Architecture] = [
    Architecture(SmallCNN(), classes: 10, input: [1, 12, 12]),
    Architecture(SmallCNN(channels: [1, 2]), classes: 10, input: [1, 28, 28]),
    Architecture(SmallCNN(features: -1), classes: 10, input: [1, 28, 28]),
    Architecture(SmallCNN(dropout: 1), classes: 10, input: [1, 28, 28]),
    Architecture(SmallCNN(), classes: 1, input: [1, 28, 28]),
    Architecture(MLP(hidden: [Int.max]), classes: 10, input: [1, 28, 28]),
    Architecture(MLP(hidden: [1 << 31, 1 << 31]), classes: 10, input: [1, 28, 28]),
    Architecture(MLP(hidden: []), classes: 10, input: [1, 28]),
    Architecture(MLP(hidden: []), classes: 10, input: [1, 0, 28]),
    Architecture(MLP(hidden: []), classes: 10, input: [1, Int.max, Int.max]),
    Architecture(WideResNet(depth: 12), classes: 10, input: cifar),
    Architecture(WideResNet(widen: Int.max), classes: 10, input: cifar),
    Architecture(PreActResNet18(planes: [64]), classes: 10, input: cifar),
    Architecture(ResNet18(planes: [1, 2, 3, Int.max]), classes: 10, input: cifar),
    Architecture(ResNet50(width: 0), classes: 10, input: cifar),
    Architecture(MNISTNet(), classes: 10, input: [1, 1, 1]),
    Architecture(.custom(.relu), classes: 10, input: cifar),
    Architecture(.custom(.linear(Linear(10))), classes: 10, input: cifar),
    Architecture(MLP(hidden: []), classes: 10, input: cifar, normalisation: Normalisation(mean: [0], std: [1])),
    Architecture(MLP(hidden: []), classes: 10, input: [1, 8, 8], normalisation: Normalisation(mean: [0], std: [0])),
  ]

  @Test(arguments: impossible)
  func impossibleSizesAreErrors(_ architecture: Architecture) {
    #expect(throws: CoreError.self) { try Blueprint(architecture) }
  }

  @Test func deepNestingIsAnError() {
    var layer = Layer.relu
    for _ in 0..<100 { layer = .sequential([layer]) }
    #expect(throws: CoreError.self) {
      try Blueprint(Architecture(.custom(layer), classes: 2, input: [1, 4, 4]))
    }
  }
}
