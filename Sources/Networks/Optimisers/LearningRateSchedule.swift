import Platform

/// Where training stands when a learning rate is asked for.
public struct TrainingPosition: Sendable, Equatable {
  /// Epoch, from 0.
  public var epoch: Int
  /// Step within the epoch, from 0.
  public var step: Int
  public var stepsPerEpoch: Int
  public var epochs: Int

  public init(epoch: Int, step: Int, stepsPerEpoch: Int, epochs: Int) {
    self.epoch = epoch
    self.step = step
    self.stepsPerEpoch = stepsPerEpoch
    self.epochs = epochs
  }

  /// Epochs done once this step is: epoch + (step + 1) / steps per epoch.
  public var time: Double { Double(epoch) + (Double(step) + 1) / Double(max(stepsPerEpoch, 1)) }
  /// Steps before this one.
  public var iteration: Int { epoch &* stepsPerEpoch &+ step }
  public var iterations: Int { epochs &* stepsPerEpoch }
}

/// How the learning rate changes; `rate` is the highest one.
public enum LearningRateSchedule: Sendable, Equatable {
  case constant
  /// A tenth from half of the epochs on, a hundredth from three quarters on (Rice et al. 2020, AWP: by time).
  case piecewise
  /// rate/2 · (1 + cos(π t/E)).
  case cosine
  /// Linear from 0 up to the rate at 0.4 E, and down to 0 at E.
  case cyclic
  /// Constant for a third, linear to a tenth at two thirds, and to a hundredth at the end (thirds in whole epochs).
  case linear
  /// Multiplied by `factor` from each of these epochs on, counted from 1 (TRADES: 75, 90, 100; trades_AWP: 100, 150).
  case steps(epochs: [Int], factor: Double)
  /// By iteration: from 0 up to the rate in the middle and down to 0 (fast_adversarial's cyclic, CIFAR).
  case triangle
  /// By iteration: a tenth from half of all on, a hundredth from three quarters on (fast_adversarial's multistep).
  case multistep
  /// By iteration: PyTorch's OneCycleLR with cosine annealing: from rate/25 up over the first quarter, then down to
  /// rate/25/10^4. Momentum falls from 0.95 to 0.85 and rises again.
  case oneCycle
  /// As `cyclic` with the peak at the whole epoch E·2/5 (fast_adversarial, MNIST).
  case fastMNIST

  public static let trades = LearningRateSchedule.steps(epochs: [75, 90, 100], factor: 0.1)
  public static let tradesAWP = LearningRateSchedule.steps(epochs: [100, 150], factor: 0.1)

  /// The schedules that need no parameters, by the name under which they are asked for.
  public static let named: [(name: String, schedule: LearningRateSchedule)] = [
    ("constant", .constant), ("piecewise", .piecewise), ("cosine", .cosine), ("cyclic", .cyclic), ("linear", .linear),
    ("trades", .trades), ("trades_awp", .tradesAWP), ("triangle", .triangle), ("multistep", .multistep),
    ("one_cycle", .oneCycle), ("fast_mnist", .fastMNIST),
  ]

  /// The learning rate that the step at `position` uses.
  public func learningRate(_ rate: Double, at position: TrainingPosition) -> Double {
    switch self {
    case .constant: rate
    case .piecewise, .cosine, .cyclic, .linear, .fastMNIST:
      learningRate(rate, time: position.time, epochs: position.epochs)
    case .steps(let epochs, let factor): rate * pow(factor, Double(epochs.count { position.epoch + 1 >= $0 }))
    case .triangle, .multistep, .oneCycle:
      learningRate(rate, iteration: position.iteration, iterations: position.iterations)
    }
  }

  /// The momentum that the step at `position` uses instead of the optimiser's; nil where the schedule leaves it alone.
  public func momentum(at position: TrainingPosition) -> Double? {
    guard self == .oneCycle else { return nil }
    return Self.oneCycle(
      position.iteration, of: position.iterations, start: 0.95, peak: 0.85, end: 0.95)
  }

  package func learningRate(_ rate: Double, time t: Double, epochs: Int) -> Double {
    let total = Double(max(epochs, 1))
    switch self {
    case .piecewise: return t / total < 0.5 ? rate : t / total < 0.75 ? rate / 10 : rate / 100
    case .cosine: return rate / 2 * (1 + cos(Double.pi * t / total))
    case .cyclic: return interpolate(t, [(0, 0), (0.4 * total, rate), (total, 0)])
    case .linear:
      return interpolate(
        t, [(0, rate), (Double(epochs / 3), rate), (Double(epochs * 2 / 3), rate / 10), (total, rate / 100)])
    case .fastMNIST: return interpolate(t, [(0, 0), (Double(epochs * 2 / 5), rate), (total, 0)])
    default: return rate
    }
  }

  package func learningRate(_ rate: Double, iteration k: Int, iterations: Int) -> Double {
    switch self {
    case .triangle:
      let half = Double(iterations) / 2
      return half > 0 ? rate * max(0, 1 - abs(Double(k) / half - 1)) : rate
    case .multistep: return k < iterations / 2 ? rate : k < iterations * 3 / 4 ? rate / 10 : rate / 100
    case .oneCycle: return Self.oneCycle(k, of: iterations, start: rate / 25, peak: rate, end: rate / 25 / 1e4)
    default: return rate
    }
  }

  private static func oneCycle(_ k: Int, of iterations: Int, start: Double, peak: Double, end: Double) -> Double {
    let last = Double(iterations) - 1
    let top = 0.25 * Double(iterations) - 1
    func anneal(_ from: Double, _ to: Double, _ share: Double) -> Double {
      to + (from - to) / 2 * (1 + cos(Double.pi * min(max(share, 0), 1)))
    }
    if Double(k) <= top { return anneal(start, peak, top > 0 ? Double(k) / top : 1) }
    return anneal(peak, end, last > top ? (Double(k) - top) / (last - top) : 1)
  }
}

/// The piecewise linear function through `points` (by ascending x), constant outside.
private func interpolate(_ x: Double, _ points: [(x: Double, y: Double)]) -> Double {
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
