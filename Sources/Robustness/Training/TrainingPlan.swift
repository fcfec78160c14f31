import Base
import Datasets
import Networks
import Tensors

/// How long and how fast to train.
public struct TrainingPlan: Sendable {
  public var epochs: Int
  public var batchSize: Int
  /// The highest learning rate; `schedule` says how it changes.
  public var learningRate: Double
  public var optimiser: any OptimiserSettings
  public var schedule: any LearningRateSchedule
  /// Of the training images; nil for none.
  public var augmentation: (any Augmentation)?
  /// Key of everything drawn at random: order, starts, dropout, augmentation.
  public var seed: UInt64

  public init(
    epochs: Int = 10, batchSize: Int = 128, learningRate: Double = 0.01, optimiser: any OptimiserSettings = SGD(),
    schedule: any LearningRateSchedule = ConstantSchedule(), augmentation: (any Augmentation)? = nil, seed: UInt64 = 0
  ) {
    self.epochs = epochs
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.optimiser = optimiser
    self.schedule = schedule
    self.augmentation = augmentation
    self.seed = seed
  }

  func validate() throws(CoreError) {
    try SettingRule.int(1...1_000_000, hint: "epochs=10").check(.int(epochs), name: "epochs", of: "fit")
    guard batchSize >= 1 else {
      throw CoreError(.value, "batch must be at least 1, not \(batchSize)", hint: "batch=128", argument: "batch")
    }
    try requireLearningRate(learningRate, of: "fit")
    try optimiser.validate()
    try schedule.validate()
    try optimiser.validate(with: schedule)
    try augmentation?.validate()
  }
}
