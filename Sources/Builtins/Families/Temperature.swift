import Base
import Datasets
import Interpreter
import Networks
import Robustness
import Tensors

extension BuiltinTable {
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
      if temperature != 1 { view.name += " at T=\(formatGeneral(temperature, digits: 6))" }
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
      let x = try call["x"]
      let z: Tensor
      if case .object(let object) = x, let data = object as? DatasetObject {
        z = try logits(of: model.model, on: data.data, parameters: model.tracked, requiringFinite: true)
      } else {
        z = try model.logits(call.tensor("x"))
        try requireFinite(z, of: model.model)
      }
      return Value(try z.softmax(temperature: Float(call.float("T"))))
    },
    Builtin(
      "whatif(model: model, data: dataset, T: list | float = [1, 2, 4, 8]) -> list",
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
      try requireFitting(data, model)
      let z = try logits(of: model, on: data, requiringFinite: true)
      var rows: [Value] = []
      let given = try call["T"]
      let isNumber = given.isNumber || given.asObject?.isNumber ?? false
      for item in isNumber ? [Value(try call.float("T"))] : try call.list("T") {
        guard let temperature = item.asDouble else {
          if item.isFollowed { throw try call.noGradient(through: "T") }
          throw call.error(
            .type, "T is a list of temperatures; one item is \(item.described)", hint: "T=[1, 3, 10]", at: "T")
        }
        rows.append(try row(z, data, temperature: temperature))
      }
      return Value(rows)
    },
  ]

  private static func row(_ logits: Tensor, _ data: Dataset, temperature: Double) throws -> Value {
    // By the logarithms: a probability that float32 has no number for still has a cross-entropy.
    let (n, classes) = (data.count, logits.shape[1])
    let logarithms = try logits.logSoftmax(temperature: Float(temperature)).floats()
    // Of a model of other classes there is no distance.
    let posterior = data.classCount == classes ? try data.posterior?.floats() : nil
    var (top, second, true_, entropy, loss, gap) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for i in 0..<n {
      let row = logarithms[i * classes..<(i + 1) * classes]
      let q = row.map { exponential(Double($0)) }
      let sorted = q.sorted(by: >)
      top += sorted[0]
      second += sorted[1]
      true_ += q[data.labels[i]]
      loss -= Double(row[i * classes + data.labels[i]])
      for (p, ownLogarithm) in zip(q, row) where p > 0 { entropy -= p * Double(ownLogarithm) }
      if let posterior {
        for (a, b) in zip(q, posterior[i * classes..<(i + 1) * classes]) { gap += abs(a - Double(b)) / 2 }
      }
    }
    let count = Double(n)
    var fields: [(String, Value)] = [
      ("T", Value(temperature)), ("confidence", Value(top / count)), ("second", Value(second / count)),
      ("true_class", Value(true_ / count)), ("entropy", Value(entropy / count)), ("cross_entropy", Value(loss / count)),
    ]
    if posterior != nil { fields.append(("posterior_gap", Value(gap / count))) }
    return Value(fields: fields)
  }
}
