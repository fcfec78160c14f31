import Base
import Datasets
import Interpreter
import Networks
import Robustness
import Tensors

extension BuiltinTable {
  static let attacks: [Builtin] =
    (Attacks.all + Attacks.wrappers).filter { $0 != Square.self }.map { making($0) } + [
      square,
      making(LanguageAttack.self),
      Builtin(
        "perturb(model: model, x: tensor | dataset, y: tensor | none = none, attack: attack | none = none, eps: float | none = none, targets: tensor | none = none, seed: int = 0) -> tensor",
        "Adversarial images: within eps of x and within [0, 1].",
        details: """
          max(abs(x' - x)) is at most eps + 1e-6, because x ± eps is rounded to float32. An attack that looks for the nearest \
          image returns it where it is within eps, and the image itself where there is none. Random starts depend on the seed \
          and the index of the image in x. Many images are worked on 250 at a time, which changes no bit; Ctrl-C returns those \
          that are done, the first ones, and says how many. Within grad the images that come out are constants: no gradient goes back through the steps of an attack.

          - x: images [n, c, h, w] in [0, 1], or a data set, which holds their classes.
          - y: the classes [n] of the images.
          - attack: an attack, such as fgsm() or pgd(steps=20); it must be given.
          - eps: radius in units of the [0, 1] image for an attack without one of its own; when left out, 8/255 in Linf, 0.5 \
          in L2, 12 in L1, and any distance for an attack that looks for the nearest image.
          - targets: the classes [n] that the images shall be taken for; any wrong one when left out.
          - seed: key of the random starts, and of the noise of a model that answers at random; refused where there is neither.
          """,
        examples: [
          Example(
            "x = full([2, 1, 28, 28], 0.5); max(abs(perturb(mlp(), x, [3, 4], fgsm(), eps=0.25) - x)) <= 0.25", "true"),
          Example("perturb(mlp(), glyphs(n=8)[0], attack=pgd(steps=2)).shape", "[8, 1, 28, 28]"),
        ],
        seeAlso: ["fgsm", "pgd", "evaluate"], search: ["attack", "adversarial examples", "run"], family: "attacks"
      ) { call in
        let model = try call.object("model", as: ModelObject.self).model
        guard let attack = try call["attack"].configured(as: (any Attack).self) else {
          throw call.error(
            .value, "perturb needs an attack", hint: "perturb(net, x, y, pgd(steps=20)), or attack=fgsm() by name")
        }
        guard attack.isRandom || model.isRandom || !call.isGiven("seed") else {
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
            .value, "perturb needs y, the classes of the images", hint: "perturb(net, test.images, test.labels, fgsm())"
          )
        }
        let images = try data?.images ?? call.tensor("x")
        let labels = try data?.labels ?? call.labels("y")
        let targets = try call["targets"].isNone ? nil : call.labels("targets")
        var input = AttackInput(
          images: images, labels: labels, seed: try call.seed("seed"), eps: try call.optionalFloat("eps"),
          targets: targets)
        input.answers.seed = input.seed
        let (found, interruption) = try attack.runUntilInterrupted(on: model, input)
        if interruption != nil {
          let (done, all) = (found.shape.first ?? 0, labels.count)
          call.session.keepResults("the first \(done) of \(all) images are attacked, and returned without the others")
        }
        return Value(found)
      },
    ]

  /// The attack, and of a tensor the function, which had the name first.
  private static let square = Builtin.described(
    by: Square.self,
    first: [("x: tensor | none = none", "numbers: square(x) is x·x, and takes nothing else; without x, the attack.")],
    result: "tensor | attack", family: "attacks"
  ) { call in
    if try call["x"].isNone { return Value(AttackObject(try call.made(Square.self))) }
    if let other = Square.settings.map(\.name).first(where: { call.isGiven($0) }) {
      throw call.error(
        .value, "square(x) is x·x: \(other) would not be used", hint: "leave x out for the attack", at: "x")
    }
    return Value(try call.takenTensor("x").square())
  }

  private static func making<Made: Attack>(_ type: Made.Type) -> Builtin {
    .making(type, result: "attack", family: "attacks") { AttackObject($0) }
  }
}
