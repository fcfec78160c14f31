import Base
import Platform

/// The rate is multiplied by a factor from each of some epochs on, as in TRADES.
public struct StepSchedule: LearningRateSchedule {
  public static let name = "step_schedule"
  public static let page = Page(
    "A learning rate that is multiplied by a factor from each of some epochs on.",
    details: "schedule=\"trades\" is the schedule at its defaults, schedule=\"trades_awp\" has epochs=[100, 150].",
    examples: [("step_schedule(epochs=[4, 6])", "step_schedule(epochs=[4, 6])")],
    seeAlso: ["fit", "piecewise_schedule"],
    search: ["scheduler", "MultiStepLR", "StepLR", "milestones", "gamma", "decay", "learning rate"])
  public static let settings: [Setting<StepSchedule>] = [
    Setting(
      "epochs", \.epochs, .ints(1...1_000_000, hint: "epochs=[75, 90, 100]"),
      note: "each the first at a new rate, counted from 1."),
    Setting("factor", \.factor, .positive(hint: "factor=0.1"), note: "what it is multiplied by each time."),
  ]
  public static let presets = [
    (name: "trades", schedule: StepSchedule()), (name: "trades_awp", schedule: StepSchedule(epochs: [100, 150])),
  ]

  /// The epochs from which on the rate is multiplied, counted from 1.
  public var epochs: [Int]
  /// What the rate is multiplied by from each of the epochs on.
  public var factor: Double

  public init() { self.init(epochs: [75, 90, 100]) }

  /// A schedule that changes at these epochs.
  ///
  /// - Parameters:
  ///   - epochs: counted from 1.
  ///   - factor: what the rate is multiplied by from each of them on.
  public init(epochs: [Int], factor: Double = 0.1) {
    self.epochs = epochs
    self.factor = factor
  }

  /// The rate times a power of the factor: one for each of the epochs that has begun.
  public func learningRate(_ rate: Double, at position: TrainingPosition) -> Double {
    rate * pow(factor, Double(epochs.count { position.epoch + 1 >= $0 }))
  }
}
