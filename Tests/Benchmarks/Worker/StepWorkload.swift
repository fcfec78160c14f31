import Base
import Datasets
import Networks
import Robustness
import Tensors

/// Two whole steps of training as people run them, "step.NETWORK.METHOD": a batch of 128 images is taken from a data set,
/// moved and flipped, attacked in ten steps, and the weights and their exponential average are moved. It is `fit` over two
/// batches, so that what a run does before and after its steps counts, too.
struct StepWorkload: Workload {
  private let model: Model
  private let data: Dataset
  private let method: any TrainingMethod
  private let plan: TrainingPlan

  init(_ words: [String], folder: String) throws {
    guard words.count == 2, let settings = NetworkSettings.all[words[0]] else {
      throw BenchError("no case is called step.\(words.joined(separator: "."))")
    }
    _ = try NetworkWorkload(words[0], settings, batch: 128, folder: folder, dropout: true)
    model = try Model(settings.architecture)
    try model.loadWeights("\(folder)/\(words[0]).safetensors", checksArchitecture: false)
    let shape = [256] + settings.architecture.input
    data = try Dataset(
      images: Tensor(spread(shape.reduce(1, *)), shape: shape),
      labels: (0..<256).map { $0 * 7 % settings.architecture.classes })
    switch words[1] {
    case "pgd_at": method = PGDAT()
    case "trades": method = TRADES(beta: 6)
    case "trades_awp": method = AWP(TRADES(beta: 6), gamma: 0.005)
    case "ltd":
      let teacher = try Model(settings.architecture, seed: 2)
      method = LTD(teacher: teacher, temperature: 5)
    default: throw BenchError("no step is called \(words[1])")
    }
    var plan = TrainingPlan(
      epochs: 1, batchSize: 128, learningRate: 0.001, optimiser: SGD(momentum: 0.9, weightDecay: 5e-4),
      augmentations: [CropFlip()])
    plan.averaging = WeightAveraging(.exponential(decay: 0.995, warmsUp: false))
    self.plan = plan
  }

  func run(_ part: String) throws {
    try fit(model, on: data, method: method, attack: PGD(eps: 8.0 / 255, stepSize: 2.0 / 255, steps: 10), plan: plan)
  }

  func results(_ part: String) throws -> [(name: String, tensor: Tensor)] {
    throw BenchError("steps draw at random: Tests/ReferenceVectors compares them")
  }
}
