import Base
import Tensors

extension Layer {
  /// The layer in a file, with every setting: `{"type": "linear", "features": 10, …}`.
  package var json: JSON {
    switch self {
    case .conv2d(let conv):
      Self.object(
        "conv2d",
        [
          .init("channels", .int(conv.channels)), .init("kernel", conv.kernel.json), .init("stride", conv.stride.json),
          .init("padding", conv.isSame ? .string("same") : conv.padding.json), .init("dilation", conv.dilation.json),
          .init("groups", .int(conv.groups)),
          .init("bias", .bool(conv.bias)), .init("init", .string(conv.initialisation.rawValue)),
        ])
    case .linear(let linear):
      Self.object(
        "linear",
        [
          .init("features", .int(linear.features)), .init("bias", .bool(linear.bias)),
          .init("init", .string(linear.initialisation.rawValue)),
        ])
    case .batchNorm(let norm):
      Self.object("batchnorm", [.init("eps", .number(norm.eps)), .init("momentum", .number(norm.momentum))])
    case .relu: Self.object("relu")
    case .leakyRelu(let slope): Self.object("leaky_relu", [.init("slope", .number(slope))])
    case .silu: Self.object("silu")
    case .relu6: Self.object("relu6")
    case .gelu: Self.object("gelu")
    case .layerNorm(let eps): Self.object("layernorm", [.init("eps", .number(eps))])
    case .attention(let attention):
      Self.object(
        "attention",
        [.init("heads", .int(attention.heads)), .init("init", .string(attention.initialisation.rawValue))])
    case .classToken: Self.object("class_token")
    case .firstToken: Self.object("first_token")
    case .maxPool(let pooling): Self.object("maxpool", pooling.json)
    case .averagePool(let pooling): Self.object("avgpool", pooling.json)
    case .globalAveragePool: Self.object("global_avgpool")
    case .flatten: Self.object("flatten")
    case .dropout(let p): Self.object("dropout", [.init("p", .number(p))])
    case .dropout2d(let p): Self.object("dropout2d", [.init("p", .number(p))])
    case .quantise(let levels): Self.object("quantise", [.init("levels", .int(levels))])
    case .meanSparse(let mean, let width):
      Self.object(
        "mean_sparse",
        [.init("mean", .array(mean.map { .number($0) })), .init("width", .array(width.map { .number($0) }))])
    case .gaussianNoise(let std): Self.object("gaussian_noise", [.init("std", .number(std))])
    case .normalise(let mean, let std):
      Self.object(
        "normalise",
        [.init("mean", .array(mean.map { .number($0) })), .init("std", .array(std.map { .number($0) }))])
    case .sequential(let layers): Self.object("sequential", [.init("layers", .array(layers.map(\.json)))])
    case .chain(let children): Self.object("chain", [.init("layers", children.json)])
    case .residual(let block):
      Self.object(
        "residual",
        [
          .init("before", block.before.json), .init("body", block.body.json), .init("shortcut", block.shortcut.json),
          .init("shortcut_reads_before", .bool(block.shortcutReadsBefore)), .init("after", block.after.json),
        ])
    }
  }

  private static func object(_ type: String, _ members: [JSON.Member] = []) -> JSON {
    .object([.init("type", .string(type))] + members)
  }

  /// The layer that `json` has written.
  ///
  /// - Throws: `value` where something is missing or not known; what is impossible is found when the layer is built.
  package init(_ json: JSON) throws(CoreError) {
    let type = json["type"]?.stringValue ?? ""
    func need<T>(_ value: T?, _ what: String) throws(CoreError) -> T {
      guard let value else { throw CoreError(.value, "a layer '\(type)' lacks a valid '\(what)'") }
      return value
    }
    func number(_ key: String) throws(CoreError) -> Double { try need(json[key]?.numberValue, key) }
    func integer(_ key: String) throws(CoreError) -> Int { try need(json[key]?.intValue, key) }
    func flag(_ key: String) throws(CoreError) -> Bool { try need(json[key]?.boolValue, key) }
    func size(_ key: String) throws(CoreError) -> Size { try need(Size(json[key]), key) }
    func padding() throws(CoreError) -> Padding { try need(Padding(json["padding"]), "padding") }
    func initialisation() throws(CoreError) -> Initialisation {
      try need(json["init"]?.stringValue.flatMap(Initialisation.init(rawValue:)), "init")
    }
    func pooling() throws(CoreError) -> Pooling {
      Pooling(try size("kernel"), stride: try size("stride"), padding: try padding())
    }
    func children(_ key: String) throws(CoreError) -> [Child] {
      var children: [Child] = []
      for item in try need(json[key]?.arrayValue, key) {
        children.append(Child(try need(item["name"]?.stringValue, "name"), try Layer(try need(item["layer"], "layer"))))
      }
      return children
    }
    switch type {
    case "conv2d":
      let isSame = json["padding"]?.stringValue == "same"
      self = .conv2d(
        Conv2d(
          try integer("channels"), kernel: try size("kernel"), stride: try size("stride"),
          padding: isSame ? .none : try padding(), isSame: isSame, dilation: try size("dilation"),
          groups: try integer("groups"), bias: try flag("bias"),
          initialisation: try initialisation()))
    case "linear":
      self = .linear(
        Linear(try integer("features"), bias: try flag("bias"), initialisation: try initialisation()))
    case "batchnorm": self = .batchNorm(BatchNorm(eps: try number("eps"), momentum: try number("momentum")))
    case "relu": self = .relu
    case "leaky_relu": self = .leakyRelu(slope: try number("slope"))
    case "silu": self = .silu
    case "relu6": self = .relu6
    case "gelu": self = .gelu
    case "layernorm": self = .layerNorm(eps: try number("eps"))
    case "attention":
      self = .attention(Attention(heads: try integer("heads"), initialisation: try initialisation()))
    case "class_token": self = .classToken
    case "first_token": self = .firstToken
    case "maxpool": self = .maxPool(try pooling())
    case "avgpool": self = .averagePool(try pooling())
    case "global_avgpool": self = .globalAveragePool
    case "flatten": self = .flatten
    case "dropout": self = .dropout(try number("p"))
    case "dropout2d": self = .dropout2d(try number("p"))
    case "quantise": self = .quantise(levels: try integer("levels"))
    case "mean_sparse":
      self = .meanSparse(
        mean: try need(json["mean"]?.numbers, "mean"), width: try need(json["width"]?.numbers, "width"))
    case "gaussian_noise": self = .gaussianNoise(std: try number("std"))
    case "normalise":
      self = .normalise(mean: try need(json["mean"]?.numbers, "mean"), std: try need(json["std"]?.numbers, "std"))
    case "sequential":
      var layers: [Layer] = []
      for item in try need(json["layers"]?.arrayValue, "layers") { layers.append(try Layer(item)) }
      self = .sequential(layers)
    case "chain": self = .chain(try children("layers"))
    case "residual":
      self = .residual(
        Residual(
          before: try children("before"), body: try children("body"), shortcut: try children("shortcut"),
          shortcutReadsBefore: try flag("shortcut_reads_before"), after: try children("after")))
    default: throw CoreError(.value, "there is no type of layers '\(type)'")
    }
  }
}

extension [Child] {
  fileprivate var json: JSON {
    .array(map { .object([.init("name", .string($0.name)), .init("layer", $0.layer.json)]) })
  }
}

extension Size {
  fileprivate var json: JSON { .array([.int(height), .int(width)]) }

  fileprivate init?(_ json: JSON?) {
    guard let sizes = json?.ints, sizes.count == 2 else { return nil }
    self.init(sizes[0], sizes[1])
  }
}

extension Padding {
  fileprivate var json: JSON { .array([.int(top), .int(bottom), .int(left), .int(right)]) }

  fileprivate init?(_ json: JSON?) {
    guard let sides = json?.ints, sides.count == 4 else { return nil }
    self.init(top: sides[0], bottom: sides[1], left: sides[2], right: sides[3])
  }
}

extension Pooling {
  fileprivate var json: [JSON.Member] {
    [.init("kernel", kernel.json), .init("stride", stride.json), .init("padding", padding.json)]
  }
}
