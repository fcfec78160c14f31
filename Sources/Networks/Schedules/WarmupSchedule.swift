import Base

/// Another schedule whose rate rises along a line during the first epochs (Goyal et al. 2017); `fit(warmup=…)` makes it
/// of the schedule of the run.
public struct WarmupSchedule: LearningRateSchedule {
  public static let name = "warmup_schedule"
  public static let page = Page(
    "Another schedule, whose learning rate rises along a line during the first epochs.",
    details: """
      Step k of the first n steps, those of `epochs` epochs, has k/n of the schedule's own rate, so that \
      the last of them is the first at the whole rate. The schedule within keeps its own time: its epochs are those of the \
      run, warm-up included. Goyal et al. 2017.
      """,
    examples: [], seeAlso: ["fit"])
  public static let settings: [Setting<WarmupSchedule>] = [
    .wrapped(
      "schedule", type: "schedule", \.schedule, hint: "warmup_schedule(cosine_schedule())",
      note: "the one whose rate rises."),
    Setting(
      "epochs", \.epochs, .int(1...1_000_000, hint: "epochs=5"), note: "during which it rises.", isAlwaysShown: true),
  ]
  /// It needs another schedule, so that no word stands for it.
  public static let presets: [(name: String, schedule: WarmupSchedule)] = []

  /// The schedule whose rate rises; it must be given.
  public var schedule: (any LearningRateSchedule)?
  /// During how many epochs it rises, at least 1.
  public var epochs = 5

  public init() {}

  /// A schedule that rises to another.
  ///
  /// - Parameter epochs: during which it rises, at least 1.
  public init(_ schedule: any LearningRateSchedule, epochs: Int) {
    self.schedule = schedule
    self.epochs = epochs
  }

  /// Checks the schedule within.
  public func validateTogether() throws(CoreError) { try schedule?.validate() }

  /// A share of the rate of the schedule within that rises from step to step.
  public func learningRate(_ rate: Double, at position: TrainingPosition) -> Double {
    let steps = Double(epochs) * Double(position.stepsPerEpoch)
    let share = steps > 0 ? min((Double(position.iteration) + 1) / steps, 1) : 1
    return (schedule?.learningRate(rate, at: position) ?? rate) * share
  }

  /// That of the schedule within.
  public func momentum(at position: TrainingPosition) -> Double? { schedule?.momentum(at: position) }
}
