import Base
import Tensors
import TestSupport
import Testing

@testable import Networks

/// From names and shapes to a network, and from a file to a model.
@Suite struct RecognitionTests {
  /// Networks of all families, with further sizes of their own.
  static let architectures: [Architecture] = {
    var all: [Architecture] = []
    for family in Families.all {
      let input = [family.usualInput.channels, family.usualInput.size, family.usualInput.size]
      for var small in Architecture.small(classes: 7, input: input) where small.name == family.name {
        if small.name == "mobilenet_v2", small.call.contains("torchvision") { small.input = [3, 224, 224] }
        all.append(small)
      }
    }
    let colour = [3, 32, 32]
    all += [
      Architecture(MLP(hidden: []), classes: 100, input: [1, 28, 28]),
      Architecture(MLP(hidden: [3, 4, 5, 6]), classes: 2, input: [3, 9, 9]),
      Architecture(SmallCNN(), classes: 10, input: [3, 32, 32]),
      Architecture(SmallCNN(channels: [1, 2, 3, 4], features: 5), classes: 3, input: [1, 16, 16]),
      Architecture(MNISTNet(), classes: 10, input: colour),
      Architecture(WideResNet(depth: 16, widen: 3), classes: 100, input: colour),
      Architecture(WideResNet(depth: 34, widen: 10), classes: 10, input: colour),
      Architecture(WideResNet(depth: 28, widen: 1), classes: 10, input: [1, 32, 32]),
      Architecture(ResNet18(), classes: 10, input: colour),
      Architecture(ResNet18(planes: [5, 5, 5, 5]), classes: 10, input: colour),
      Architecture(PreActResNet18(), classes: 100, input: colour),
      Architecture(PreActResNet18(planes: [3, 3, 3, 3], variant: .raw), classes: 10, input: colour),
      Architecture(ResNet50(), classes: 1000, input: [3, 224, 224]),
      Architecture(VGG(), classes: 10, input: colour),
      Architecture(VGG(depth: 19, width: 3), classes: 9, input: colour),
      Architecture(VGG(form: .torchvision), classes: 1000, input: [3, 224, 224]),
      Architecture(MobileNetV2(), classes: 10, input: colour),
      Architecture(MobileNetV2(width: 1.4, form: .torchvision), classes: 1000, input: [3, 224, 224]),
      Architecture(ViT(), classes: 1000, input: [3, 224, 224]),
      Architecture(ViT(patch: 7, dim: 40, depth: 1, heads: 5, mlpRatio: 0.7), classes: 3, input: [1, 28, 28]),
    ]
    return all
  }()

  @Test func everyFamilyIsRecognised() {
    for family in Families.all {
      #expect(Self.architectures.contains { $0.name == family.name }, "no network of \(family.name) is tried")
    }
  }

  /// What is recognised holds the network itself, but for what the weights do not show; and no other family.
  @Test(arguments: architectures)
  func aNetworkIsRecognisedByItsOwnWeights(_ architecture: Architecture) throws {
    let guesses = Families.recognise(try architecture.shapes)
    #expect(!guesses.isEmpty, "\(architecture)")
    #expect(Set(guesses.map { $0.architecture.name }) == [architecture.name])
    let same = guesses.filter { guess in
      (try? guess.architecture.evaluationDifference(from: architecture)) == .some(nil)
    }
    #expect(same.count == 1, "\(architecture) is not among \(guesses.map { $0.architecture.description })")
  }

  /// The same names and shapes less one, with one more, or with one changed, are nothing that is known, or are another
  /// network of the same names.
  @Test(arguments: architectures.filter { $0.name != "resnet50" || $0.classes == 7 })
  func otherWeightsAreNotRecognised(_ architecture: Architecture) throws {
    let entries = try architecture.entries
    for index in stride(from: 0, to: entries.count, by: max(1, entries.count / 12)) {
      guard !entries[index].name.hasSuffix("num_batches_tracked") else { continue }
      var fewer = entries
      fewer.remove(at: index)
      for guess in Families.recognise(WeightShapes(fewer)) {
        #expect(guess.architecture.name != architecture.name || guess.architecture != architecture)
      }
      var changed = entries
      changed[index].shape.append(3)
      let guesses = Families.recognise(WeightShapes(changed)).filter { guess in
        !guess.architecture.unusedNames.contains { entries[index].name.hasPrefix($0) }
      }
      #expect(guesses.isEmpty, "\(architecture) with another \(entries[index].name)")
    }
    #expect(Families.recognise(WeightShapes(entries + [("more.weight", [3])])).isEmpty)
  }

  @Test func sizesThatNoNetworkCanHaveAreNoGuess() {
    let large = Int.max / 2
    for shape in [[large, large], [0, 0], [1 << 40, 1], [1, 1 << 40], [], [3]] {
      let weights = WeightShapes([("1.weight", shape), ("1.bias", [shape.first ?? 1])])
      #expect(Families.recognise(weights).isEmpty, "\(shape)")
    }
    for name in [
      "0.weight", "conv1.weight", "feature_extractor.conv1.weight", "block1.layer.0.conv1.weight", "features.0.weight",
    ] {
      let shapes = [name, "fc.weight", "linear.weight", "5.weight", "7.weight", "classifier.fc1.weight"]
        .map { ($0, [large, large, 3, 3]) }
      #expect(Families.recognise(WeightShapes(shapes)).isEmpty, "\(name)")
    }
  }

  @Test func imagesFollowFromTheNumberOfInputs() {
    #expect(Guess.image(of: 784) == [1, 28, 28])
    #expect(Guess.image(of: 3072) == [3, 32, 32])
    #expect(Guess.image(of: 3) == [3, 1, 1])
    #expect(Guess.image(of: 20) == nil)
    #expect(Guess.image(of: .max) == nil)
  }
}

/// The ways to read the names of a state dict.
@Suite struct WeightTableTests {
  private func readings(_ names: [String], shapes: [String: [Int]] = [:]) -> [WeightTable] {
    WeightTable.readings(
      of: StateDict(
        key: "", form: .dictionary,
        entries: names.map { .init(name: $0, shape: shapes[$0] ?? [2], elementType: "float32") }, others: []))
  }

  @Test func prefixesAreTakenOffOneAfterTheOther() {
    let all = readings(["_orig_mod.module.model.a.weight", "_orig_mod.module.model.b.weight"])
    #expect(all.map(\.prefix) == ["", "_orig_mod.", "_orig_mod.module.", "_orig_mod.module.model."])
    #expect(all.last?.items.map(\.name) == ["a.weight", "b.weight"])
    #expect(all.last?.items.map(\.inFile) == ["_orig_mod.module.model.a.weight", "_orig_mod.module.model.b.weight"])
  }

  @Test func aPrefixOfSomeNamesStays() {
    let all = readings(["module.a.weight", "b.weight"])
    #expect(all.map(\.prefix) == [""])
    #expect(all[0].items.map(\.name) == ["module.a.weight", "b.weight"])
  }

  @Test func aNormalisationIsPutAside() {
    let image = [1, 3, 1, 1]
    for (mean, std) in [
      ("mu", "sigma"), ("normalize.mean", "normalize.std"), ("module.normalizer.new_mean", "module.normalizer.new_std"),
    ] {
      let weight = mean.hasPrefix("module.") ? "module.model.conv.weight" : "model.conv.weight"
      let all = readings([mean, std, weight], shapes: [mean: image, std: image, weight: [4, 3, 3, 3]])
      #expect(all.last?.items.map(\.name) == ["weight"])
      #expect(all.contains { $0.items.map(\.name) == ["conv.weight"] })
      #expect(all[0].normalisers.map(\.mean) == [mean])
      #expect(all[0].normalisers.map(\.std) == [std])
    }
    // A mean without a deviation, and one with a number for more than a few channels, are weights like others.
    #expect(readings(["mean", "a.weight"])[0].normalisers.isEmpty)
    #expect(readings(["mean", "std"], shapes: ["mean": [64], "std": [64]])[0].normalisers.isEmpty)
  }

  @Test func theSecondCopyOfAnAttackerIsPutAside() {
    let all = readings(["module.model.a.weight", "module.attacker.model.a.weight"])
    let last = all.first { $0.prefix == "module.model." }
    #expect(last?.items.map(\.name) == ["a.weight"])
    #expect(last?.putAside.count == 1)
  }

  @Test func wrappersInsideOfNamesAreTakenOut() {
    let all = readings(["features.module.0.weight", "features.module.module.weight", "classifier.weight"])
    #expect(
      all.map { $0.items.map(\.name) }.contains(["features.0.weight", "features.module.weight", "classifier.weight"]))
    // Where a part of the names lacks it, it is a name like others.
    let mixed = readings(["features.module.0.weight", "features.1.weight"])
    #expect(mixed.allSatisfy { $0.items.first?.name.contains("module.") == true })
  }

  @Test func namesOfAnyFormAreRead() {
    for name in ["", ".", "..", "a.", ".a", "module.", "module..", String(repeating: "module.", count: 100_000)] {
      let all = readings([name])
      #expect(!all.isEmpty && all.count < 30)
    }
    #expect(readings([]).count == 1)
  }
}

extension Architecture {
  /// The names and shapes of its weights.
  fileprivate var entries: [(name: String, shape: [Int])] {
    get throws {
      let blueprint = try Blueprint(self)
      return (blueprint.parameters + blueprint.buffers).map { ($0.name, $0.shape) }
    }
  }

  fileprivate var shapes: WeightShapes { get throws { WeightShapes(try entries) } }

  /// What another network computes otherwise in evaluation.
  fileprivate func evaluationDifference(from other: Architecture) throws -> String? {
    func evaluated(_ architecture: Architecture) throws -> Architecture {
      guard var json = try JSON.parse(architecture.json.text).objectValue,
        let index = json.firstIndex(where: { $0.key == "family" }), var family = json[index].value.objectValue
      else { return architecture }
      family = family.map { $0.key == "dropout" ? .init("dropout", .number(0)) : $0 }
      json[index] = .init("family", .object(family))
      return try Architecture(.object(json))
    }
    return try evaluated(self).difference(from: evaluated(other))
  }
}
