import Base
import Datasets
import Networks
import Tensors

/// How long and how fast to train: all that a run needs to know besides model, data, method and attack.
public struct TrainingPlan: Sendable {
  /// Passes over the training set, from 1 to 1000000.
  public var epochs: Int
  /// Examples of one step, at least 1.
  public var batchSize: Int
  /// The highest learning rate; `schedule` says how it changes.
  public var learningRate: Double
  /// What moves the weights.
  public var optimiser: any OptimiserSettings
  /// How the learning rate changes from step to step.
  public var schedule: any LearningRateSchedule
  /// The random changes of the training images, one after another.
  public var augmentations: AugmentationList
  /// The key of everything drawn at random: order, starts, dropout, augmentation.
  public var seed: UInt64

  /// A plan; nothing is checked before a run begins.
  public init(
    epochs: Int = 10, batchSize: Int = 128, learningRate: Double = 0.01, optimiser: any OptimiserSettings = SGD(),
    schedule: any LearningRateSchedule = ConstantSchedule(), augmentations: [any Augmentation] = [], seed: UInt64 = 0
  ) {
    self.epochs = epochs
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.optimiser = optimiser
    self.schedule = schedule
    self.augmentations = AugmentationList(augmentations)
    self.seed = seed
  }

  func validate() throws(CoreError) {
    try SettingRule.int(1...1_000_000, hint: "epochs=10").check(.int(epochs), name: "epochs", of: "fit")
    try requireBatch(batchSize, hint: "batch=128")
    try requireLearningRate(learningRate, of: "fit")
    try optimiser.validate()
    try schedule.validate()
    try optimiser.validate(with: schedule)
    try augmentations.validate()
  }
}
