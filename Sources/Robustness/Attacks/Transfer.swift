import Base
import Networks

/// An attack on a model by the gradients of another: what an attacker can do who has only a model like it. The attacked
/// model judges the images, and is asked nothing else.
///
/// The other model is run on the thread that evaluates, as the attacked one is; hence `@unchecked Sendable`.
public struct Transfer: AttackWrapper, @unchecked Sendable {
  public static let name = "transfer"
  public static let page = Page(
    "An attack by the logits and gradients of another model, which the attacked model only judges.",
    details: """
      Where gradients of a model are masked, those of another, or of bpda(net, …), break images that its own do not. The \
      other model must read the same images and know as many classes.
      """,
    examples: [
      ("net = mlp(seed=1); net.name = \"other\"; transfer(fgsm(), from=net)", "transfer(fgsm(), other)")
    ],
    seeAlso: ["bpda", "mi_fgsm", "evaluate"],
    search: ["surrogate", "black box", "transferability", "substitute model"])
  public static let settings: [Setting<Transfer>] = [
    .wrapped(note: "the attack that asks the other model."),
    .required("from", type: "model", \.from, note: "the model that answers: a surrogate."),
  ]

  public var attack: (any Attack)?
  /// The model that answers; nil while it is missing.
  public var from: Model?

  public init() {}

  /// An attack that asks one model, for images that another judges.
  public init(_ attack: any Attack, from: Model) { (self.attack, self.from) = (attack, from) }

  /// Lets the attack within ask the other model.
  ///
  /// - Throws: `value` for a model with another number of classes, `shape` for one that reads other images, and what the
  ///   attack throws.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    let attack = try inner()
    guard let from else { throw CoreError(.value, "transfer needs from, a model", argument: "from") }
    guard from.classes == oracle.classes else {
      throw CoreError(
        .value,
        "transfer from the model \(from.name) with \(from.classes) classes does not fit a model with \(oracle.classes)",
        hint: "the other model must know the same classes", argument: "from")
    }
    let images = Array(batch.images.shape.dropFirst())
    guard from.architecture.input == images else {
      throw CoreError(
        .shape,
        "transfer from the model \(from.name), which reads \(from.architecture.input), does not fit images \(images)",
        hint: "the other model must read the same images", argument: "from")
    }
    try attack.perturb(batch, TransferOracle(target: oracle, surrogate: ModelOracle(from, for: attack, batch)))
  }
}
