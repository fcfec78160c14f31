import Base
import Networks
import Tensors
import TestSupport
import Testing

extension Architecture {
  /// The small networks of all families, for images of one shape, or larger ones where a family needs them.
  static func small(classes: Int, input: [Int]) -> [Architecture] {
    smallNetworks.compactMap { family, settings in
      do {
        let least = leastSizes[family] ?? 1
        guard let members = try JSON.parse(settings).objectValue else { return nil }
        return try Architecture(
          .object([
            .init("family", .object([.init("kind", .string(family))] + members)), .init("classes", .int(classes)),
            .init("input", .array(input.prefix(1).map { .int($0) } + input.dropFirst().map { .int(max($0, least)) })),
          ]))
      } catch {
        Issue.record("\(family) \(settings): \(error)")
        return nil
      }
    }
  }
}

@Suite struct FamilyTests {
  @Test func everyFamilyIsTested() {
    for family in Families.all { #expect(smallNetworks.contains { $0.family == family.name }, "\(family.name)") }
    #expect(Architecture.small(classes: 3, input: [1, 28, 28]).count == smallNetworks.count)
  }

  /// Descriptions as files have them from the time when the sizes stood beside the classes.
  static let earlier: [(String, Architecture)] = [
    (
      #"{"family":"mlp","classes":3,"input":[1,4,4],"hidden":[5,2]}"#,
      Architecture(MLP(hidden: [5, 2]), classes: 3, input: [1, 4, 4])
    ),
    (
      #"{"family":"smallcnn","classes":10,"input":[1,28,28],"channels":[4,4,8,8],"features":12,"dropout":0.25,"mean":[0.5],"std":[0.25]}"#,
      Architecture(
        SmallCNN(channels: [4, 4, 8, 8], features: 12, dropout: 0.25), classes: 10, input: [1, 28, 28],
        normalisation: Normalisation(mean: [0.5], std: [0.25]))
    ),
    (
      #"{"family":"smallcnn","classes":10,"input":[1,28,28],"channels":[1,2,3,4],"features":12,"dropout":0}"#,
      Architecture(SmallCNN(channels: [1, 2, 3, 4], features: 12, dropout: 0), classes: 10, input: [1, 28, 28])
    ),
    (
      #"{"family":"preactresnet18","classes":10,"input":[3,32,32],"planes":[2,4,4,8],"variant":"raw_bn"}"#,
      Architecture(PreActResNet18(planes: [2, 4, 4, 8], variant: .rawNormalised), classes: 10, input: [3, 32, 32])
    ),
    (
      #"{"family":"wideresnet","classes":10,"input":[3,32,32],"depth":34,"widen":2,"dropout":0.3}"#,
      Architecture(WideResNet(depth: 34, widen: 2, dropout: 0.3), classes: 10, input: [3, 32, 32])
    ),
    (
      #"{"family":"resnet18","classes":10,"input":[3,16,24],"planes":[2,4,4,8]}"#,
      Architecture(ResNet18(planes: [2, 4, 4, 8]), classes: 10, input: [3, 16, 24])
    ),
    (
      #"{"family":"resnet50","classes":1000,"input":[3,224,224],"width":128}"#,
      Architecture(ResNet50(width: 128), classes: 1000, input: [3, 224, 224])
    ),
    (
      #"{"family":"mnist_net","classes":10,"input":[1,28,28]}"#,
      Architecture(MNISTNet(), classes: 10, input: [1, 28, 28])
    ),
  ]

  @Test(arguments: earlier)
  func earlierDescriptionsAreRead(_ text: String, _ architecture: Architecture) throws {
    #expect(try Architecture(JSON.parse(text)) == architecture)
    #expect(try Architecture(JSON.parse(architecture.json.text)) == architecture)
  }

  @Test(arguments: [
    #"{"family":"mlp","classes":3,"input":[1,4,4],"hidden":[5],"width":2}"#,
    #"{"family":"mlp","classes":3,"input":[1,4,4],"hidden":[0]}"#,
    #"{"family":"mlp","classes":3,"input":[1,4,4],"hidden":"many"}"#,
    #"{"family":"swin","classes":3,"input":[1,4,4]}"#, #"{"family":{"kind":"swin"},"classes":3,"input":[1,4,4]}"#,
    #"{"family":{"hidden":[5]},"classes":3,"input":[1,4,4]}"#, #"{"family":3,"classes":3,"input":[1,4,4]}"#,
    #"{"family":{"kind":"mlp","hidden":[5],"depth":2},"classes":3,"input":[1,4,4]}"#,
    #"{"family":{"kind":"mlp","hidden":[5]},"classes":3,"input":[1,4,4],"depth":2}"#,
    #"{"family":{"kind":"mlp","hidden":[5]},"classes":3,"input":[1,4,4],"mean":[0.5]}"#,
    #"{"family":{"kind":"mlp","hidden":[{"a":1}]},"classes":3,"input":[1,4,4]}"#,
    #"{"family":"network","classes":3,"input":[1,4,4]}"#,
  ])
  func otherDescriptionsAreRefused(_ text: String) throws {
    let json = try JSON.parse(text)
    #expect(throws: CoreError.self) { try Architecture(json) }
  }

  /// Published numbers of weights.
  static let sizes: [(Architecture, Int)] = [
    (Architecture(VGG(depth: 11), classes: 10, input: [3, 32, 32]), 9_231_114),
    (Architecture(VGG(), classes: 10, input: [3, 32, 32]), 14_728_266),
    (Architecture(VGG(depth: 11, form: .torchvision), classes: 1000, input: [3, 224, 224]), 132_868_840),
    (Architecture(VGG(form: .torchvision), classes: 1000, input: [3, 224, 224]), 138_365_992),
    (Architecture(MobileNetV2(), classes: 10, input: [3, 32, 32]), 2_296_922),
    (Architecture(MobileNetV2(form: .torchvision), classes: 1000, input: [3, 224, 224]), 3_504_872),
    (Architecture(MobileNetV2(width: 0.5, form: .torchvision), classes: 1000, input: [3, 224, 224]), 1_968_680),
    (Architecture(ViT(), classes: 1000, input: [3, 224, 224]), 5_717_416),
    (Architecture(ViT(dim: 384, heads: 6), classes: 1000, input: [3, 224, 224]), 22_050_664),
  ]

  @Test(arguments: sizes)
  func weightsAreAsMany(_ architecture: Architecture, _ count: Int) throws {
    let parameters = try Blueprint(architecture).parameters
    #expect(parameters.reduce(0) { $0 + $1.shape.reduce(1, *) } == count)
  }

  @Test func anOptimiserContinuesFromItsState() throws {
    func gradients(_ step: Int) throws -> [Tensor] {
      [try .normal([3, 2], stream: RandomStream(seed: 1, purpose: "g", step)), try .full([4], Float(step))]
    }
    for settings in [SGD(), SGD(momentum: 0, weightDecay: 0.1), SGD(momentum: 0.5, weightDecay: 0.1, nesterov: true)] {
      let (whole, first, second) = (settings.makeOptimiser(), settings.makeOptimiser(), settings.makeOptimiser())
      var expected = [try Tensor.ones([3, 2]), try .zeros([4])]
      var weights = expected
      for step in 1...4 {
        try whole.step(&expected, gradients: gradients(step), rate: 0.1, momentum: nil)
        if step == 3 { try second.restore(first.state) }
        try (step < 3 ? first : second).step(&weights, gradients: gradients(step), rate: 0.1, momentum: nil)
      }
      #expect(zip(expected, weights).allSatisfy { $0.isIdentical(to: $1) })
      #expect(throws: CoreError.self) { try second.restore([("mean.0", .zeros([4]))]) }
    }
  }
}
