import Base
import Interpreter
import Networks
import Tensors

extension BuiltinTable {
  static let layers: [Builtin] = [
    Builtin(
      "conv2d(channels: int > 0, kernel: int | list, stride: int | list = 1, padding: int | list | string = 0, dilation: int | list = 1, groups: int > 0 = 1, bias: bool = true, init: string = \"standard\") -> layer",
      "A convolution with this many output channels; those of its input follow from the layer before.",
      details: """
        - channels: channels of the output.
        - padding: zeros around the images: a number, [height, width] or [top, bottom, left, right]; "same" for as many as \
        make the output as large as the image, divided by the stride and rounded up, the odd one on the right and below, \
        as in TensorFlow.
        - dilation: distance between the elements of the kernel.
        - groups: the channels are cut into this many parts, which do not mix.
        """,
      examples: [Example("conv2d(64, kernel=3, padding=1, bias=false)", "conv2d(64, kernel=3, padding=1, bias=false)")],
      seeAlso: ["batch_norm", "linear", "network"], search: ["convolution", "Conv2d"], family: "layers"
    ) { call in
      let (groups, bias) = (try call.int("groups"), try call.bool("bias"))
      let isSame = try call["padding"].asString == "same"
      return try call.layer(
        .conv2d(
          Conv2d(
            call.int("channels"), kernel: call.size("kernel"), stride: call.size("stride"),
            padding: isSame ? .none : call.padding(), isSame: isSame, dilation: call.size("dilation"), groups: groups,
            bias: bias,
            initialisation: call.initialisation())))
    },
    Builtin(
      "linear(features: int > 0, bias: bool = true, init: string = \"standard\") -> layer",
      "A linear layer with this many outputs; its inputs follow from the layer before.",
      details: "- features: number of outputs.",
      examples: [Example("linear(10)", "linear(10)")], seeAlso: ["flatten", "network"],
      search: ["fully connected", "dense", "Linear"], family: "layers"
    ) { call in
      try call.layer(
        .linear(Linear(call.int("features"), bias: call.bool("bias"), initialisation: call.initialisation())))
    },
    Builtin(
      "batch_norm(eps: float > 0 = 1e-5, momentum: float >= 0 <= 1 = 0.1) -> layer",
      "Batch normalisation: by the statistics of the batch in training, by running ones in evaluation.",
      details: """
        Of images by channel, of features [n, f] by feature.

        - eps: a number that is added to the variance.
        - momentum: share of the batch in each update of the running statistics.
        """,
      examples: [Example("batch_norm()", "batch_norm()")], seeAlso: ["conv2d", "network"],
      search: ["BatchNorm2d", "BatchNorm1d", "normalisation"], family: "layers"
    ) { call in
      try call.layer(.batchNorm(BatchNorm(eps: call.float("eps"), momentum: call.float("momentum"))))
    },
    Builtin(
      "layer_norm(eps: float > 0 = 1e-5) -> layer",
      "Layer normalisation: each token, or each example, by its own mean and variance over the features.",
      details: "- eps: a number that is added to the variance.",
      examples: [Example("layer_norm(eps=1e-6)", "layer_norm(eps=1e-06)")],
      seeAlso: ["batch_norm", "attention", "vit"],
      search: ["LayerNorm", "normalisation", "transformer"], family: "layers"
    ) { call in try call.layer(.layerNorm(eps: call.float("eps"))) },
    Builtin(
      "attention(heads: int > 0, init: string = \"standard\") -> layer",
      "Attention of tokens to one another: softmax(q·kᵀ/√size)·v for each head, between two linear layers.",
      details: """
        Its weights are "qkv.weight", "qkv.bias", "proj.weight" and "proj.bias", as in timm.

        - heads: how many heads share the features of the tokens, which it must divide.
        """,
      examples: [Example("attention(3)", "attention(heads=3)")], seeAlso: ["class_token", "layer_norm", "vit"],
      search: ["MultiheadAttention", "self-attention", "transformer"], family: "layers"
    ) { call in
      try call.layer(.attention(Attention(heads: call.int("heads"), initialisation: call.initialisation())))
    },
    Builtin(
      "class_token() -> layer",
      "The pixels of an image as tokens, after a learned one: [n, c, h, w] to [n, 1 + h·w, c].",
      details: """
        Its weights are "cls_token", the first token, and "pos_embed", which is added to all of them. A convolution whose \
        stride is its kernel makes the patches before it.
        """,
      examples: [
        Example(
          "network([conv2d(8, kernel=4, stride=4), class_token(), first_token(), linear(10)], input=[1, 8, 8]).size",
          "274")
      ],
      seeAlso: ["first_token", "attention", "vit"], search: ["tokens", "patches", "position", "transformer"],
      family: "layers"
    ) { call in try call.layer(.classToken) },
    Builtin(
      "first_token() -> layer", "The first token, which is the class token: [n, tokens, features] to [n, features].",
      examples: [Example("first_token()", "first_token()")], seeAlso: ["class_token", "vit"],
      search: ["tokens", "transformer", "pool"], family: "layers"
    ) { call in try call.layer(.firstToken) },
    pooling("max_pool", "The greatest value of each window.", like: "avg_pool") { .maxPool($0) },
    pooling("avg_pool", "The mean of each window; padding counts as zeros.", like: "max_pool") { .averagePool($0) },
    Builtin(
      "global_avg_pool() -> layer", "The mean of each channel over the image: [n, c, h, w] to [n, c].",
      examples: [Example("global_avg_pool()", "global_avg_pool()")], seeAlso: ["avg_pool", "flatten"],
      search: ["AdaptiveAvgPool2d"], family: "layers"
    ) { call in try call.layer(.globalAveragePool) },
    Builtin(
      "dropout(p: float >= 0 < 1 = 0.5) -> layer",
      "In training sets a share p of the values to 0 and divides the others by 1 - p; in evaluation changes nothing.",
      details: "- p: the share, from 0 to below 1.",
      examples: [Example("dropout(0.3)", "dropout(0.3)")], seeAlso: ["network"], search: ["Dropout", "regularisation"],
      family: "layers"
    ) { call in try call.layer(.dropout(call.float("p"))) },
    Builtin(
      "dropout2d(p: float >= 0 < 1 = 0.5) -> layer",
      "In training sets a share p of the channels to 0 and divides the others by 1 - p; in evaluation changes nothing.",
      details: "- p: the share, from 0 to below 1.",
      examples: [Example("dropout2d(0.3)", "dropout2d(0.3)")], seeAlso: ["dropout", "network"],
      search: ["Dropout2d", "spatial dropout", "channels"], family: "layers"
    ) { call in try call.layer(.dropout2d(call.float("p"))) },
    Builtin(
      "quantise(levels: int) -> layer",
      "Rounds to the nearest multiple of 1/(levels - 1): of values in [0, 1], this many levels.",
      details: """
        Its gradient is zero, so that attacks by gradients see nothing of what comes before it, and layers before it do \
        not learn; bpda(net, …) lets gradients pass through it.

        - levels: how many values there are from 0 to 1, from 2 to 65536.
        """,
      examples: [
        Example("quantise(8)", "quantise(8)"),
        Example(
          "net = network([quantise(2), flatten(), linear(2)], input=[1, 1, 2]); all(net(full([1, 1, 1, 2], 0.3)) == net(zeros([1, 1, 1, 2])))",
          "true"),
      ], seeAlso: ["bpda", "normalise", "network"],
      search: ["bit depth", "feature squeezing", "round", "quantize", "discretise"], family: "layers"
    ) { call in try call.layer(.quantise(levels: call.int("levels"))) },
    Builtin(
      "mean_sparse(mean: list, width: list) -> layer",
      "The mean of its channel where a value is nearer to it than the width, the value itself elsewhere.",
      details: """
        The gradient is zero wherever it is the mean: attacks by gradients see robustness that is not there, and no other \
        loss helps; bpda(net, …) does, and diagnose says so. MeanSparse (Amini et al. 2024) puts it before activations of a \
        trained network, with the means of the channels and widths of a share of their standard deviations.

        - mean: a number for each channel, or each feature.
        - width: a number of at least 0 for each; 0 leaves the channel as it is.
        """,
      examples: [
        Example("mean_sparse([0.5], [0.25])", "mean_sparse([0.5], [0.25])"),
        Example(
          "net = network([mean_sparse([0.5], [0.2]), flatten(), linear(2)], input=[1, 1, 2]); all(net(full([1, 1, 1, 2], 0.6)) == net(full([1, 1, 1, 2], 0.5)))",
          "true"),
      ], seeAlso: ["bpda", "quantise", "diagnose", "network"],
      search: ["MeanSparse", "sparsification", "gradient masking"], family: "layers"
    ) { call in
      let (mean, width) = (try call.numbers("mean") ?? [], try call.numbers("width") ?? [])
      return try call.layer(.meanSparse(mean: mean, width: width))
    },
    Builtin(
      "gaussian_noise(std: float = 0.1) -> layer",
      "Adds a normal number to each value, in evaluation too: a network with it answers at random.",
      details: """
        It makes of a network a randomised defence as the literature has them: noise on the image, or between layers. \
        Numbers are the same on every machine: those of an image depend on its own bits, the number of the draw and the \
        place of the layer, not on the batch. `net(x)` is draw 0, `net(x, draw=1)` is another; an attack gets a new draw \
        with each question, and `evaluate` judges what it has found by draws that it has not seen. The noise is a constant \
        for gradients. In training each step has noise of its own. Such a network has no certificate: certify \
        refuses it, and smooth(net) brings noise of its own.

        - std: the standard deviation, at least 0, in units of what the layer reads; 0 adds nothing.
        """,
      examples: [
        Example("gaussian_noise(0.25)", "gaussian_noise(0.25)"),
        Example(
          "net = network([gaussian_noise(0.1), flatten(), linear(2)], input=[1, 1, 2]); x = zeros([1, 1, 1, 2]); [all(net(x) == net(x)), all(net(x) == net(x, draw=1))]",
          "[true, false]"),
      ], seeAlso: ["eot", "evaluate", "autoattack", "dropout", "network"],
      search: ["randomised defence", "stochastic", "random", "noise injection", "GaussianNoise"], family: "layers"
    ) { call in try call.layer(.gaussianNoise(std: call.float("std"))) },
    Builtin(
      "normalise(mean: list, std: list) -> layer",
      "(x - mean) / std, channel by channel: inside the model, so that images and eps stay in [0, 1].",
      details: """
        - mean: a number for each channel, from -2 to 2.
        - std: a number for each channel, above 0 and at most 2.

        Both are in units of the [0, 1] image: what is given for images of bytes is divided by 255.
        """,
      examples: [Example("normalise([0.5], [0.25])", "normalise([0.5], [0.25])")], seeAlso: ["network", "batch_norm"],
      search: ["normalize", "standardise"], family: "layers"
    ) { call in
      let (mean, std) = (try call.numbers("mean") ?? [], try call.numbers("std") ?? [])
      return try call.layer(.normalise(mean: mean, std: std))
    },
    Builtin(
      "sequential(layers: list | record) -> layer", "Layers one after another.",
      details: """
        - layers: a list, or a record with names.

        The weights of a list are named as in PyTorch: "0.weight", "1.weight", …; a record has names of its own: \
        sequential({conv1: conv2d(8, kernel=3), relu1: relu()}) has "conv1.weight", and what is named "" has its names \
        without one before them. Activations and `flatten` return a \
        layer when they are called without a tensor.
        """,
      examples: [Example("sequential([flatten(), linear(32), relu()])", "sequential([flatten(), linear(32), relu()])")],
      seeAlso: ["residual", "network", "conv2d", "linear", "relu"], search: ["Sequential", "chain", "compose"],
      family: "layers"
    ) { call in
      let value = try call["layers"]
      return try call.at("layers") {
        if case .list = value {
          let parts = try LayerParts.list(value)
          return Value(try LayerObject(.sequential(parts.map(\.layer)), of: parts, levels: 1))
        }
        let parts = try LayerParts(value, name: "")
        return Value(try LayerObject(.chain(parts.children), of: parts.objects, levels: 1))
      }
    },
    Builtin(
      "residual(body: layer | list | record, shortcut: layer | list | record = [], before: layer | list | record = [], after: layer | list | record = [], shortcut_reads_before: bool = false) -> layer",
      "A residual block: after(body(before(x)) + shortcut(x)).",
      details: """
        Each part is a layer, a list or a record. The weights of a list lie under the name of its part ("body.0.weight", \
        "shortcut.0.weight"), those of a record under the names in it ("conv1.weight"), as in the blocks of PyTorch's networks.

        - body: one layer, or several.
        - before: what comes first.
        - after: what the sum passes.
        - shortcut: what the input passes before it is added; nothing when left out. Its output must have the shape of \
        that of the body.
        - shortcut_reads_before: it reads before(x) instead of x, as in pre-activation networks.
        """,
      examples: [
        Example(
          "residual({conv1: conv2d(8, kernel=3, padding=1)}, after=relu())",
          "residual(body={conv1: conv2d(8, kernel=3, padding=1)}, after=relu())")
      ],
      seeAlso: ["sequential", "network"], search: ["skip connection", "resnet", "BasicBlock"], family: "layers"
    ) { call in
      let (before, body, shortcut, after) = (
        try call.parts("before"), try call.parts("body"), try call.parts("shortcut"), try call.parts("after")
      )
      if call.isGiven("shortcut_reads_before"), before?.children.isEmpty ?? true {
        throw call.error(
          .value, "shortcut_reads_before of residual would not be used: nothing comes before",
          hint: "pass before=[…], or leave shortcut_reads_before out", at: "shortcut_reads_before")
      }
      let block = Residual(
        before: before?.children ?? [], body: body?.children ?? [], shortcut: shortcut?.children ?? [],
        shortcutReadsBefore: try call.bool("shortcut_reads_before"), after: after?.children ?? [])
      let all = [before, body, shortcut, after].compactMap { $0 }
      let objects = all.flatMap(\.objects)
      let levels = all.map(\.levels).max() ?? 1
      return try Value(LayerObject(.residual(block), of: objects, levels: levels))
    },
    Builtin(
      "network(layers: layer | list | record, input: list, classes: int | none = none, seed: int = 0, mean: list | none = none, std: list | none = none) -> model",
      "A model of your own layers: it trains, is attacked, saved and loaded like the others.",
      details: """
        - layers: from the image to the logits; a list or a record is as in `sequential`.
        - input: shape of one image: [channels, height, width].
        - classes: number of logits; it follows from the last layer, and must agree with it when given.
        - seed: key of the initial weights.
        """,
      examples: [
        Example(
          "network([conv2d(4, kernel=3), relu(), flatten(), linear(10)], input=[1, 8, 8])",
          "model network, 1490 weights, for images [1, 8, 8]\n  sequential([conv2d(4, kernel=3), relu(), flatten(), linear(10)])"
        )
      ],
      seeAlso: ["sequential", "residual", "conv2d", "linear", "fit"], search: ["custom", "model", "Module", "build"],
      family: "layers"
    ) { call in
      let value = try call["layers"]
      let layer = try call.at("layers") {
        if case .list = value { return Layer.sequential(try LayerParts.list(value).map(\.layer)) }
        let children = try LayerParts(value, name: "").children
        if case .object = value { return children[0].layer }
        return .chain(children)
      }
      let normalisation = try Normalisation.given(mean: call.numbers("mean"), std: call.numbers("std"))
      let architecture = try Architecture(
        layer, classes: call.optionalInt("classes"), input: call.ints("input"), normalisation: normalisation)
      return Value(ModelObject(try Model(architecture, seed: call.seed("seed"))))
    },
  ]

  private static func pooling(
    _ name: String, _ summary: String, like: String, _ layer: @escaping @Sendable (Pooling) -> Layer
  ) -> Builtin {
    Builtin(
      "\(name)(kernel: int | list, stride: int | list | none = none, padding: int | list = 0) -> layer", summary,
      details: "- stride: the size of the kernel when left out.",
      examples: [Example("\(name)(3, stride=2, padding=1)", "\(name)(3, stride=2, padding=1)")],
      seeAlso: [like, "global_avg_pool"], search: ["pooling", "MaxPool2d", "AvgPool2d"], family: "layers"
    ) { call in
      let stride = try call["stride"].isNone ? nil : call.size("stride")
      return try call.layer(layer(Pooling(call.size("kernel"), stride: stride, padding: call.padding())))
    }
  }
}

extension Call {
  /// The layer as a value, once its own settings are known to make sense.
  func layer(_ layer: Layer) throws -> Value {
    try layer.validate()
    return Value(LayerObject(layer))
  }

  /// The layers of one part of a residual block; nil for none.
  fileprivate func parts(_ name: String) throws -> LayerParts? {
    let value = try self[name]
    if case .list(let list) = value, list.items.isEmpty { return nil }
    return try at(name) { try LayerParts(value, name: name) }
  }

  fileprivate func size(_ name: String) throws -> Size {
    if let side = try self[name].asInt { return Size(side) }
    let sides = try ints(name)
    guard sides.count == 2 else {
      throw error(.value, "\(name) must be a number or [height, width], not \(sides)", at: name)
    }
    return Size(sides[0], sides[1])
  }

  fileprivate func padding() throws -> Padding {
    if let side = try self["padding"].asInt { return Padding(side) }
    if let word = try self["padding"].asString {
      throw error(
        .value, "padding must be a number, [height, width], [top, bottom, left, right] or \"same\", not \"\(word)\"",
        at: "padding")
    }
    let sides = try ints("padding")
    switch sides.count {
    case 2: return Padding(top: sides[0], bottom: sides[0], left: sides[1], right: sides[1])
    case 4: return Padding(top: sides[0], bottom: sides[1], left: sides[2], right: sides[3])
    default:
      throw error(
        .value, "padding must be a number, [height, width] or [top, bottom, left, right], not \(sides)", at: "padding")
    }
  }

  fileprivate func initialisation() throws -> Initialisation {
    try choice("init", Initialisation.allCases.map { ($0.rawValue, $0) })
  }
}
