import Base
import Networks
import Platform
import Tensors

/// One temperature for all images that changes from epoch to epoch: the first epoch has `from`, the last one `to`.
public struct Annealed: SofteningRule {
  /// How the temperature gets from the first to the last.
  public enum Shape: String, SettingChoice, Sendable {
    /// Half a cosine: slowly at both ends.
    case cosine
    /// By the same amount in each epoch.
    case linear
  }

  public static let name = "annealed"
  public static let page = Page(
    "A temperature that changes over the epochs of fit.",
    details: """
      It is the same within an epoch. Epoch e of E, counted from 0, has to + (from - to)·(1 + cos(π·e/(E - 1)))/2, or by \
      shape="linear" from + (to - from)·e/(E - 1): the first epoch has `from`, the last `to`, and a run of one epoch \
      `from`. Outside of fit there is no epoch, and it is refused.
      """,
    examples: [
      ("ltd(mlp(), temperature=annealed(5, 2))", "ltd(mlp, temperature=annealed(from=5, to=2), beta=6)")
    ], seeAlso: ["ltd", "to_entropy", "standardised", "cosine_schedule"],
    search: ["temperature schedule", "annealing", "cosine", "curriculum temperature"])
  public static let settings: [Setting<Annealed>] = [
    Setting(
      "from", \.from, .positive(hint: "from=5"), note: "the temperature of the first epoch.", isAlwaysShown: true),
    Setting("to", \.to, .positive(hint: "to=2"), note: "the temperature of the last epoch.", isAlwaysShown: true),
    .choice("shape", \.shape, note: "\"cosine\" or \"linear\"."),
  ]

  /// The temperature of the first epoch, above 0.
  public var from = 5.0
  /// The temperature of the last epoch, above 0.
  public var to = 1.0
  /// How it gets from one to the other.
  public var shape = Shape.cosine

  public init() {}

  /// A rule between these temperatures.
  public init(from: Double, to: Double, shape: Shape = .cosine) {
    self.from = from
    self.to = to
    self.shape = shape
  }

  /// The temperature of the epoch.
  public func softness(of logits: Tensor, at position: TrainingPosition?) throws(CoreError) -> Softness {
    guard let position else {
      throw CoreError(
        .value, "\(self) depends on the epoch, and there is none here", hint: "temperature=\(from.shortest)",
        argument: "temperature")
    }
    let share = position.epochs > 1 ? Double(position.epoch) / Double(position.epochs - 1) : 0
    switch shape {
    case .cosine: return .one(to + (from - to) * (1 + cos(.pi * share)) / 2)
    case .linear: return .one(from + (to - from) * share)
    }
  }
}
