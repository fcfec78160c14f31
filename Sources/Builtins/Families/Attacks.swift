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
    ) { call throws(LTDError) in
      try checked(FGSM(eps: try call.optionalFloat("eps")))
    },
    Builtin(
      "pgd(eps: float | none = none, steps: int = 10, step_size: float | none = none, random_start: bool = true, restarts: int = 1, objective: string = \"ce\") -> attack",
      "Projected gradient descent in the Linf ball.",
      details: """
        x ← clip(x + step_size·sign(∇ L), x0 ± eps, 0…1), `steps` times, from x0 + U(-eps, eps). Madry et al. 2018.

        - eps: radius in units of the [0, 1] image; without it, that of `evaluate`, `fit` or `perturb`.
        - step_size: 2.5·eps/steps when left out, which is 2/255 for eps 8/255 and 10 steps.
        - random_start: false begins at the image itself (BIM).
        - restarts: each example keeps the start with the largest cross-entropy.
        - objective: "ce" (cross-entropy) or "kl" (divergence from the clean prediction, as in TRADES).
        - steps: gradient steps of each start.
        """,
      examples: [Example("pgd(eps=8/255, steps=20)", "pgd(eps=8/255, steps=20)")],
      seeAlso: ["fgsm", "evaluate", "perturb"],
      search: ["bim", "i-fgsm", "madry", "linf", "restarts", "epsilon", "autoattack"],
      family: "attacks"
    ) { call throws(LTDError) in
      let name = try call.string("objective")
      guard let objective = AttackObjective(rawValue: name) else {
        throw call.error(
          .value, "there is no objective \"\(name)\"",
          hint: "one of " + AttackObjective.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "),
          at: "objective")
      }
      return try checked(
        PGD(
          eps: try call.optionalFloat("eps"), stepSize: try call.optionalFloat("step_size"),
          steps: try call.int("steps"),
          randomStart: try call.bool("random_start"), restarts: try call.int("restarts"), objective: objective))
    },
    Builtin(
      "perturb(model: model, x: tensor, y: tensor, attack: attack, eps: float = 8/255, seed: int = 0) -> tensor",
      "Adversarial images for a batch: within eps of x and within [0, 1].",
      details:
        "Random starts depend on the seed and the place in the batch.\n\n- x: images [n, c, h, w] in [0, 1].\n- y: their classes [n].",
      examples: [
        Example(
          "x = full([2, 1, 28, 28], 0.5); max(abs(perturb(mlp(), x, [3, 4], fgsm(), eps=0.25) - x)) <= 0.25", "true")
      ],
      seeAlso: ["fgsm", "pgd", "evaluate"], search: ["attack", "adversarial examples", "run"], family: "attacks"
    ) { call throws(LTDError) in
      let model = try call.object("model", as: ModelObject.self).model
      let attack = try call.object("attack", as: AttackObject.self).attack
      return Value(
        try attempt { () throws(CoreError) in
          try attack.run(
            on: model,
            AttackInput(
              images: call.core.tensor("x"), labels: call.core.labels("y"), seed: call.core.seed("seed"),
              eps: call.core.float("eps")))
        })
    },
  ]

  private static func checked(_ attack: any Attack) throws(LTDError) -> Value {
    try attempt { () throws(CoreError) in try attack.validate() }
    return Value(AttackObject(attack))
  }
}
