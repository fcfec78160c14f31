import Base
import Datasets
import Networks

/// The settings of an evaluation.
public struct EvaluationPlan {
  /// The attacks; each is run by itself, and none measures the natural accuracy alone.
  public var attacks: [any Attack]
  /// The radii, in units of the [0, 1] image, for attacks that have none of their own: each of these attacks is run at
  /// every one of them, but for those that look for the nearest image, which find the same at all. Empty stands for the
  /// usual one of each attack's norm (`Norm.usualRadius`).
  public var radii: [Double] = []
  /// Examples at a time; no result depends on it.
  public var batch = 250
  /// Key of random starts; nil stands for 0.
  public var seed: UInt64?
  /// How many answers of a model that answers at random judge an image; nil stands for `RandomAnswers.usualForwards`. Of
  /// other models there is one, and a number is refused.
  public var forwards: Int?
  /// How many seconds it may take: what is settled by then is the result. Nil sets no end.
  public var seconds: Double?
  /// Whether a user who stops it gets what is settled, as after `seconds`, once the natural accuracy is known; else that is
  /// an error.
  public var returnsWhenInterrupted = false
  /// Whether adversarial images are handed to the record, the first that breaks an example in each round.
  public var keepsImages = false
  /// Whether the fingerprints of model and data are taken where there is no record; that of images that are read from
  /// files when needed is not.
  public var isIdentified = false
  /// What to type for the same evaluation, for its report.
  public var command: String?

  /// The usual settings.
  public init(_ attacks: [any Attack] = []) { self.attacks = attacks }

  /// Whether the same evaluation can be told again on another day (`RunDescription.canBeContinued`).
  public var canBeContinued: Bool { attacks.allSatisfy { $0.references.allSatisfy(\.isLasting) } }

  /// Checks all that can be checked without data.
  ///
  /// - Throws: `value` for a setting out of range, and for a radius or a seed that no attack would use.
  func validate(for model: Model) throws(CoreError) {
    try requireBatch(batch, hint: "batch=250")
    for attack in attacks { try attack.validate() }
    if let seconds, !(seconds > 0) {
      throw CoreError(
        .value, "max_time must be above 0 seconds, not \(seconds.shortest)", hint: "for instance max_time=60",
        argument: "max_time")
    }
    try RandomAnswers.require(forwards: forwards, of: model)
    try requireUseOfSeed(isRandom: model.isRandom)
    try requireUseOfRadii(classes: model.classes)
  }

  private func requireUseOfSeed(isRandom: Bool) throws(CoreError) {
    guard let seed else { return }
    for attack in attacks {
      if let own = attack.seed, own != seed {
        throw CoreError(
          .value,
          "\(attack) has a seed of its own: seed=\(Int64(bitPattern: seed)) would not be used",
          hint: "leave seed out, here or there", argument: "seed")
      }
    }
    guard isRandom || attacks.contains(where: \.isRandom) else {
      throw CoreError(
        .value, "nothing is drawn at random here: seed=\(Int64(bitPattern: seed)) would not be used",
        hint: "leave seed out; pgd() has random starts, fgsm() has none", argument: "seed")
    }
  }

  /// A radius that no attack uses is a mistake.
  private func requireUseOfRadii(classes: Int) throws(CoreError) {
    for eps in radii {
      for attack in attacks { try attack.norm.require(radius: attack.eps ?? eps) }
      let own = attacks.flatMap { attack in attack.stages(classes: classes).map { $0.eps ?? attack.eps } }
      guard own.contains(where: { ($0 ?? eps) == eps }) else {
        throw CoreError(
          .value,
          attacks.isEmpty
            ? "no attack would use eps=\(eps.asRadius)"
            : "every attack has a radius of its own: eps=\(eps.asRadius) would not be used",
          hint: attacks.isEmpty
            ? "give attacks=[pgd()], or leave eps out" : "leave eps out, or write pgd() without one",
          argument: "eps")
      }
    }
    if let twice = radii.indices.first(where: { radii[..<$0].contains(radii[$0]) }) {
      throw CoreError(
        .value, "eps holds \(radii[twice].asRadius) twice", hint: "give each radius once", argument: "eps")
    }
  }

  /// How the answers of the model are drawn and judged; nil where it answers alike each time.
  func answers(of model: Model) -> RandomAnswers? {
    model.isRandom ? RandomAnswers(forwards: forwards ?? RandomAnswers.usualForwards, seed: seed ?? 0) : nil
  }

  /// Whether all attacks are made for models that answer at random.
  var expectsRandom: Bool {
    attacks.allSatisfy {
      $0 is EOT || ($0 as? AutoAttack)?.version == .rand || ($0 as? APGD).map { $0.eot > 1 } == true
    }
  }

  /// The attacks one by one in the order in which they are run: at every radius, stage by stage.
  ///
  /// - Parameter classes: how many classes the model knows.
  func rounds(classes: Int) -> [EvaluationRound] {
    var rounds: [EvaluationRound] = []
    for attack in attacks {
      let stages = attack.stages(classes: classes)
      let hasOwnRadius = stages.allSatisfy { ($0.eps ?? attack.eps) != nil }
      // Attacks that look for the nearest image find the same at every radius.
      let isOnce = radii.count < 2 || hasOwnRadius || stages.allSatisfy(\.isMinimal)
      for radius in isOnce ? [radii.max()] : radii.map(Optional.some) {
        for (number, stage) in stages.enumerated() {
          // A stage of its own kind is the attack as it is run on this model, such as with fewer target classes.
          let name =
            stages.count > 1
            ? "\(type(of: attack).name): \(stage)"
            : type(of: stage) == type(of: attack) ? stage.description : attack.description
          let place = isOnce ? "" : " at \(radius?.asRadius ?? "")"
          let seed = attack.seed ?? seed ?? 0
          rounds.append(
            EvaluationRound(
              origin: attack, attack: stage,
              description: RunDescription.Round(
                attack: name + place, settings: attack.json.line + (stages.count > 1 ? " stage \(number + 1)" : ""),
                norm: stage.norm, eps: stage.eps ?? attack.eps ?? radius ?? stage.norm.usualRadius,
                seed: stage.isRandom ? seed : nil,
                continues: number > 0, isMinimal: stage.isMinimal,
                dependsOnBatches: attack.randomNumbers(seed: seed).sharesDraws)))
        }
      }
    }
    rounds.nameApart()
    return rounds
  }
}

extension EvaluationPlan {
  /// What a ledger would say of this evaluation before it is begun.
  ///
  /// - Throws: what `validate` throws; what reading the images throws.
  public func description(of model: Model, on data: Dataset) throws -> RunDescription {
    try validate(for: model)
    try requireFitting(data, model)
    return try description(of: model, on: data, rounds(classes: model.classes), isRecorded: true)
  }

  func description(
    of model: Model, on data: Dataset, _ rounds: [EvaluationRound], isRecorded: Bool
  ) throws -> RunDescription {
    let isIdentified = isIdentified || isRecorded
    return RunDescription(
      model: model.name, modelFingerprint: isIdentified ? model.fingerprint : nil,
      modelFile: model.source?.path, data: data.name,
      dataFingerprint: isRecorded || isIdentified && !data.isStreamed ? try data.fingerprint : nil,
      classNames: data.classNames, n: data.count, rounds: rounds.map(\.description), batch: batch,
      keepsImages: keepsImages, answers: answers(of: model), command: command, canBeContinued: canBeContinued,
      build: isIdentified ? Build.digest : nil)
  }
}

/// One attack at one radius; of an attack that consists of several, one of its stages.
struct EvaluationRound {
  /// The attack as it was given.
  var origin: any Attack
  /// What is run: the attack itself, or one of its stages.
  var attack: any Attack
  /// What a record says of it.
  var description: RunDescription.Round
}

extension [EvaluationRound] {
  /// Numbers the rounds whose name has occurred before.
  fileprivate mutating func nameApart() {
    var names: Set<String> = []
    for i in indices {
      let name = self[i].description.attack
      var number = 2
      while !names.insert(self[i].description.attack).inserted {
        self[i].description.attack = "\(name) #\(number)"
        number += 1
      }
    }
  }
}
