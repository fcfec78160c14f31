import Base
import Datasets
import Interpreter
import Robustness
import Tensors

extension BuiltinTable {
  static let attacks: [Builtin] = [
    Builtin(
      "fgsm(eps: float | none = none) -> attack", "The fast gradient sign method: one step of size eps.",
      details:
        "x' = clip(x + eps·sign(∇ CE), 0, 1). Goodfellow et al. 2015.\n\n- eps: radius in units of the [0, 1] image; when left out, that of `evaluate` or `perturb`.",
      examples: [Example("fgsm(eps=8/255)", "fgsm(eps=8/255)")],
      seeAlso: ["pgd", "evaluate"], search: ["one step", "gradient sign", "epsilon"], family: "attacks"
    ) { call in
      try checked(FGSM(eps: try call.optionalFloat("eps")))
    },
    Builtin(
      "pgd(eps: float | none = none, steps: int = 10, step_size: float | none = none, random_start: bool | string | none = none, restarts: int = 1, objective: string | none = none) -> attack",
      "Projected gradient descent in the Linf ball.",
      details: """
        x ← clip(x + step_size·sign(∇ L), x0 ± eps, 0…1), `steps` times, from x0 + U(-eps, eps). Madry et al. 2018. In `fit` \
        the method says where it starts and what L is, unless random_start and objective do.

        - eps: radius in units of the [0, 1] image; without it, that of `evaluate`, `fit` or `perturb`.
        - step_size: 2.5·eps/steps when left out, which is 2/255 for eps 8/255 and 10 steps.
        - random_start: true begins at x0 + U(-eps, eps), "normal" at x0 + 0.001·N(0, I) as TRADES does, false at the image \
        itself (BIM). When left out: true, and in `fit` as the method says.
        - restarts: an example is broken if any of them breaks it; of one that none breaks, the start with the largest loss \
        is kept. More restarts never break fewer.
        - objective: "ce" (cross-entropy) or "kl" (divergence from the clean prediction, as in TRADES). When left out: "ce", \
        and in `fit` as the method says.
        - steps: gradient steps of each start.
        """,
      examples: [
        Example("pgd(eps=8/255, steps=20)", "pgd(eps=8/255, steps=20)"),
        Example("pgd(steps=5) == pgd(steps=5)", "true"),
      ],
      seeAlso: ["fgsm", "evaluate", "perturb"],
      search: ["bim", "i-fgsm", "madry", "linf", "restarts", "epsilon", "autoattack", "trades start"],
      family: "attacks"
    ) { call in
      let objective: AttackObjective? =
        try call["objective"].isNone
        ? nil : try call.choice("objective", AttackObjective.allCases.map { ($0.rawValue, $0) })
      return try checked(
        PGD(
          eps: try call.optionalFloat("eps"), stepSize: try call.optionalFloat("step_size"),
          steps: try call.int("steps"), start: try start(call), restarts: try call.int("restarts"),
          objective: objective))
    },
    Builtin(
      "perturb(model: model, x: tensor | dataset, y: tensor | none = none, attack: attack | none = none, eps: float | none = none, seed: int = 0) -> tensor",
      "Adversarial images: within eps of x and within [0, 1].",
      details: """
        max(abs(x' - x)) <= eps + 1e-6 in float32: where x ± eps is formed it is rounded. Random starts depend on the seed and \
        the place of the image in x. Many images are worked on 250 at a time, which changes no bit. Within grad the images that \
        come out are constants: no gradient goes back through the steps of an attack.

        - x: images [n, c, h, w] in [0, 1], or a data set, which has its classes with it.
        - y: the classes [n] of the images.
        - attack: such as fgsm() or pgd(steps=20); it must be given.
        - eps: radius in units of the [0, 1] image for an attack without one of its own; 8/255 when left out.
        - seed: key of the random starts; an attack that has none refuses it.
        """,
      examples: [
        Example(
          "x = full([2, 1, 28, 28], 0.5); max(abs(perturb(mlp(), x, [3, 4], fgsm(), eps=0.25) - x)) <= 0.25", "true"),
        Example("perturb(mlp(), glyphs(n=8)[0], attack=pgd(steps=2)).shape", "[8, 1, 28, 28]"),
      ],
      seeAlso: ["fgsm", "pgd", "evaluate"], search: ["attack", "adversarial examples", "run"], family: "attacks"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      guard let attack = try call.optionalObject("attack", as: AttackObject.self)?.attack else {
        throw call.error(
          .value, "perturb needs an attack", hint: "perturb(net, x, y, pgd(steps=20)), or attack=fgsm() by name")
      }
      guard attack.isRandom || !call.isGiven("seed") else {
        throw call.error(
          .value, "\(attack) draws nothing at random: seed would not be used",
          hint: "leave seed out; pgd() has random starts", at: "seed")
      }
      let x = try call["x"]
      let y = try call["y"]
      let data: Dataset? = if case .object(let object) = x { (object as? DatasetObject)?.data } else { nil }
      if data != nil, !y.isNone {
        throw call.error(
          .value, "the data set has its own classes: y would not be used", hint: "leave y out", at: "y")
      }
      if data == nil, y.isNone {
        throw call.error(
          .value, "perturb needs y, the classes of the images", hint: "perturb(net, test.images, test.labels, fgsm())")
      }
      let images = try data?.images ?? call.tensor("x")
      let labels = try data?.labels ?? call.labels("y")
      return Value(
        try attack.run(
          on: model,
          AttackInput(images: images, labels: labels, seed: call.seed("seed"), eps: call.optionalFloat("eps"))))
    },
  ]

  /// What `random_start` says; nil where it says nothing.
  private static func start(_ call: Call) throws -> AttackStart? {
    switch try call["random_start"] {
    case .none: return nil
    case .bool(let isRandom): return isRandom ? .uniform : .image
    case .string(let text) where text.text == "normal": return .normal
    default:
      throw call.error(
        .value, "random_start must be true, false or \"normal\"", hint: "\"normal\" begins as TRADES does",
        at: "random_start")
    }
  }

  private static func checked(_ attack: any Attack) throws -> Value {
    try attack.validate()
    return Value(AttackObject(attack))
  }
}
