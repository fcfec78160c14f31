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
      seeAlso: ["soften", "whatif", "softmax", "evaluate"],
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
      "soften(model: model, x: tensor | dataset, T: float | temperature | none = none, entropy: float | none = none) -> tensor",
      "A teacher's soft labels for images, [n, classes], as soft as methods that distil would have them.",
      details: """
        softmax(logits / T) of the model in evaluation mode. T is a number, or what a rule finds for each image; methods \
        such as ltd take the same as their temperature.

        - x: images [n, c, h, w] in [0, 1], or a data set.
        - T: a temperature: a positive number, or a rule: \(SofteningRules.all.map { "\($0.name)(…)" }.joined(separator: ", ")).
        - entropy: of each label in nats, in place of a temperature: short for T=to_entropy(entropy).
        """,
      examples: [
        Example(
          "m = mlp().at(T=0.01); q = soften(m, rand([2, 1, 28, 28]), entropy=1.2); max(abs(entropy(q) - 1.2)) < 1e-4",
          "true"),
        Example("m = mlp(); x = rand([2, 1, 28, 28]); max(abs(soften(m, x, T=4) - softmax(m(x) / 4))) < 1e-6", "true"),
      ],
      seeAlso: ["whatif", "to_entropy", "standardised", "at", "softmax", "ltd"],
      search: ["distillation", "teacher", "soft labels", "probabilities", "entropy", "temperature"],
      family: "temperature"
    ) { call in
      let model = try call.object("model", as: ModelObject.self)
      do {
        return Value(
          try softLabels(
            of: model.model, on: call.examples("x"), temperature: call.softening(), parameters: model.tracked))
      } catch var error as CoreError where error.argument == "temperature" {
        error.argument = try call["entropy"].isNone ? "T" : "entropy"
        throw error
      }
    },
    Builtin(
      "whatif(model: model, data: dataset, T: list | float = [1, 2, 4, 8]) -> list[record]",
      "What the model's soft labels look like at each temperature: one row for each, as a table.",
      details: """
        - confidence: mean probability of the likeliest class.
        - second: mean probability of the second likeliest class.
        - true_class: mean probability of the label.
        - margin: mean probability of the label less that of the likeliest other class.
        - entropy: mean entropy in nats; log(classes) is the most there can be.
        - cross_entropy: mean cross-entropy with the labels.
        - calibration_error: how far confidence and accuracy lie apart in 15 bins of confidence (Guo et al. 2017).
        - gradient: mean length of q - 1/classes, the gradient that the label q gives the logits of a student that knows \
        nothing yet.
        - saturated: share of images whose likeliest class has probability 1 in float32.
        - zero_gradient: share of images with a cross-entropy whose gradient is 0 in float32; an attack on it is blind there.
        - posterior_gap: mean total variation distance to the exact posterior, for data that has one (glyphs).
        - label_gap: the same to the soft labels of the data, for data that has some, such as those of people.
        - rank_agreement: share of the pairs of classes that the posterior (else the soft labels) puts in an order and the \
        model's labels put in the same one in float32.

        Accuracy is the same at every temperature. Ctrl-C returns what the images so far have led to; a column `n` then says \
        of how many the rows are.

        - T: a temperature, or several in a list or a vector: a row of the table for each.
        """,
      examples: [Example("len(whatif(mlp(), glyphs(n=20)[0], T=[1, 3, 10]))", "3")],
      seeAlso: ["soften", "ltd", "evaluate"], search: ["temperature", "sweep", "calibration", "entropy"],
      family: "temperature"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      let temperatures = try call.temperatures()
      let found = try temperatureProfilesUntilInterrupted(of: model, on: data, temperatures: temperatures)
      guard found.isInterrupted else { return Value(found.profiles.map { $0.row() }) }
      call.session.keepResults(
        "\(found.profiles.count) of \(temperatures.count) temperatures, of the first \(found.examples) of "
          + "\(data.count) images")
      return Value(found.profiles.map { $0.row(of: found.examples) })
    },
    Builtin(
      "best_temperature(model: model, data: dataset, rule: string | function = \"likelihood\", entropy: float | none = none, T: list | none = none) -> float",
      "The temperature at which a model's soft labels are best by a rule, found on held-out data.",
      details: """
        - rule: "likelihood", the mean cross-entropy with the labels (temperature scaling, Guo et al. 2017); "calibration", \
        the expected calibration error; "posterior", the distance to the exact posterior of data that has one (glyphs); \
        "labels", the distance to the soft labels of data that has some; or a function that takes a temperature and \
        returns a number, of which the least is best, such as the error of a small student. A function needs T.
        - entropy: in place of a rule, the mean entropy in nats that the labels are to have.
        - T: the temperatures that a function is asked for, each once.

        The model runs once. Temperatures between 0.05 and 100 are tried, 41 in equal ratios, then around the best of \
        them to a thousandth; one at an end is an error, since it need not be the best. The data should be such that the \
        model was not trained on: one that is right everywhere is the likelier the colder it is.
        """,
      examples: [
        Example(
          "train, test = glyphs(n=300, test=300); net = mlp(hidden=[32]); fit(net, train, epochs=5, quiet=true); T = best_temperature(net, test); whatif(net, test, T=T)[0].cross_entropy <= min([w.cross_entropy for w in whatif(net, test, T=[T/2, T*2])])",
          "true"),
        Example("best_temperature(mlp(), glyphs(n=20)[0], T=[1, 2, 4], rule=T => abs(T - 3.5))", "4.0"),
      ],
      seeAlso: ["whatif", "soften", "teacher_report", "at"],
      search: ["temperature scaling", "calibration", "tune temperature", "golden section"], family: "temperature"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      let (rule, entropy, given) = (try call["rule"], try call["entropy"], try call["T"])
      guard let word = rule.asString else {
        guard entropy.isNone else {
          throw call.error(.value, "best_temperature takes a rule or an entropy, not both", hint: nil, at: "entropy")
        }
        guard !given.isNone else {
          throw call.error(
            .value, "a rule that is a function needs the temperatures to ask it for", hint: "T=[1, 2, 4, 8]", at: "T")
        }
        let temperatures = try call.temperatures()
        guard !temperatures.isEmpty else {
          throw call.error(.value, "best_temperature needs at least one temperature", hint: "T=[1, 2, 4, 8]", at: "T")
        }
        var best: (temperature: Double, value: Double)?
        for temperature in temperatures {
          guard Float(temperature) > 0, Float(temperature).isFinite else {
            throw call.error(
              .value, "T of best_temperature must be positive float32 numbers, not \(temperature.shortest)",
              hint: "T=[1, 2, 4, 8]", at: "T")
          }
          let result = try call.invoke(rule, [Value(temperature)])
          if result.isFollowed { throw try call.noGradient(through: "rule") }
          guard let value = result.asDouble, value.isFinite else {
            throw call.error(
              .value, "rule must return a finite number, and at T=\(temperature.general(6)) it does not",
              hint: "rule=T => whatif(model, data, T=T)[0].entropy",
              at: "rule")
          }
          if best.map({ value < $0.value }) ?? true { best = (temperature, value) }
        }
        return Value(best?.temperature ?? 1)
      }
      guard given.isNone else {
        throw call.error(
          .value, "T is for a rule that is a function", hint: "whatif(model, data, T=[1, 2, 4]) compares given ones",
          at: "T")
      }
      if !entropy.isNone {
        guard word == "likelihood" else {
          throw call.error(.value, "best_temperature takes a rule or an entropy, not both", hint: nil, at: "entropy")
        }
        return Value(try bestTemperature(of: model, on: data, by: .entropy(call.float("entropy"))))
      }
      guard let criterion = TemperatureCriterion.words.first(where: { $0.word == word })?.criterion else {
        let words = TemperatureCriterion.words.map { "\"\($0.word)\"" }.joined(separator: ", ")
        throw call.error(
          .value, "rule of best_temperature must be one of \(words) or a function, not \"\(word)\"",
          hint: "rule=\"likelihood\"", at: "rule")
      }
      return Value(try bestTemperature(of: model, on: data, by: criterion))
    },
    Builtin(
      "teacher_report(teacher: model, data: dataset, hard: list | none = none) -> record",
      "What a teacher's labels are like, and what that says of its students before one is trained.",
      details: """
        At temperature 1: the accuracy, the mean entropy of the labels in nats, nine deciles of the margin (probability of \
        the label less that of the likeliest other class), and the entropy on hard examples and on the others.

        - teacher: the model whose labels are to be learned.
        - hard: the positions of the examples that no student learns robustly, whatever its method and seed, such as those \
        that every one of several evaluations has broken. When left out, those that the teacher itself gets wrong stand \
        in for them, and `hard_is` says so.

        Of published teachers, those whose labels are soft on the hard examples have the more robust students, and a sure \
        teacher there makes them overfit (arXiv 2605.21999); a natural teacher of LTD at its temperature is among the \
        softest. It is a tendency over teachers of one data set, and no measurement of a student: train two and compare.
        """,
      examples: [
        Example("r = teacher_report(mlp(), glyphs(n=50)[0]); r.n, len(r.margin_deciles)", "[50, 9]"),
        Example("r = teacher_report(mlp(), glyphs(n=50)[0], hard=[1, 4]); r.hard, r.hard_is", "[2, \"given\"]"),
      ],
      seeAlso: ["whatif", "best_temperature", "ltd", "rslad"],
      search: ["teacher quality", "robustly unlearnable", "entropy", "which teacher"], family: "temperature"
    ) { call in
      let teacher = try call.object("teacher", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      var hard: [Int]?
      if try !call["hard"].isNone {
        hard = []
        for item in try call.list("hard") {
          guard let position = item.asInt, data.count > position, position >= 0 else {
            throw call.error(
              .value, "hard must be positions of examples, from 0 to \(data.count - 1); one item is \(item.described)",
              hint: "hard=[3, 17, 40]", at: "hard")
          }
          hard?.append(position)
        }
      }
      let report = try TeacherReport(of: teacher, on: data, hard: hard)
      return Value(fields: [
        ("teacher", Value(teacher.name)), ("n", Value(report.examples)), ("accuracy", Value(report.accuracy)),
        ("entropy", Value(report.entropy)), ("margin_deciles", Value(report.marginDeciles.map { Value($0) })),
        ("hard", Value(report.hard)), ("hard_is", Value(report.isHardGiven ? "given" : "what the teacher gets wrong")),
        ("entropy_hard", report.entropyHard.map { Value($0) } ?? .none),
        ("entropy_others", report.entropyOthers.map { Value($0) } ?? .none),
      ])
    },
  ]
}

extension Call {
  /// The temperatures of T, one or a list.
  fileprivate func temperatures() throws -> [Double] {
    let given = try self["T"]
    let isNumber = given.isNumber || given.asObject?.isNumber ?? false
    return try (isNumber ? [Value(try float("T"))] : try list("T")).map { item in
      guard let temperature = item.asDouble else {
        if item.isFollowed { throw try noGradient(through: "T") }
        throw error(
          .type, "T must be a list of temperatures; one item is \(item.described)", hint: "T=[1, 3, 10]", at: "T")
      }
      return temperature
    }
  }

  /// The temperature or the entropy of `soften`; one of them must be given.
  fileprivate func softening() throws -> Temperature {
    let (given, entropy) = (try self["T"], try self["entropy"])
    guard given.isNone != entropy.isNone else {
      throw error(
        .value, "soften needs a temperature or an entropy" + (given.isNone ? "" : ", not both"),
        hint: "soften(model, x, T=5), or entropy=1.2", at: given.isNone ? nil : "entropy")
    }
    if !entropy.isNone {
      let rule = ToEntropy(try float("entropy"))
      try rule.validate()
      return .rule(rule)
    }
    if let rule = given.configured(as: (any SofteningRule).self) { return .rule(rule) }
    return .fixed(try float("T"))
  }
}

extension TemperatureProfile {
  /// A row of the table.
  ///
  /// - Parameter examples: how many images it is of, where these are not all of them.
  fileprivate func row(of examples: Int? = nil) -> Value {
    let fields: [(String, Double?)] = [
      ("T", temperature), ("confidence", confidence), ("second", second), ("true_class", trueClass),
      ("margin", margin), ("entropy", entropy), ("cross_entropy", crossEntropy),
      ("calibration_error", calibrationError), ("gradient", gradient), ("saturated", saturated),
      ("zero_gradient", zeroGradient), ("posterior_gap", posteriorGap), ("label_gap", labelGap),
      ("rank_agreement", rankAgreement),
    ]
    return Value(
      fields: fields.compactMap { name, number in number.map { (name, Value($0)) } }
        + (examples.map { [("n", Value($0))] } ?? []))
  }
}
