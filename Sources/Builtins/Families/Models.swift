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
      "copy(model: model) -> model", "A new model with the same weights.",
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

/// Warns of weights that no network can compute with.
private func warn(_ host: any Host, of model: Model, _ path: String) {
  let doubts = model.doubtfulWeights
  for doubt in doubts.prefix(5) { host.warn("'\(path)': \(doubt)") }
  if doubts.count > 5 { host.warn("'\(path)': the same holds for \(doubts.count - 5) more tensors") }
}
