import Base
import Tensors

// How an architecture is printed, and how it is written into a weight file and read back.

extension Architecture {
  /// The built-in that makes this family: "smallcnn", "wideresnet", ….
  public var familyName: String {
    switch family {
    case .mlp: "mlp"
    case .smallCNN: "smallcnn"
    case .preActResNet18: "preactresnet18"
    case .wideResNet: "wideresnet"
    case .resNet18: "resnet18"
    case .resNet50: "resnet50"
    case .mnistNet: "mnist_net"
    case .custom: "network"
    }
  }
}

extension Architecture: CustomStringConvertible {
  /// As `call`; of one's own layers, if they are many, only that there are some.
  public var description: String {
    guard case .custom = family, call.count > 240 else { return call }
    return "network(…, input=\(input))"
  }

  /// What to type for the same network: `smallcnn(classes=10, channels=1, size=28)`.
  public var call: String {
    var parts = ["classes=\(classes)"]
    if case .custom(let layer) = family {
      parts = [layer.description, "input=\(input)"]
    }
    switch family {
    case .mlp(let hidden): parts.append("hidden=\(hidden)")
    case .smallCNN(let sizes):
      let width = sizes.channels.first ?? 0
      if sizes.channels != [width, width, 2 &* width, 2 &* width] {
        // Only a file has such sizes.
        parts.append("convolutions=\(sizes.channels)")
      } else if width != SmallCNN().channels[0] {
        parts.append("width=\(width)")
      }
      if sizes.features != SmallCNN().features { parts.append("features=\(sizes.features)") }
      if sizes.dropout != SmallCNN().dropout { parts.append("dropout=\(sizes.dropout)") }
    case .preActResNet18(let sizes):
      if sizes.planes != PreActResNet18().planes { parts.append("planes=\(sizes.planes)") }
      parts.append("variant=\"\(sizes.variant.rawValue)\"")
    case .wideResNet(let sizes):
      parts += ["depth=\(sizes.depth)", "widen=\(sizes.widen)"]
      if sizes.dropout != 0 { parts.append("dropout=\(sizes.dropout)") }
    case .resNet18(let planes): if planes != [64, 128, 256, 512] { parts.append("planes=\(planes)") }
    case .resNet50(let width): if width != 64 { parts.append("width=\(width)") }
    case .mnistNet, .custom: break
    }
    if input.count == 3, familyName != "network" {
      parts.append("channels=\(input[0])")
      parts.append(input[1] == input[2] ? "size=\(input[1])" : "size=[\(input[1]), \(input[2])]")
    }
    if let normalisation { parts.append("mean=\(normalisation.mean), std=\(normalisation.std)") }
    return "\(familyName)(\(parts.joined(separator: ", ")))"
  }
}

// MARK: - In weight files

extension Architecture {
  package var json: JSON {
    var members: [JSON.Member] = [
      .init("family", .string(familyName)), .init("classes", .int(classes)),
      .init("input", .array(input.map { .int($0) })),
    ]
    switch family {
    case .mlp(let hidden): members.append(.init("hidden", .array(hidden.map { .int($0) })))
    case .smallCNN(let sizes):
      members += [
        .init("channels", .array(sizes.channels.map { .int($0) })), .init("features", .int(sizes.features)),
        .init("dropout", .number(sizes.dropout)),
      ]
    case .preActResNet18(let sizes):
      members += [
        .init("planes", .array(sizes.planes.map { .int($0) })), .init("variant", .string(sizes.variant.rawValue)),
      ]
    case .wideResNet(let sizes):
      members += [
        .init("depth", .int(sizes.depth)), .init("widen", .int(sizes.widen)), .init("dropout", .number(sizes.dropout)),
      ]
    case .resNet18(let planes): members.append(.init("planes", .array(planes.map { .int($0) })))
    case .resNet50(let width): members.append(.init("width", .int(width)))
    case .mnistNet: break
    case .custom(let layer): members.append(.init("layers", layer.json))
    }
    if let normalisation {
      members += [
        .init("mean", .array(normalisation.mean.map { .number($0) })),
        .init("std", .array(normalisation.std.map { .number($0) })),
      ]
    }
    return .object(members)
  }

  package init(_ json: JSON) throws(CoreError) {
    guard let name = json["family"]?.stringValue, let classes = json["classes"]?.intValue,
      let input = json["input"]?.ints
    else { throw CoreError(.value, "it lacks the family, the classes or the input shape") }
    let family: Family? =
      switch name {
      case "mlp": json["hidden"]?.ints.map { .mlp(hidden: $0) }
      case "smallcnn": SmallCNN(json).map { .smallCNN($0) }
      case "preactresnet18": PreActResNet18(json).map { .preActResNet18($0) }
      case "wideresnet": WideResNet(json).map { .wideResNet($0) }
      case "resnet18": json["planes"]?.ints.map { .resNet18(planes: $0) }
      case "resnet50": json["width"]?.intValue.map { .resNet50(width: $0) }
      case "mnist_net": .mnistNet
      case "network":
        if let layers = json["layers"] { .custom(try Layer(layers)) } else { nil }
      default: throw CoreError(.value, "there is no family of networks '\(name)'")
      }
    guard let family else { throw CoreError(.value, "it lacks a size of '\(name)'") }
    var normalisation: Normalisation?
    if let mean = json["mean"]?.numbers, let std = json["std"]?.numbers {
      normalisation = Normalisation(mean: mean, std: std)
    }
    self.init(family, classes: classes, input: input, normalisation: normalisation)
  }
}

extension SmallCNN {
  fileprivate init?(_ json: JSON) {
    guard let channels = json["channels"]?.ints, let features = json["features"]?.intValue,
      let dropout = json["dropout"]?.numberValue
    else { return nil }
    self.init(channels: channels, features: features, dropout: dropout)
  }
}

extension PreActResNet18 {
  fileprivate init?(_ json: JSON) {
    guard let planes = json["planes"]?.ints, let text = json["variant"]?.stringValue,
      let variant = Variant(rawValue: text)
    else { return nil }
    self.init(planes: planes, variant: variant)
  }
}

extension WideResNet {
  fileprivate init?(_ json: JSON) {
    guard let depth = json["depth"]?.intValue, let widen = json["widen"]?.intValue,
      let dropout = json["dropout"]?.numberValue
    else { return nil }
    self.init(depth: depth, widen: widen, dropout: dropout)
  }
}
