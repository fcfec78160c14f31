import Base
import Interpreter
import Networks
import Tensors

extension BuiltinTable {
  static let models: [Builtin] = Families.all.map { network(of: $0) } + checkpoints

  private static func network<Family: NetworkFamily>(of family: Family.Type) -> Builtin {
    .making(NetworkCall<Family>.self, result: "model", family: "models") {
      ModelObject(try Model($0.architecture, seed: UInt64(bitPattern: Int64($0.seed))))
    }
  }

  private static let checkpoints: [Builtin] = [
    Builtin(
      "save_model(model: model, path: string) -> none",
      "Writes architecture and weights as safetensors or as a PyTorch file, with PyTorch's names.",
      details:
        """
        A path that ends in .pt or .pth is written in the zip form of PyTorch, which torch.load reads with \
        weights_only=True as a state dict; any other as safetensors. Both keep the architecture. The file is written as write_text does it: a file of the same name is never half replaced. Weights that are not \
        finite are saved, with a warning.
        """,
      examples: [Example("save_model(mlp(hidden=[4]), \"/tmp/ltd-example.safetensors\")", "")],
      seeAlso: ["load_model", "load_weights"],
      search: ["checkpoint", "export", "state_dict", "safetensors", "torch.save", ".pt"],
      values: ["path": .files(weightFileEndings)],
      family: "models"
    ) { call in
      try call.prepareToWrite()
      let model = try call.object("model", as: ModelObject.self).model
      try model.save(call.string("path"))
      warn(call.session.host, of: model, try call.string("path"))
      return .none
    },
    Builtin(
      "load_model(path: string, architecture: any = none, key: string | none = none, mean: list | none = none, std: list | none = none) -> model",
      "The model of a file of weights: one that save_model wrote, or a checkpoint from elsewhere.",
      details: """
        A file that save_model wrote says its network. Of another, the network is recognised by the names and shapes of its \
        weights, and what was decided is said in notes and kept in `model.source`: the family and its sizes, which of several \
        state dicts was taken, the prefix that was taken off the names (module., model., _orig_mod. and others), where the \
        normalisation comes from, what was left alone. Nothing in a file is run. Where the weights fit several networks that \
        compute different things, or none, it is an error that says what to type. Public files that are known by their hash \
        need nothing else, and their published results are shown: known_files() lists them. Weights that are not finite, and \
        running variances below 0, are loaded with a warning.

        - architecture: the network, where the file leaves it open: a string as `model.architecture` prints it, the name of \
        a family, or what a call makes (its weights are not used).
        - key: where the weights stand in the file, such as "state_dict", or "models.0" for the first in a list.
        - mean, std: the normalisation of images, where the file has none; where it has one, it must be the same.
        """,
      examples: [
        Example(
          "save_model(mlp(hidden=[4]), \"/tmp/ltd-example.safetensors\"); load_model(\"/tmp/ltd-example.safetensors\").size",
          "3190")
      ],
      seeAlso: ["save_model", "load_weights"],
      search: ["checkpoint", "import", "safetensors", "pytorch", "torch.load", ".pt", ".pth", "state_dict"],
      values: ["path": .files(weightFileEndings), "architecture": .words(Families.all.map { $0.name })],
      family: "models"
    ) { call in
      try call.requireFiles()
      var request = LoadRequest()
      request.network = try TypedNetwork.request("architecture", of: call)
      request.key = try call.optionalString("key")
      request.normalisation = try Normalisation.given(mean: call.numbers("mean"), std: call.numbers("std"))
      let model = try Model.load(call.string("path"), request)
      report(call.session.host, of: model)
      return Value(ModelObject(model))
    },
    Builtin(
      "known_files() -> list[record]", "Public files of weights that load_model recognises by their hash.",
      details: """
        Each with its network, its data set, the published numbers with their sources, the licence and what to cite. \
        `load_model(path)` of such a file needs nothing else, whatever the file is called.
        """,
      examples: [Example("known_files()[0].data", "\"MNIST\"")], seeAlso: ["load_model"],
      search: ["checkpoint", "published", "pretrained", "robustbench", "model zoo", "sha256"], family: "models"
    ) { _ in
      Value(
        KnownFile.all.map { file in
          Value(fields: [
            ("name", Value(file.name)), ("data", Value(file.data)), ("architecture", Value(file.architecture.call)),
            ("key", file.key.map { Value($0) } ?? .none), ("published", Value(file.published)),
            ("licence", Value(file.licence)), ("cite", Value(file.citation)), ("size", Value(file.size)),
            ("sha256", Value(file.sha256)),
          ])
        })
    },
    Builtin(
      "load_weights(model: model, path: string, key: string | none = none, check: bool = true) -> model",
      "Reads the weights of a model from a file; nothing changes unless all of them fit.",
      details: """
        A file that save_model wrote says what network it is of. One whose weights have the same names and shapes but that \
        computes something else from them (another activation, stride, pooling, batch norm, normalisation, dropout, size of \
        the images) is refused. A file from elsewhere says nothing but a normalisation, if it has one: that is compared, and \
        else only names and shapes. Which state dict was taken, and which prefix was taken off the names, is said. Weights that \
        are not finite, and running variances below 0, are loaded with a warning.

        - key: where the weights stand in the file, such as "state_dict"; where only one state dict fits, it is found.
        - check: false takes the weights of such a file all the same, for instance to train on at another size.
        """,
      examples: [
        Example(
          "save_model(mlp(seed=1), \"/tmp/ltd-example.safetensors\"); same_weights(load_weights(mlp(seed=2), \"/tmp/ltd-example.safetensors\"), mlp(seed=1))",
          "true")
      ],
      seeAlso: ["load_model"], search: ["checkpoint", "state_dict", "load_state_dict"],
      values: ["path": .files(weightFileEndings)],
      family: "models"
    ) { call in
      try call.requireFiles()
      let object = try call.object("model", as: ModelObject.self)
      try object.model.loadWeights(
        call.string("path"), key: call.optionalString("key"), checksArchitecture: call.bool("check"))
      report(call.session.host, of: object.model)
      return Value(object)
    },
    Builtin(
      "copy(model: model) -> model", "A new model with the same weights.",
      examples: [Example("m = mlp(hidden=[4]); same_weights(m, copy(m))", "true")],
      seeAlso: ["same_weights"], search: ["clone", "deepcopy"], family: "models"
    ) { call in
      Value(ModelObject(try call.object("model", as: ModelObject.self).model.copy()))
    },
    Builtin(
      "summary(model: model) -> summary",
      "The layers of a model as a table: what each gives for an image, its weights, and the multiply-adds that it costs.",
      details: """
        Multiply-adds are those of convolutions and linear layers for one image, as torchvision counts them. `rows` of the \
        result has the table as records, `weights`, `frozen` and `multiply_adds` have the totals.
        """,
      examples: [
        Example("summary(lenet5()).multiply_adds", "4467664"),
        Example(
          "mlp(hidden=[4]).summary()",
          """
          model mlp, for images [1, 28, 28]
            layer           output  weights  multiply-adds
            0      flatten  [784]
            1      linear   [4]       3,140          3,136
            2      relu     [4]
            3      linear   [10]         50             40
            total                     3,190          3,176
          """),
      ],
      seeAlso: ["freeze", "network"],
      search: ["torchinfo", "torchsummary", "flops", "macs", "shapes", "parameters", "count"],
      family: "models"
    ) { call in
      Value(try SummaryObject(call.object("model", as: ModelObject.self).model))
    },
    freezing(
      "freeze", "Makes training leave weights as they are; returns the model.",
      """
      No gradient is computed for a frozen weight, by fit or by grad, and neither weight decay nor momentum moves it. A batch \
      norm both of whose weights are frozen uses its running statistics in training, too, and leaves them alone. A copy has \
      the same weights frozen; a file does not say what is frozen.
      """,
      example: "freeze(mlp(hidden=[4]), \"1\").frozen", "[\"1.weight\", \"1.bias\"]", like: "unfreeze", isFrozen: true),
    freezing(
      "unfreeze", "Lets training move weights again that freeze has fixed; returns the model.", "",
      example: "m = freeze(mlp(hidden=[4])); unfreeze(m, \"3.*\").frozen", "[\"1.weight\", \"1.bias\"]", like: "freeze",
      isFrozen: false),
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

/// Says what was decided when a model was loaded, and warns of weights that no network can compute with.
private func report(_ host: any Host, of model: Model) {
  guard let source = model.source else { return }
  for remark in source.remarks { host.note(remark) }
  warn(host, of: model, source.path)
}

/// A built-in that changes which weights are frozen.
private func freezing(
  _ name: String, _ summary: String, _ details: String, example: String, _ answer: String, like: String, isFrozen: Bool
) -> Builtin {
  Builtin(
    "\(name)(model: model, names: string | list = \"*\") -> model", summary,
    details: (details.isEmpty ? "" : details + "\n\n")
      + "- names: names of weights or of layers, where * stands for anything, such as \"layer1.*\"; one, or several in a list.",
    examples: [Example(example, answer)], seeAlso: [like, "summary", "fit", "sgd"],
    search: ["requires_grad", "fine-tuning", "transfer learning", "train", "fixed", "layers"], family: "models"
  ) { call in
    let object = try call.object("model", as: ModelObject.self)
    let given = try call["names"]
    var names: [String] = []
    if let name = given.asString {
      names = [name]
    } else {
      for item in try call.list("names") {
        guard let name = item.asString else {
          throw call.error(
            .type, "names of \(name) must be strings, not \(item.described)", hint: "names=[\"conv1\", \"layer1.*\"]",
            at: "names")
        }
        names.append(name)
      }
    }
    try object.model.freeze(names, isFrozen: isFrozen)
    return Value(object)
  }
}

/// Warns of weights that no network can compute with.
private func warn(_ host: any Host, of model: Model, _ path: String) {
  let doubts = model.doubtfulWeights
  for doubt in doubts.prefix(5) { host.warn("'\(path)': \(doubt)") }
  if doubts.count > 5 { host.warn("'\(path)': the same holds for \(doubts.count - 5) more tensors") }
}
