import Base
import Tensors

/// AutoAttack (Croce and Hein 2020): several attacks in a row, each on the examples that those before it left standing;
/// what none of them breaks counts as robust.
///
/// It is a list of stages and nothing else: the evaluation runs them one by one and puts the survivors together into full
/// batches. A list of one's own is run in the same way. With `compat="auto-attack"` random numbers come from PyTorch's
/// generator in the order of the original, seeded anew for every batch of every stage, as it does; a result then depends
/// on the batches, as it does there.
public struct AutoAttack: Attack {
  public static let name = "autoattack"
  public static let page = Page(
    "AutoAttack: several attacks in a row, each on what those before it left standing.",
    details: """
      version="standard" runs apgd(), apgd_t(), fab_t() and square(); "plus" has more of them with five restarts each; \
      "rand" is for models that answer at random: apgd() with two losses, each gradient a mean over 20 answers. \
      Croce and Hein 2020, arXiv 2003.01690. With fewer classes than an attack wants, it takes as many target classes as \
      there are, and the margin where there are too few for the difference of logits ratio; the table names the attacks as \
      they were run. The accuracies in the table are cumulative.

      Against a model that answers at random, AutoAttack takes one answer as its verdict; evaluate shows that beside the \
      rate over many.
      """,
    examples: [
      ("autoattack(eps=8/255)", "autoattack(eps=8/255)"),
      ("autoattack(attacks=[apgd(), square()])", "autoattack(attacks=[apgd(steps=100), square(queries=5000)])"),
    ],
    seeAlso: ["evaluate", "apgd", "apgd_t", "fab_t", "square"],
    search: ["ensemble", "standard", "robustbench", "worst case", "auto attack", "aa"])
  public static let settings: [Setting<AutoAttack>] = [
    .radius(\.eps),
    .choice("norm", \.norm, note: "the ball of all its attacks."),
    .choice("version", \.version, note: "\"standard\" when left out, unless attacks are given."),
    .choice(
      "order", \.order,
      note: """
        "fast" puts mifpe(steps=40) and apgd_t() with three targets chosen by MALT's score before the others: they break \
        at little cost most of what can be broken. What is left meets all of the version's attacks, so that never more \
        count as robust.
        """),
    .choice(
      "compat", \.compat,
      note: "\"auto-attack\" draws random numbers as the original does on a CPU: in its order, batch by batch."),
    Setting(
      "seed", type: "int | none", expected: "a whole number", hint: "seed=0",
      note: "key of the random numbers; that of the evaluation when left out.",
      read: { $0.seed.map { .int(Int(Int64(bitPattern: $0))) } ?? .none },
      write: { attack, value in
        switch value {
        case .none: attack.seed = nil
        case .int(let seed): attack.seed = UInt64(bitPattern: Int64(seed))
        default: return false
        }
        return true
      }),
    Setting(
      "attacks", type: "list", expected: "a list of attacks", hint: "attacks=[apgd(), square()]",
      note: "attacks of your own choice instead of a version; all in one norm.",
      read: { .list($0.attacks.map { .configured($0) }) },
      write: { attack, value in
        guard case .list(let items) = value else { return false }
        var attacks: [any Attack] = []
        for item in items {
          guard case .configured(let made) = item, let one = made as? any Attack else { return false }
          attacks.append(one)
        }
        attack.attacks = attacks
        return true
      }),
  ]

  /// Which attacks there are.
  public enum Version: String, SettingChoice { case standard, plus, rand }
  /// Which come first.
  public enum Order: String, SettingChoice { case official, fast }
  /// Whose random numbers are drawn.
  public enum Compatibility: String, SettingChoice { case autoAttack = "auto-attack" }

  public var eps: Double?
  /// The norm of the ball; of attacks of one's own choice it is theirs.
  public var norm: Norm {
    get { attacks.first?.norm ?? ownNorm ?? .linf }
    set { ownNorm = newValue }
  }
  private var ownNorm: Norm?
  /// Which attacks are run; nil is the standard version, where `attacks` is empty.
  public var version: Version?
  /// In which order they are run.
  public var order = Order.official
  /// Whose random numbers are drawn; nil draws for each example by itself.
  public var compat: Compatibility?
  public var seed: UInt64?
  /// Attacks of one's own choice; empty where a version is run.
  public var attacks: [any Attack] = []

  public init() {}

  public var isRandom: Bool { attacks.isEmpty || attacks.contains(where: \.isRandom) }

  /// Checks that no setting contradicts another.
  public func validateTogether() throws(CoreError) {
    for attack in attacks { try attack.validate() }
    if !attacks.isEmpty {
      if let list = attacks.first(where: { !$0.isSingle }) {
        throw CoreError(
          .value, "\(list) is a list itself, or draws numbers of its own: an item of attacks must be one attack",
          hint: "attacks=[apgd(), square()]; evaluate(…, attacks=[autoattack(…), …]) takes several lists",
          argument: "attacks")
      }
      if !isRandom, seed != nil || compat != nil {
        let setting = seed == nil ? "compat" : "seed"
        throw CoreError(
          .value, "these attacks draw nothing at random: \(setting) would not be used", hint: "leave \(setting) out",
          argument: setting)
      }
      if let version {
        throw CoreError(
          .value, "version=\"\(version.rawValue)\" names its attacks itself: attacks would not be used",
          hint: "leave version out, or attacks", argument: "attacks")
      }
      if order == .fast {
        throw CoreError(
          .value, "attacks of your own choice are run in their order: order=\"fast\" would not be used",
          hint: "leave order out, or put mifpe() first", argument: "order")
      }
      if let ownNorm, ownNorm != attacks[0].norm {
        throw CoreError(
          .value, "\(attacks[0]) is not in \(ownNorm.rawValue): norm would not be used", hint: "leave norm out",
          argument: "norm")
      }
      if let other = attacks.first(where: { $0.norm != attacks[0].norm }) {
        throw CoreError(
          .value,
          "the attacks of one list must have one norm: \(attacks[0]) is in \(attacks[0].norm.rawValue), "
            + "\(other) in \(other.norm.rawValue)",
          hint: "evaluate(…, attacks=[autoattack(…), autoattack(…)]) takes the worst case of several balls",
          argument: "attacks")
      }
      if let eps, let other = attacks.first(where: { $0.eps != nil && $0.eps != eps }) {
        throw CoreError(
          .value, "\(other) has a radius of its own: eps=\(eps.asRadius) would not be used",
          hint: "leave eps out, here or there", argument: "eps")
      }
    }
    if order == .fast, let compat {
      throw CoreError(
        .value, "compat=\"\(compat.rawValue)\" repeats the original's order of attacks: order=\"fast\" is another",
        hint: "leave order out, or compat", argument: "order")
    }
  }

  /// In compatible mode, PyTorch's generator; otherwise each example's own stream.
  public func randomNumbers(seed: UInt64) -> any AttackRandom {
    compat == nil ? PerExampleRandom(seed: seed) : ReferenceOrderRandom(seed: seed)
  }

  /// The attacks of the version, as the number of classes allows them.
  public func stages(classes: Int) -> [any Attack] {
    guard attacks.isEmpty else { return attacks.flatMap { $0.stages(classes: classes) } }
    let official = official(classes: classes)
    guard order == .fast else { return official }
    var likely = targeted(classes: classes)
    likely.order = .malt
    likely.targets = min(3, likely.targets)
    return [MIFPE(steps: 40, norm: norm), likely] + official
  }

  private func official(classes: Int) -> [any Attack] {
    let isSparse = norm == .l1
    switch version ?? .standard {
    case .standard:
      // In L1 the original has five restarts, five target classes, and radii that shrink to eps.
      var ascent = APGD(norm: norm, restarts: isSparse ? 5 : 1)
      var targeted = targeted(classes: classes)
      if isSparse {
        (ascent.largeEps, targeted.largeEps) = (true, true)
        targeted.targets = min(5, targeted.targets)
      }
      return [ascent, targeted, boundary(classes: classes), Square(norm: norm)]
    case .plus:
      var search = boundary
      search.restarts = 5
      return [
        APGD(norm: norm, restarts: 5), APGD(norm: norm, restarts: 5, loss: ratio(classes: classes)), FAB(search),
        Square(norm: norm), targeted(classes: classes), boundary(classes: classes),
      ]
    case .rand:
      var ascents = [APGD(norm: norm), APGD(norm: norm, loss: ratio(classes: classes))]
      for i in ascents.indices { ascents[i].eot = 20 }
      return ascents
    }
  }

  /// The difference of logits ratio needs three classes; with fewer the margin takes its place.
  private func ratio(classes: Int) -> APGD.Loss { classes >= 3 ? .dlr : .margin }

  private func targeted(classes: Int) -> APGDT {
    var attack = APGDT(norm: norm)
    attack.targets = min(9, max(1, classes - 1))
    if classes < 4 { attack.loss = .margin }
    return attack
  }

  /// Verdicts are wanted, not distances: what is broken within the radius is left alone.
  private var boundary: BoundarySearch {
    var search = BoundarySearch()
    (search.norm, search.nearest) = (norm, false)
    return search
  }

  private func boundary(classes: Int) -> FABT {
    FABT(boundary, classes: min(9, max(1, classes - 1)))
  }

  /// Runs all stages on one batch, each on what is standing. An evaluation runs them by itself.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    let stages = stages(classes: oracle.classes)
    for (number, stage) in stages.enumerated() {
      let standing = try oracle.standing
      if standing.isEmpty { return }
      let part = try batch.part(standing, eps: stage.eps ?? batch.eps) { done in
        batch.report((Double(number) + done) / Double(stages.count))
      }
      let filter = stage.isMinimal ? (stage.norm, part) : nil
      try stage.perturb(part, PartOracle(oracle, of: standing, within: filter))
    }
  }
}

extension Attack {
  /// Whether it can be an item of a list, which has one seed and one order of draws for all of them.
  fileprivate var isSingle: Bool {
    !(self is AutoAttack) && seed == nil && !randomNumbers(seed: 0).sharesDraws && stages(classes: 10).count == 1
  }
}
