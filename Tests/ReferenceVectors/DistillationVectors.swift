import Base
import Datasets
import Networks
import Robustness
import Tensors
import Testing

extension ReferenceVectors {
  /// Methods of which the vectors have none, with teachers and without: three steps on the networks and the first batch of
  /// `steps.json`, from the images themselves, against PyTorch in float64 (`Tests/Agreement/distillation.py`).
  @Suite(.enabled(if: VectorFiles.exist)) struct Distillation {
    /// The loss of each step, and the length of the weights and running statistics after the third, all together.
    static let expected: [String: (losses: [Double], length: Double)] = [
      "n_fgsm": ([2.2286248, 2.1762177, 2.0929752], 8.218241),
      "sat": ([2.1332358, 2.0614716, 1.9643012], 8.220461),
      "adr": ([2.2529678, 2.2460863, 2.2317498], 8.130152),
      "ikl": ([10.2069754, 10.5285284, 10.2726807], 8.178656),
      // Three replays of the batch, of which the last is reported.
      "free_at": ([2.1249617], 8.094802),
      "iad": ([0.1496689, 0.1461346, 0.1313942], 8.326992),
      "iad with two": ([0.8162349, 0.8046783, 0.7923489], 8.329344),
      "mtard": ([0.0199643, 0.0198932, 0.0197650], 8.211842),
      "mtard with temperatures": ([0.0199643, 0.0166704, 0.0144830], 8.212092),
      "saad": ([0.4845338, 0.3465168, 0.2469719], 8.293044),
      "igdm": ([0.3165453, 0.2910426, 0.3991859], 8.379547),
      "lbgat": ([3.5513754, 3.0726852, 2.5075724], 8.199450),
    ]

    @Test(arguments: expected.keys.sorted())
    func threeSteps(_ name: String) throws {
      let steps = try Steps()
      let (robust, natural) = (try steps.model("teacher_rob"), try steps.model("teacher_std"))
      var attack = PGD(eps: 8.0 / 255, stepSize: 2.0 / 255, steps: 3, start: .image)
      let method: any TrainingMethod
      switch name {
      case "n_fgsm": method = NFGSM(k: 0)
      case "free_at": method = FreeAT(replays: 3)
      case "adr": method = ADR()
      // The divergence has no slope at the image.
      case "sat":
        attack.loss = .crossEntropy
        method = SAT(beta: 6, start: 1)
      case "ikl":
        attack.loss = .crossEntropy
        method = IKL()
      case "iad": method = IAD(teacher: robust, temperature: 2, begin: 1)
      case "iad with two": method = IAD(teacher: robust, natural: natural, temperature: 2, begin: 1)
      case "mtard", "mtard with temperatures":
        var mtard = MTARD(natural: natural, robust: robust, temperature: 2)
        mtard.rate = 0.3
        mtard.temperatureRate = name == "mtard" ? 0 : 0.4
        method = mtard
      case "saad": method = SAAD(teacher: robust, beta: 0.5)
      case "igdm": method = IGDM(RSLAD(teacher: robust), alpha: 20)
      default:
        // Its own objective has no slope at the image.
        attack.loss = .crossEntropy
        method = LBGAT(teacher: natural, beta: 6)
      }
      let (x, y) = (try steps.tensors.tensor("x1"), try steps.tensors.tensor("y1").ints())
      let student = try steps.model("student0")
      let report = try fit(
        student, on: Dataset(images: x, labels: y), method: method,
        attack: method.searchesItself ? nil : attack,
        plan: TrainingPlan(
          epochs: name == "free_at" ? 1 : 3, batchSize: y.count, learningRate: 0.1,
          optimiser: SGD(momentum: 0.9, weightDecay: 5e-4)))
      let expected = try #require(Self.expected[name])
      for (epoch, loss) in zip(report.epochs, expected.losses) {
        // Of float32 beside float64, after steps that have parted the weights.
        #expect(abs(epoch.loss - loss) <= 2e-5 * max(loss, 0.1), "epoch \(epoch.epoch)")
      }
      let values = student.state.filter { $0.tensor.dtype == .float32 }.flatMap { $0.tensor.floats() }
      let length = values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(abs(length - expected.length) <= 2e-5)
    }
  }
}
