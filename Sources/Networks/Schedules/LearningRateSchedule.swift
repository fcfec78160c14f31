import Base

/// Where training stands when a learning rate is asked for.
public struct TrainingPosition: Sendable, Equatable {
  /// The epoch, from 0.
  public var epoch: Int
  /// The step within the epoch, from 0.
  public var step: Int
  /// The steps in each epoch.
  public var stepsPerEpoch: Int
  /// The epochs of the whole run.
  public var epochs: Int

  /// A position; nothing is checked, and no value makes the numbers below trap.
  ///
  /// - Parameters:
  ///   - epoch: from 0.
  ///   - step: within the epoch, from 0.
  public init(epoch: Int, step: Int, stepsPerEpoch: Int, epochs: Int) {
    self.epoch = epoch
    self.step = step
    self.stepsPerEpoch = stepsPerEpoch
    self.epochs = epochs
  }

  /// The epochs that are done once this step is: epoch + (step + 1) / steps per epoch.
  public var time: Double { Double(epoch) + (Double(step) + 1) / Double(max(stepsPerEpoch, 1)) }
  /// The steps before this one.
  public var iteration: Int { epoch &* stepsPerEpoch &+ step }
  /// The steps of the whole run.
  public var iterations: Int { epochs &* stepsPerEpoch }
}

/// How the learning rate of a run changes, step by step: a value such as `cosine_schedule()`.
///
/// To add a schedule, write a type that conforms to this protocol and put it into `Schedules.all`: the built-in that
/// makes it, its page and the word by which `fit` takes it at its defaults follow.
public protocol LearningRateSchedule: Configurable, Sendable {
  /// The words by which `fit` takes it, each with what it stands for; by default the name without "_schedule", for the
  /// schedule at its defaults.
  static var presets: [(name: String, schedule: Self)] { get }
  /// The learning rate that the step at `position` uses.
  ///
  /// - Parameter rate: the highest one.
  func learningRate(_ rate: Double, at position: TrainingPosition) -> Double
  /// The momentum that the step at `position` uses instead of the optimiser's; nil where the schedule leaves it alone.
  func momentum(at position: TrainingPosition) -> Double?
}

extension LearningRateSchedule {
  /// The one word for the schedule at its defaults.
  public static var presets: [(name: String, schedule: Self)] {
    [(String(name.dropLast(name.hasSuffix("_schedule") ? "_schedule".count : 0)), Self())]
  }
  /// The optimiser's own momentum stays.
  public func momentum(at position: TrainingPosition) -> Double? { nil }
}

/// The piecewise linear function through `points` (by ascending x), constant outside.
func interpolate(_ x: Double, _ points: [(x: Double, y: Double)]) -> Double {
  guard var left = points.first else { return 0 }
  if x <= left.x { return left.y }
  for right in points.dropFirst() {
    if x <= right.x {
      return right.x > left.x ? left.y + (right.y - left.y) * (x - left.x) / (right.x - left.x) : right.y
    }
    left = right
  }
  return left.y
}
