import Base
import Platform

// Schedules by time: the rate depends on the epochs that are done, which need not be whole.

/// A schedule whose rate depends on the share of the epochs that is done once the step is.
package protocol TimeSchedule: LearningRateSchedule {
  /// The learning rate at a time.
  ///
  /// - Parameters:
  ///   - rate: the highest one.
  ///   - t: epochs done, from 0 to `epochs`.
  ///   - epochs: of the whole run, at least 1.
  func learningRate(_ rate: Double, time t: Double, epochs: Int) -> Double
}

extension TimeSchedule {
  /// The rate at the time when the step is done.
  public func learningRate(_ rate: Double, at position: TrainingPosition) -> Double {
    learningRate(rate, time: position.time, epochs: max(position.epochs, 1))
  }
}

/// The same rate in every step.
public struct ConstantSchedule: TimeSchedule {
  public static let name = "constant_schedule"
  public static let page = Page(
    "A learning rate that stays as it is.", examples: [("constant_schedule()", "constant_schedule()")],
    seeAlso: ["fit", "cosine_schedule"], search: ["scheduler", "learning rate", "ConstantLR"])
  public static let settings: [Setting<ConstantSchedule>] = []

  public init() {}

  /// The same rate at every time.
  package func learningRate(_ rate: Double, time t: Double, epochs: Int) -> Double { rate }
}

/// A tenth from half of the epochs on, a hundredth from three quarters on (Rice et al. 2020, AWP: by time).
public struct PiecewiseSchedule: TimeSchedule {
  public static let name = "piecewise_schedule"
  public static let page = Page(
    "A learning rate that falls to a tenth at half of the epochs, and to a hundredth at three quarters.",
    details: """
      By time, as in Rice et al. 2020 and AWP: the time of a step is the epochs done once it is, so that of 200 epochs the \
      last step of epoch 100, counted from 1, is the first at a tenth, and epoch 101 the first whole one.
      """, examples: [("piecewise_schedule()", "piecewise_schedule()")],
    seeAlso: ["fit", "step_schedule", "multistep_schedule"], search: ["scheduler", "learning rate", "rice", "awp"])
  public static let settings: [Setting<PiecewiseSchedule>] = []

  public init() {}

  /// The rate, a tenth or a hundredth of it, by the share of the epochs that is done.
  package func learningRate(_ rate: Double, time t: Double, epochs: Int) -> Double {
    let total = Double(epochs)
    return t / total < 0.5 ? rate : t / total < 0.75 ? rate / 10 : rate / 100
  }
}

/// Half a cosine from the rate down to 0: rate/2 · (1 + cos(π t/E)) after t of E epochs.
public struct CosineSchedule: TimeSchedule {
  public static let name = "cosine_schedule"
  public static let page = Page(
    "A learning rate that falls to 0 as half a cosine: rate/2 · (1 + cos(π t/E)).",
    examples: [("cosine_schedule()", "cosine_schedule()")], seeAlso: ["fit", "one_cycle_schedule"],
    search: ["scheduler", "learning rate", "CosineAnnealingLR", "annealing"])
  public static let settings: [Setting<CosineSchedule>] = []

  public init() {}

  /// The rate on the half cosine.
  package func learningRate(_ rate: Double, time t: Double, epochs: Int) -> Double {
    rate / 2 * (1 + cos(Double.pi * t / Double(epochs)))
  }
}

/// Linear from 0 up to the rate at a share of the epochs, and down to 0 at their end.
public struct CyclicSchedule: TimeSchedule {
  public static let name = "cyclic_schedule"
  public static let page = Page(
    "A learning rate that rises from 0 along a line, and falls to 0 along another.",
    examples: [("cyclic_schedule(peak=0.25)", "cyclic_schedule(peak=0.25)")],
    seeAlso: ["fit", "triangle_schedule", "fast_mnist_schedule"],
    search: ["scheduler", "learning rate", "CyclicLR", "warmup", "superconvergence"])
  public static let settings: [Setting<CyclicSchedule>] = [
    Setting("peak", \.peak, .share(hint: "peak=0.4"), note: "share of the epochs at which it is highest.")
  ]

  /// The share of the epochs at which the rate is highest.
  public var peak = 0.4

  public init() {}

  /// The rate on the line up or down.
  package func learningRate(_ rate: Double, time t: Double, epochs: Int) -> Double {
    let total = Double(epochs)
    return interpolate(t, [(0, 0), (peak * total, rate), (total, 0)])
  }
}

/// Constant for a third, linear to a tenth at two thirds, and to a hundredth at the end (thirds in whole epochs).
public struct LinearSchedule: TimeSchedule {
  public static let name = "linear_schedule"
  public static let page = Page(
    "A learning rate that is constant for a third of the epochs, then falls along lines to a tenth and to a hundredth.",
    examples: [("linear_schedule()", "linear_schedule()")], seeAlso: ["fit", "piecewise_schedule"],
    search: ["scheduler", "learning rate", "LinearLR", "decay"])
  public static let settings: [Setting<LinearSchedule>] = []

  public init() {}

  /// The rate on the line through the three thirds.
  package func learningRate(_ rate: Double, time t: Double, epochs: Int) -> Double {
    interpolate(
      t,
      [
        (0, rate), (Double(epochs / 3), rate), (Double(epochs * 2 / 3), rate / 10), (Double(epochs), rate / 100),
      ])
  }
}

/// The same as `CyclicSchedule` with the peak at the whole epoch E·2/5 (fast_adversarial, MNIST).
public struct FastMNISTSchedule: TimeSchedule {
  public static let name = "fast_mnist_schedule"
  public static let page = Page(
    "The learning rate of fast_adversarial for MNIST: up to the whole epoch E·2/5, and down to 0 (Wong et al. 2020).",
    examples: [("fast_mnist_schedule()", "fast_mnist_schedule()")], seeAlso: ["fit", "cyclic_schedule"],
    search: ["scheduler", "learning rate", "wong", "fast adversarial"])
  public static let settings: [Setting<FastMNISTSchedule>] = []

  public init() {}

  /// The rate on the line up or down.
  package func learningRate(_ rate: Double, time t: Double, epochs: Int) -> Double {
    interpolate(t, [(0, 0), (Double(epochs * 2 / 5), rate), (Double(epochs), 0)])
  }
}
