import Datasets
import Networks
import Tensors

@testable import Robustness

/// Three classes of noisy 8x8 images: a bright bar at the top, in the middle or at the bottom.
func bars(_ n: Int, seed: UInt64 = 0) throws -> Dataset {
  let stream = RandomStream(seed: seed, purpose: "bars")
  var values: [Float] = []
  let labels = (0..<n).map { $0 % 3 }
  for (i, label) in labels.enumerated() {
    let draws = stream.child(i)
    for pixel in 0..<64 {
      let bright = pixel / 8 / 3 == label
      values.append((bright ? 0.6 : 0.2) + 0.3 * (draws.uniform(at: pixel) - 0.3))
    }
  }
  return try Dataset(images: Tensor(values.map { min(max($0, 0), 1) }, shape: [n, 1, 8, 8]), labels: labels)
}

/// A small network with batch norm and dropout.
func network(seed: UInt64 = 0) throws -> Model {
  try Model(
    Architecture(
      .custom(
        .sequential([
          .conv2d(Conv2d(8, kernel: Size(3), padding: Padding(1))), .batchNorm(BatchNorm()), .relu,
          .maxPool(Pooling(Size(2))), .flatten, .dropout(0.2), .linear(Linear(3)),
        ])), classes: 3, input: [1, 8, 8]), seed: seed)
}

func largest(_ a: Tensor, _ b: Tensor) -> Float {
  zip(a.floats(), b.floats()).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

extension Attack {
  /// What became of images under the attack, all of them in one batch.
  func verdicts(on model: Model, _ input: AttackInput) throws -> [Verdict] {
    try attacked(model, input, keepsImages: false).verdicts
  }
}
