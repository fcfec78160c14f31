import Base
import Interpreter
import Networks
import Tensors

extension BuiltinTable {
  private static let sizes = """
    - classes: number of logits.
    - channels, size: channels and height (= width) of the images.
    - seed: key of the initial weights.
    """

  static let models: [Builtin] = [
    Builtin(
      "mlp(hidden: list = [256, 256], classes: int = 10, channels: int = 1, size: int = 28, seed: int = 0, mean: list | none = none, std: list | none = none) -> model",
      "A multilayer perceptron: flatten, then linear layers with relu between them.",
      details: sizes + "\n- hidden: sizes of the hidden layers.",
      examples: [Example("mlp(hidden=[32]).size", "25450")],
      seeAlso: ["smallcnn", "fit"], search: ["network", "fully connected", "perceptron", "dense"], family: "models"
    ) { call in
      try call.zooModel { .mlp(hidden: try call.ints("hidden")) }
    },
    Builtin(
      "smallcnn(classes: int = 10, channels: int = 1, size: int = 28, seed: int = 0, width: int = 32, features: int = 200, dropout: float = 0.5, mean: list | none = none, std: list | none = none) -> model",
      "The SmallCNN of TRADES: four 3×3 convolutions, two max poolings, three linear layers.",
      details: sizes
        + "\n- features: size of the two hidden linear layers.\n- dropout: share of the features dropped in training."
        + "\n- width: channels of the first two convolutions (32 in TRADES); the next two have twice as many.",
      examples: [Example("smallcnn().size", "312202")],
      seeAlso: ["mlp", "preactresnet18", "fit"], search: ["network", "cnn", "convolutional", "trades"], family: "models"
    ) { call in
      try call.zooModel {
        let width = try call.int("width")
        guard (1...4096).contains(width) else {
          throw call.error(
            .value, "width of smallcnn is from 1 to 4096, not \(width)", hint: "width=32 is that of TRADES",
            at: "width")
        }
        return .smallCNN(
          SmallCNN(
            channels: [width, width, 2 * width, 2 * width], features: try call.int("features"),
            dropout: try call.float("dropout")))
      }
    },
    Builtin(
      "preactresnet18(classes: int = 10, channels: int = 3, size: int = 32, seed: int = 0, variant: string = \"activated\", planes: list = [64, 128, 256, 512], mean: list | none = none, std: list | none = none) -> model",
      "The pre-activation ResNet-18 of CIFAR.",
      details: sizes + "\n- planes: channels of the four stages." + """

        - variant: "activated" (shortcuts read relu(bn1(x)), batch norm before pooling: Rice, AWP), "raw_bn" (shortcuts read \
        x, batch norm before pooling: Wong) or "raw" (shortcuts read x, no batch norm before pooling: RobustBench).
        """,
      examples: [Example("preactresnet18().size", "11172170")],
      seeAlso: ["wideresnet", "resnet18"], search: ["network", "residual"], family: "models"
    ) { call in
      let variant = try call.choice("variant", PreActResNet18.Variant.allCases.map { ($0.rawValue, $0) })
      return try call.zooModel {
        .preActResNet18(PreActResNet18(planes: try call.ints("planes"), variant: variant))
      }
    },
    Builtin(
      "wideresnet(depth: int = 28, widen: int = 10, classes: int = 10, channels: int = 3, size: int = 32, seed: int = 0, dropout: float >= 0 < 1 = 0, mean: list | none = none, std: list | none = none) -> model",
      "A wide residual network as in TRADES.",
      details: sizes
        + "\n- depth: layers, 6n + 4; WRN-28-10 and WRN-34-10 are usual.\n- widen: factor of the widths 16, 32, 64."
        + "\n- dropout: share dropped in training between the two convolutions of a block; 0 in published robust models.",
      examples: [Example("wideresnet(depth=10, widen=1).size", "77850")],
      seeAlso: ["preactresnet18"], search: ["network", "wrn", "residual"], family: "models"
    ) { call in
      try call.zooModel {
        .wideResNet(
          WideResNet(
            depth: try call.int("depth"), widen: try call.int("widen"),
            dropout: try call.float("dropout")))
      }
    },
    Builtin(
      "resnet18(classes: int = 10, channels: int = 3, size: int = 32, seed: int = 0, planes: list = [64, 128, 256, 512], mean: list | none = none, std: list | none = none) -> model",
      "ResNet-18 for CIFAR (3×3 stem).", details: sizes + "\n- planes: channels of the four stages.",
      examples: [Example("resnet18().size", "11173962")],
      seeAlso: ["preactresnet18", "resnet50"], search: ["network", "residual"], family: "models"
    ) { call in
      try call.zooModel { .resNet18(planes: try call.ints("planes")) }
    },
    Builtin(
      "resnet50(classes: int = 1000, channels: int = 3, size: int = 224, seed: int = 0, width: int = 64, mean: list | none = none, std: list | none = none) -> model",
      "ResNet-50 for ImageNet as in torchvision.",
      details: sizes + "\n- width: channels of the first stage; 64 in ResNet-50, 128 in its wide form.",
      examples: [Example("resnet50(width=4, classes=10).classes", "10")],
      seeAlso: ["resnet18"], search: ["network", "residual", "imagenet", "torchvision"], family: "models"
    ) { call in
      try call.zooModel { .resNet50(width: try call.int("width")) }
    },
    Builtin(
      "mnist_net(classes: int = 10, channels: int = 1, size: int = 28, seed: int = 0, mean: list | none = none, std: list | none = none) -> model",
      "The network of fast_adversarial for MNIST: two convolutions, two linear layers (Wong et al. 2020).",
      details: sizes, examples: [Example("mnist_net().size", "166406")],
      seeAlso: ["smallcnn", "mlp", "fit"], search: ["network", "cnn", "convolutional", "fast adversarial", "wong"],
      family: "models"
    ) { call in
      try call.zooModel { .mnistNet }
    },
    Builtin(
      "save_model(model: model, path: string) -> none",
      "Writes architecture and weights as safetensors, with PyTorch's names.",
      details:
        """
        The file is written as write_text does it: a file of the same name is never half replaced. Weights that are not \
        finite are saved, with a warning.
        """,
      examples: [Example("save_model(mlp(hidden=[4]), \"/tmp/ltd-example.safetensors\")", "")],
      seeAlso: ["load_model", "load_weights"], search: ["checkpoint", "export", "state_dict", "safetensors"],
      family: "models"
    ) { call in
      try call.prepareToWrite()
      let model = try call.object("model", as: ModelObject.self).model
      try model.save(call.string("path"))
      warn(call.session.host, of: model, try call.string("path"))
      return .none
    },
    Builtin(
      "load_model(path: string) -> model", "The model that save_model wrote.",
      details: "Weights that are not finite, and running variances below 0, are loaded with a warning.",
      examples: [
        Example(
          "save_model(mlp(hidden=[4]), \"/tmp/ltd-example.safetensors\"); load_model(\"/tmp/ltd-example.safetensors\").size",
          "3190")
      ],
      seeAlso: ["save_model", "load_weights"], search: ["checkpoint", "import", "safetensors"], family: "models"
    ) { call in
      try call.requireFiles()
      let model = try Model.load(call.string("path"))
      warn(call.session.host, of: model, try call.string("path"))
      return Value(ModelObject(model))
    },
    Builtin(
      "load_weights(model: model, path: string, check: bool = true) -> model",
      "Reads the weights of a model from a safetensors file; nothing changes unless all of them fit.",
      details: """
        A file that save_model wrote says what network it is of. One whose weights have the same names and shapes but that \
        computes something else from them (another activation, stride, pooling, batch norm, normalisation, dropout, size of \
        the images) is refused. A file from elsewhere says nothing: then only names and shapes are compared. Weights that \
        are not finite, and running variances below 0, are loaded with a warning.

        - check: false takes the weights of such a file all the same, for instance to train on at another size.
        """,
      examples: [
        Example(
          "save_model(mlp(seed=1), \"/tmp/ltd-example.safetensors\"); same_weights(load_weights(mlp(seed=2), \"/tmp/ltd-example.safetensors\"), mlp(seed=1))",
          "true")
      ],
      seeAlso: ["load_model"], search: ["checkpoint", "state_dict", "load_state_dict"], family: "models"
    ) { call in
      try call.requireFiles()
      let object = try call.object("model", as: ModelObject.self)
      try object.model.loadWeights(call.string("path"), checksArchitecture: call.bool("check"))
      warn(call.session.host, of: object.model, try call.string("path"))
      return Value(object)
    },
    Builtin(
      "copy(model: model) -> model", "A model of its own with the same weights.",
      examples: [Example("m = mlp(hidden=[4]); same_weights(m, copy(m))", "true")],
      seeAlso: ["same_weights"], search: ["clone", "deepcopy"], family: "models"
    ) { call in
      Value(ModelObject(try call.object("model", as: ModelObject.self).model.copy()))
    },
    Builtin(
      "same_weights(a: model, b: model) -> bool",
      "Whether two models have the same architecture and weights, bit for bit.",
      details: "- a, b: the models.",
      examples: [Example("same_weights(mlp(seed=1), mlp(seed=2))", "false")],
      seeAlso: ["copy"], search: ["equal", "compare"], family: "models"
    ) { call in
      Value(
        try call.object("a", as: ModelObject.self).model.hasEqualWeights(
          to: call.object("b", as: ModelObject.self).model))
    },
  ]
}

extension Call {
  /// A fresh model of a family, with the sizes that all families share.
  fileprivate func zooModel(_ family: () throws -> Architecture.Family) throws -> Value {
    try model {
      let size = try int("size")
      return Architecture(
        try family(), classes: try int("classes"), input: [try int("channels"), size, size],
        normalisation: try normalisation())
    }
  }

  /// A fresh model with weights from the argument `seed`.
  func model(_ architecture: () throws -> Architecture) throws -> Value {
    Value(ModelObject(try Model(architecture(), seed: try seed("seed"))))
  }

  /// The arguments `mean` and `std`.
  func normalisation() throws -> Normalisation? {
    let (mean, std) = (try numbers("mean"), try numbers("std"))
    guard (mean == nil) == (std == nil) else {
      throw error(.value, "a normalisation needs both mean and std", hint: "give both, or none")
    }
    guard let mean, let std else { return nil }
    return Normalisation(mean: mean, std: std)
  }
}

/// Says which weights no network can compute with.
private func warn(_ host: any Host, of model: Model, _ path: String) {
  let doubts = model.doubtfulWeights
  for doubt in doubts.prefix(5) { host.warn("'\(path)': \(doubt)") }
  if doubts.count > 5 { host.warn("'\(path)': so it is with \(doubts.count - 5) more tensors") }
}
