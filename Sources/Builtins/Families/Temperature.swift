import Base
import Datasets
import Interpreter
import Networks
import Robustness
import Tensors

extension BuiltinTable {
  /// What finds temperatures for methods that distil.
  static let softenings: [Builtin] = SofteningRules.all.map { softening($0) }

  private static func softening<Rule: SofteningRule>(_ rule: Rule.Type) -> Builtin {
    .making(rule, result: "temperature", family: "temperature") { TemperatureObject($0) }
  }

  static let temperature: [Builtin] = [
    Builtin(
      "at(model: model, T: float > 0) -> model",
      "The model at temperature T: the same weights, with logits divided by T.",
      details: """
        It can be attacked, evaluated and trained like any other, all with softmax(logits / T). The weights are not copied: \
        training one changes both. Temperatures multiply: m.at(T=2).at(T=3) is m.at(T=6).
        """,
      examples: [
        Example("m = mlp(); x = rand([2, 1, 28, 28]); max(abs(m.at(T=4)(x) - m(x) / 4))", "0.0"),
        Example("m = mlp(); [m.at(T=T).name for T in [1, 2.5]]", "[\"mlp\", \"mlp at T=2.5\"]"),
      ],
      seeAlso: ["soft_labels", "whatif", "softmax", "evaluate"],
      search: ["softmax temperature", "scaled logits", "view", "masked gradients"], family: "temperature"
    ) { call in
      let object = try call.object("model", as: ModelObject.self)
      let model = object.model
      let temperature = try call.float("T")
      let view = try model.at(temperature: Float(temperature))
      if temperature != 1 { view.name += " at T=\(temperature.general(6))" }
      return Value(ModelObject(view, tracked: object.tracked))
    },
    Builtin(
      "bpda(model: model, layer: string | list) -> model",
      "The model with gradients that pass straight through a layer, as if it were the identity.",
      details: """
        Backward pass differentiable approximation: logits stay as they are, and so do the weights, which are shared. Where \
        a layer rounds or cuts, its gradient is zero or tells nothing, and attacks by gradients fail on a network that is \
        no more robust for it: attack bpda(net, …), or use transfer(pgd(), from=bpda(net, …)). The output of the layer must \
        have the shape of its input. Athalye et al. 2018.

        - layer: the name of a layer as summary(net) has it, or of one made of others, such as "layer1"; or a list of names.
        """,
      examples: [
        Example(
          "net = network([quantise(4), flatten(), linear(10)], input=[1, 8, 8]); x = rand([1, 1, 8, 8]); [max(abs(grad(z => sum(m(z)), x))) > 0 for m in [net, bpda(net, \"0\")]]",
          "[false, true]")
      ],
      seeAlso: ["transfer", "quantise", "at", "summary"],
      search: ["straight-through", "masked gradients", "obfuscated gradients", "backward pass", "surrogate gradient"],
      family: "attacks"
    ) { call in
      let object = try call.object("model", as: ModelObject.self)
      var names: [String] = []
      let given = try call["layer"]
      for name in try given.asString.map({ [Value($0)] }) ?? call.list("layer") {
        guard let name = name.asString else {
          throw call.error(
            .type, "layer of bpda must be a name or a list of names, not \(name.described)",
            hint: "bpda(net, \"0\"), with a name of summary(net)", at: "layer")
        }
        names.append(name)
      }
      guard !names.isEmpty else {
        throw call.error(
          .value, "bpda needs the name of at least one layer", hint: "bpda(net, \"0\"), with a name of summary(net)",
          at: "layer")
      }
      let view = try object.model.bpda(names)
      view.name += " straight through \(names.joined(separator: ", "))"
      return Value(ModelObject(view, tracked: object.tracked))
    },
    Builtin(
      "soft_labels(model: model, x: tensor | dataset, T: float = 1) -> tensor",
      "The model's softmax at temperature T: softmax(logits / T), [n, classes].",
      details: "- x: images [n, c, h, w] in [0, 1], or a data set.",
      examples: [Example("sum(soft_labels(mlp(), zeros([1, 1, 28, 28]), T=4)[0]) > 0.999", "true")],
      seeAlso: ["at", "whatif", "softmax", "ltd"], search: ["distillation", "probabilities", "temperature"],
      family: "temperature"
    ) { call in
      let model = try call.object("model", as: ModelObject.self)
      return Value(
        try softLabels(
          of: model.model, on: call.examples("x"), temperature: .fixed(call.float("T")), parameters: model.tracked))
    },
    Builtin(
      "soften(model: model, x: tensor | dataset, temperature: float | temperature | none = none, entropy: float | none = none) -> tensor",
      "A teacher's soft labels for images, [n, classes], as soft as methods that distil would have them.",
      details: """
        softmax(logits / T) of the model in evaluation mode. T is a number, or what a rule finds for each image; methods \
        such as ltd take the same as their temperature. soft_labels(model, x, T) is the same for one number alone.

        - x: images [n, c, h, w] in [0, 1], or a data set.
        - temperature: a positive number, or a rule: \(SofteningRules.all.map { "\($0.name)(…)" }.joined(separator: ", ")).
        - entropy: of each label in nats, in place of a temperature: short for temperature=to_entropy(entropy).
        """,
      examples: [
        Example(
          "m = mlp().at(T=0.01); q = soften(m, rand([2, 1, 28, 28]), entropy=1.2); max(abs(entropy(q) - 1.2)) < 1e-4",
          "true"),
        Example(
          "m = mlp(); x = rand([2, 1, 28, 28]); max(abs(soften(m, x, temperature=4) - soft_labels(m, x, T=4)))", "0.0"),
      ],
      seeAlso: ["soft_labels", "to_entropy", "standardised", "ltd", "whatif"],
      search: ["distillation", "teacher", "soft labels", "entropy", "temperature"], family: "temperature"
    ) { call in
      let model = try call.object("model", as: ModelObject.self)
      return Value(
        try softLabels(
          of: model.model, on: call.examples("x"), temperature: call.softening(), parameters: model.tracked))
    },
    Builtin(
      "whatif(model: model, data: dataset, T: list | float = [1, 2, 4, 8]) -> list[record]",
      "What the model's soft labels look like at each temperature: one row for each, as a table.",
      details: """
        - confidence: mean probability of the likeliest class.
        - true_class: mean probability of the label.
        - second: mean probability of the second likeliest class.
        - entropy: mean entropy in nats; log(classes) is the most there can be.
        - cross_entropy: mean cross-entropy with the labels.
        - posterior_gap: mean total variation distance to the exact posterior, for data that has one (glyphs).

        Accuracy is the same at every temperature.
        - T: a temperature, or several in a list or a vector: a row of the table for each.
        """,
      examples: [Example("len(whatif(mlp(), glyphs(n=20)[0], T=[1, 3, 10]))", "3")],
      seeAlso: ["soft_labels", "ltd", "evaluate"], search: ["temperature", "sweep", "calibration", "entropy"],
      family: "temperature"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      var temperatures: [Double] = []
      let given = try call["T"]
      let isNumber = given.isNumber || given.asObject?.isNumber ?? false
      for item in isNumber ? [Value(try call.float("T"))] : try call.list("T") {
        guard let temperature = item.asDouble else {
          if item.isFollowed { throw try call.noGradient(through: "T") }
          throw call.error(
            .type, "T must be a list of temperatures; one item is \(item.described)", hint: "T=[1, 3, 10]", at: "T")
        }
        temperatures.append(temperature)
      }
      return Value(try temperatureProfiles(of: model, on: data, temperatures: temperatures).map(\.row))
    },
  ]
}

extension Call {
  /// The temperature or the entropy of `soften`; one of them must be given.
  fileprivate func softening() throws -> Temperature {
    let (given, entropy) = (try self["temperature"], try self["entropy"])
    guard given.isNone != entropy.isNone else {
      throw error(
        .value, "soften needs a temperature or an entropy" + (given.isNone ? "" : ", not both"),
        hint: "soften(model, x, entropy=1.2), or temperature=5", at: given.isNone ? nil : "entropy")
    }
    if !entropy.isNone {
      let rule = ToEntropy(try float("entropy"))
      try rule.validate()
      return .rule(rule)
    }
    if let rule = given.configured(as: (any SofteningRule).self) { return .rule(rule) }
    return .fixed(try float("temperature"))
  }
}

extension TemperatureProfile {
  /// A row of the table.
  fileprivate var row: Value {
    let fields: [(String, Double?)] = [
      ("T", temperature), ("confidence", confidence), ("second", second), ("true_class", trueClass),
      ("entropy", entropy), ("cross_entropy", crossEntropy), ("posterior_gap", posteriorGap),
    ]
    return Value(fields: fields.compactMap { name, number in number.map { (name, Value($0)) } })
  }
}
