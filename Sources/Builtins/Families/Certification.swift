import Base
import Datasets
import Interpreter
import Robustness
import Tensors

extension BuiltinTable {
  static let certification: [Builtin] = [
    Builtin(
      """
      certify(model: model, data: dataset, eps: float, norm: string = "linf", method: string = "crown", \
      against: evaluation | none = none, exact: bool = false, time: float = 60, quiet: bool = false) -> certificate
      """,
      "Proves, example by example, that no image within a radius is misclassified.",
      details: """
        Lower bounds of the margin of the true class over all images of [0, 1] in the ball. Where the bound is above 0 the \
        example is certified: no attack can break it, whatever it tries. Beside an evaluation under attacks the table is a \
        bracket: certified ≤ robust ≤ attacked; an example that is both certified and broken is an error.

        The proof is of the network in real arithmetic, with its weights as they are: double precision, with every rounding \
        counted against the certificate. That the network itself runs in float32, which moves logits by some 1e-6, is not part \
        of it. Bounds exist for linear layers, convolutions, relu, leaky_relu, relu6, pooling, batch norm and residual sums. \
        Networks that were not trained for it have few certificates or none.

        - eps: radius in units of the [0, 1] image.
        - norm: "linf", "l2" or "l1": the norm of the ball.
        - method: "crown" propagates linear bounds backward; "interval" is faster, and much weaker.
        - exact: whether branch and bound goes on with what is neither certified nor broken, in Linf: it cuts the ball in parts \
        by the signs of single activations, until all are certified or one has an image that is misclassified.
        - time: seconds that this may take for each example; where they do not suffice it stays undecided.
        - against: what `evaluate` found of the same model and data, with this norm and eps.
        """,
      examples: [
        Example(
          "certify(mlp(hidden=[8]), glyphs(n=20)[1], eps=0, quiet=true).certified == accuracy(mlp(hidden=[8]), glyphs(n=20)[1])",
          "true"),
        Example(
          """
          net = mlp(hidden=[8]); test = glyphs(n=20)[1]; r = evaluate(net, test, attacks=[fgsm()], eps=0.01, quiet=true)
          c = certify(net, test, eps=0.01, against=r, quiet=true); c.certified <= c.unbroken
          """, "true"),
      ],
      seeAlso: ["evaluate"],
      search: [
        "verify", "verification", "proof", "lower bound", "crown", "interval bound propagation", "ibp", "fast-lin",
        "robust accuracy", "guarantee", "bracket",
      ],
      values: ["norm": .words(Norm.allCases.map(\.rawValue)), "method": .words(BoundMethod.allCases.map(\.rawValue))],
      family: "evaluation"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      let exact = try call.bool("exact") ? call.float("time") : nil
      guard exact != nil || !call.isGiven("time") else {
        throw call.error(
          .value, "time is for branch and bound alone: it would not be used", hint: "add exact=true, or leave time out",
          at: "time")
      }
      let (eps, norm) = (try call.float("eps"), try call.choice("norm", Norm.allCases.map { ($0.rawValue, $0) }))
      let method = try call.choice("method", BoundMethod.allCases.map { ($0.rawValue, $0) })
      let against = try call.optionalObject("against", as: EvaluationObject.self)?.evaluation
      let progress = call.session.progress(quiet: try call.bool("quiet"))
      func certified(_ data: Dataset) throws -> Certificate {
        try certify(
          model, on: data, eps: eps, norm: norm, method: method, exact: exact, against: against, progress: progress)
      }
      // Beside an evaluation there is one cell: what that says is about all examples.
      let settings = [
        eps.shortest, norm.rawValue, method.rawValue, exact?.shortest ?? "", against.map { $0.run.identity.line } ?? "",
      ]
      let parts = try call.sharedByExamples("certify", model, data, settings, isWhole: against != nil) {
        Value(CertificateObject(try certified($0)))
      }
      guard let parts else { return Value(CertificateObject(try certified(data))) }
      guard let whole = Certificate(joining: parts.compactMap { ($0.asObject as? CertificateObject)?.certificate })
      else { throw call.error(.value, "the cells of certificates hold something else", hint: "start the shards again") }
      return Value(CertificateObject(whole))
    },
    Builtin(
      """
      smooth(model: model, data: dataset, sigma: float, n0: int = 100, n: int = 1000, alpha: float = 0.001, \
      seed: int = 0, quiet: bool = false) -> list[record]
      """,
      "Certificates in L2 of the classifier that a model becomes under normal noise: randomised smoothing.",
      details: """
        The smoothed classifier gives the class that the model gives most often to an image with noise. A row for each \
        example: its label, the class (none where the counts are too close: it abstains), whether that is right, and the \
        radius within which the class stays the same, sigma · Φ⁻¹(p), with p the lower end of the confidence interval of \
        Clopper and Pearson. Noise may leave [0, 1]. Cohen, Rosenfeld, Kolter 2019.

        - sigma: standard deviation of the noise, in units of the [0, 1] image.
        - n0: images with noise that choose the class.
        - n: images with noise that count it; with few of them radii are small.
        - alpha: probability that a certificate is wrong.
        - seed: key of the noise, which each example has of its own.
        """,
      examples: [
        Example(
          "rows = smooth(mlp(hidden=[8]), glyphs(n=20)[1], sigma=0.25, n=100, quiet=true); all([r.radius >= 0 for r in rows])",
          "true")
      ],
      seeAlso: ["certify", "evaluate"], search: ["randomized smoothing", "cohen", "radius", "noise", "gaussian"],
      family: "evaluation"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      let progress = call.session.progress(quiet: try call.bool("quiet"))
      func rows(_ data: Dataset) throws -> [Value] {
        let verdicts = try smoothed(
          model, on: data, sigma: call.float("sigma"), n0: call.int("n0"), n: call.int("n"),
          alpha: call.float("alpha"), seed: call.seed("seed"), progress: progress)
        return zip(data.labels, verdicts).map { label, verdict in
          Value(fields: [
            ("label", Value(label)), ("prediction", verdict.prediction.map { Value($0) } ?? .none),
            ("correct", Value(verdict.prediction == label)), ("radius", Value(verdict.radius)),
            ("count", Value(verdict.count)),
          ])
        }
      }
      let settings = try ["sigma", "n0", "n", "alpha", "seed"].map { "\(try call[$0].text(PrintOptions()))" }
      let parts = try call.sharedByExamples("smooth", model, data, settings) { Value(try rows($0)) }
      return try Value(parts?.flatMap { $0.asList ?? [] } ?? rows(data))
    },
  ]
}
