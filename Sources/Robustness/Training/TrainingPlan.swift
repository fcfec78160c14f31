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
  /// The average of the weights that is kept beside them; nil for none.
  public var averaging: WeightAveraging?
  /// After how many epochs the validation measures; after the last one it always does.
  public var validateEvery = 1
  /// By which measure of the validation the best model is kept; nil keeps none.
  public var selection: ModelSelection?
  /// After how many validations without a better one the run ends; nil for never.
  public var patience: Int?
  /// The greatest length of all gradients together (L2); longer ones are scaled down to it. nil leaves them alone.
  public var clip: Double?
  /// In how many equal shards a batch is cut, whose gradients are added up in one fixed tree before the weights move.
  /// Batch norm sees each shard by itself, unless `syncsNorm`. One process takes them one after the other, which needs the
  /// memory of one; several share them, and end in the same bits.
  public var shards = 1
  /// Whether batch norm takes the statistics of the whole batch where that is cut into shards.
  public var syncsNorm = false

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
    try averaging?.validate(epochs: epochs)
    try SettingRule.int(1...1_000_000, hint: "validate_every=1").check(
      .int(validateEvery), name: "validate_every", of: "fit")
    if let patience {
      try SettingRule.int(1...1_000_000, hint: "patience=5").check(.int(patience), name: "patience", of: "fit")
    }
    if let clip { try SettingRule.positive(hint: "clip=1").check(.number(clip), name: "clip", of: "fit") }
    try SettingRule.int(1...1_000_000, hint: "shards=2").check(.int(shards), name: "shards", of: "fit")
    guard batchSize.isMultiple(of: shards) else {
      let fitting = (1...batchSize).filter { batchSize.isMultiple(of: $0) }
      let near = fitting.min { abs($0 - shards) < abs($1 - shards) } ?? 1
      throw CoreError(
        .value, "a batch of \(batchSize) cannot be cut into \(shards) equal shards",
        hint: near > 1 ? "shards=\(near), or another batch" : "a batch that can be cut: batch=128, shards=8",
        argument: "shards")
    }
    guard shards > 1 || !syncsNorm else {
      throw CoreError(
        .value, "a batch that is not cut has the same statistics anyway: sync_norm would not be used",
        hint: "shards=8, or leave sync_norm out", argument: "sync_norm")
    }
  }
}
