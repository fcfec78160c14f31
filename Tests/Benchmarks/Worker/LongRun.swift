import Datasets
import Networks
import Robustness
import Tensors

/// Adversarial training of a tiny network, in which a leak shows.
struct LongRun {
  private let model: Model
  private let data: Dataset

  init() throws {
    let layers: Layer = .sequential([
      .conv2d(Conv2d(4, kernel: Size(3), padding: Padding(1))), .batchNorm(BatchNorm()), .relu,
      .maxPool(Pooling(Size(2))),
      .flatten, .dropout(0.1), .linear(Linear(3)),
    ])
    model = try Model(Architecture(.custom(layers), classes: 3, input: [1, 6, 6]))
    data = try Dataset(images: Tensor(spread(400 * 36), shape: [400, 1, 6, 6]), labels: (0..<400).map { $0 % 3 })
  }

  mutating func train(steps: Int) throws {
    try fit(
      model, on: data, method: PGDAT(), attack: PGD(steps: 1), plan: TrainingPlan(epochs: steps / 100, batchSize: 4))
  }
}
