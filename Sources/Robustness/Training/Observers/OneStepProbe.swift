import Base
import Datasets
import Networks
import Tensors

/// A look at how much an attack of one step, or of few, still says of a model that is trained with it.
///
/// Where training overfits catastrophically, the loss bends within the ball: a single step ends where it is low again,
/// while several steps find what breaks the model (Wong et al. 2020; Andriushchenko and Flammarion 2020). The accuracies of
/// training tell nothing of that, nor does a validation under the same attack. So a few images are attacked both ways
/// after each epoch, always the same ones: those of the validation where there is one, else of the training data. The model
/// runs in evaluation mode and nothing of it changes.
struct OneStepProbe {
  private let data: Dataset
  private let weak: any Attack
  private let strong: any Attack
  private let seed: UInt64

  /// How many images are looked at, at most; and from how many steps on an attack needs no second look.
  private static let most = 128
  private static let enoughSteps = 4
  /// The steps of the stronger attack.
  static let steps = 10

  /// The shares of the images that the model gets right under the two attacks, and how many images there are.
  struct Result {
    var weak, strong: Double
    var n: Int

    /// Whether the weak attack has lost touch, and not by chance: half of the images resist it, of which the strong one
    /// leaves less than a quarter; or the strong one leaves less than half of what it left before, and of what the weak
    /// one leaves. A model that has not learned yet resists none of them, which is no alarm.
    ///
    /// - Parameters:
    ///   - best: the greatest share that resisted the strong attack so far.
    ///   - chance: what a model that knows nothing may reach, which says the same to all images.
    func isCatastrophic(after best: Double, chance: Double) -> Bool {
      let noise = 3 * (weak * (1 - weak) / Double(max(n, 1))).squareRoot()
      guard weak - strong > max(0.15, noise) else { return false }
      return weak >= 0.5 && strong < weak / 4
        || strong < weak / 2 && strong < best / 2 && best - strong > 0.1 && best > chance
    }
  }

  /// A look at a run; nil where its attack has steps enough, or where that is not known.
  ///
  /// - Parameters:
  ///   - attack: the attack of `fit`; nil for none.
  ///   - data: the validation, or the training data.
  init?(_ method: any TrainingMethod, _ attack: (any Ascent)?, on data: Dataset, seed: UInt64) {
    if method.searchesItself {
      // The usual radius is that of the method, or of the attack of `fit`, as in `TrainingStep.radius`.
      let eps = method.ownRadius ?? (attack?.norm == .linf ? attack?.eps : nil) ?? Norm.linf.usualRadius
      weak = PGD(eps: eps, stepSize: 1.25 * eps, steps: 1)
      strong = PGD(eps: eps, steps: Self.steps)
    } else {
      guard let attack, method.inner != nil, let steps = attack.knownSteps, steps < Self.enoughSteps else { return nil }
      weak = attack
      strong = PGD(eps: attack.radius(nil), steps: Self.steps, norm: attack.norm)
    }
    // Few images of a small data set, so that looking at them costs little beside training on the others.
    let n = min(Self.most, max(16, data.count / 10), data.count)
    guard n > 0, let some = try? data.subset((0..<n).map { $0 * data.count / n }) else { return nil }
    (self.data, self.seed) = (some, seed)
  }

  /// Attacks the images both ways.
  func measured(_ model: Model) throws -> Result {
    func share(_ attack: any Attack) throws -> Double {
      try evaluate(
        model, on: data, attacks: [attack], seed: attack.isRandom ? seed : nil, forwards: model.isRandom ? 1 : nil
      ).worstCase.value
    }
    return Result(weak: try share(weak), strong: try share(strong), n: data.count)
  }
}

extension TrainingMethod {
  /// The radius that the method, or the one within it, has of its own.
  fileprivate var ownRadius: Double? {
    if case .radius(let eps)? = self[setting: "eps"] { return eps }
    if let awp = self as? AWP { return awp.method?.ownRadius }
    return nil
  }
}

extension Attack {
  /// The gradient steps of one start, where that is known.
  fileprivate var knownSteps: Int? {
    if self is FGSM || self is FGM || self is RFGSM { return 1 }
    if case .int(let steps)? = self[setting: "steps"] { return steps }
    return nil
  }
}
