import Base
import Platform

// Schedules by iteration: the rate depends on the steps before this one, as in schedulers that are stepped with every
// batch.

/// Linear from 0 up to the rate in the middle of the run and down to 0 (fast_adversarial's cyclic, CIFAR).
public struct TriangleSchedule: LearningRateSchedule {
  public static let name = "triangle_schedule"
  public static let page = Page(
    "A learning rate that rises to the middle of the run and falls again, step by step.",
    details: "As fast_adversarial's cyclic one for CIFAR (Wong et al. 2020).",
    examples: [("triangle_schedule()", "triangle_schedule()")], seeAlso: ["fit", "cyclic_schedule"],
    search: ["scheduler", "learning rate", "CyclicLR", "wong", "fast adversarial"])
  public static let settings: [Setting<TriangleSchedule>] = []

  public init() {}

  /// The rate by how far the step is from the middle of the run.
  public func learningRate(_ rate: Double, at position: TrainingPosition) -> Double {
    let half = Double(position.iterations) / 2
    return half > 0 ? rate * max(0, 1 - abs(Double(position.iteration) / half - 1)) : rate
  }
}

/// A tenth from half of all steps on, a hundredth from three quarters on (fast_adversarial's multistep).
public struct MultistepSchedule: LearningRateSchedule {
  public static let name = "multistep_schedule"
  public static let page = Page(
    "A learning rate that falls to a tenth at half of the steps, and to a hundredth at three quarters.",
    details: """
      By the steps before this one, as in fast_adversarial (Wong et al. 2020): of 200 epochs epoch 101, counted from 1, is the \
      first at a tenth. piecewise_schedule goes by time.
      """,
    examples: [("multistep_schedule()", "multistep_schedule()")], seeAlso: ["fit", "piecewise_schedule"],
    search: ["scheduler", "learning rate", "MultiStepLR", "wong", "fast adversarial"])
  public static let settings: [Setting<MultistepSchedule>] = []

  public init() {}

  /// The rate, a tenth or a hundredth of it, by the share of the steps before this one.
  public func learningRate(_ rate: Double, at position: TrainingPosition) -> Double {
    let (k, all) = (position.iteration, position.iterations)
    return k < all / 2 ? rate : k < all * 3 / 4 ? rate / 10 : rate / 100
  }
}

/// PyTorch's OneCycleLR with cosine annealing: from rate/25 up over a share of the steps, then down to rate/25/10^4.
/// Momentum falls from 0.95 to 0.85 and rises again.
public struct OneCycleSchedule: LearningRateSchedule {
  public static let name = "one_cycle_schedule"
  public static let page = Page(
    "A learning rate that rises from a 25th and falls to nearly nothing, while the momentum falls and rises.",
    details: """
      PyTorch's OneCycleLR with cosine annealing: from lr/25 up to lr, then down to lr/25/10⁴. The momentum falls from 0.95 \
      to 0.85 and rises again; the optimiser's own is not used.
      """,
    examples: [("one_cycle_schedule(peak=0.3)", "one_cycle_schedule(peak=0.3)")], seeAlso: ["fit", "cosine_schedule"],
    search: ["scheduler", "learning rate", "OneCycleLR", "superconvergence", "warmup"])
  public static let settings: [Setting<OneCycleSchedule>] = [
    Setting("peak", \.peak, .share(hint: "peak=0.25"), note: "share of the steps after which it is highest.")
  ]

  /// The share of the steps after which the rate is highest.
  public var peak = 0.25

  public init() {}

  /// The rate on the half cosine up or down.
  public func learningRate(_ rate: Double, at position: TrainingPosition) -> Double {
    anneal(position, start: rate / 25, peak: rate, end: rate / 25 / 1e4)
  }

  /// The momentum on the half cosine down or up.
  public func momentum(at position: TrainingPosition) -> Double? {
    anneal(position, start: 0.95, peak: 0.85, end: 0.95)
  }

  private func anneal(_ position: TrainingPosition, start: Double, peak: Double, end: Double) -> Double {
    let (k, iterations) = (Double(position.iteration), Double(position.iterations))
    let (top, last) = (self.peak * iterations - 1, iterations - 1)
    func between(_ from: Double, _ to: Double, _ share: Double) -> Double {
      to + (from - to) / 2 * (1 + cos(Double.pi * min(max(share, 0), 1)))
    }
    if k <= top { return between(start, peak, top > 0 ? k / top : 1) }
    return between(peak, end, last > top ? (k - top) / (last - top) : 1)
  }
}
