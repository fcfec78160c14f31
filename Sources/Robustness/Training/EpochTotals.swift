import Base
import Networks
import Tensors

/// Sums over the examples of an epoch, as its batches come.
///
/// They are sums and not running means, so that the report is the mean over examples whatever the sizes of the batches
/// are. They are part of the state of a run: an epoch that was interrupted and continued reports all of its batches.
struct EpochTotals {
  private var n = 0
  private var loss = 0.0
  private var parts: [(name: String, value: Double)] = []
  private var natural = 0
  private var adversarial: Int?

  init() {}

  /// What a batch, or a shard of one, adds.
  struct Part: Equatable {
    var n = 0
    /// The mean loss, and its parts.
    var loss = 0.0
    var parts: [(name: String, value: Double)] = []
    /// How many natural and how many adversarial images are classified correctly.
    var natural = 0
    var adversarial: Int?

    static func == (a: Part, b: Part) -> Bool {
      a.n == b.n && a.loss == b.loss && a.natural == b.natural && a.adversarial == b.adversarial
        && a.parts.elementsEqual(b.parts) { $0 == $1 }
    }
  }

  /// Measures a batch, or a shard of one.
  ///
  /// - Returns: what it adds, and which of its natural and of its adversarial images are classified correctly.
  static func part(
    of step: StepLoss, value: Double, natural: Tensor, labels: [Int], of model: Model
  ) throws(CoreError) -> (part: Part, judged: (natural: [Bool], robust: [Bool]?)) {
    var part = Part(n: labels.count, loss: value)
    part.parts = zip(step.parts, try Tensor.items(step.parts.map(\.value))).map { ($0.name, $1) }
    let isRight = try correct(natural, labels, of: model)
    part.natural = isRight.count { $0 }
    guard let logits = step.adversarialLogits else { return (part, (isRight, nil)) }
    let isRobust = try correct(logits, labels, of: model)
    part.adversarial = isRobust.count { $0 }
    return (part, (isRight, isRobust))
  }

  /// Adds a batch, or a shard of one.
  mutating func add(_ part: Part) {
    let count = Double(part.n)
    n += part.n
    loss += part.loss * count
    if parts.isEmpty { parts = part.parts.map { ($0.name, 0) } }
    for (i, own) in part.parts.enumerated() where i < parts.count { parts[i].value += own.value * count }
    natural += part.natural
    if let right = part.adversarial { adversarial = (adversarial ?? 0) + right }
  }

  var fields: [(name: String, value: Double)] {
    let n = Double(max(self.n, 1))
    var fields = [(name: "loss", value: loss / n)] + parts.map { ($0.name, $0.value / n) }
    fields.append(("natural", Double(natural) / n))
    if let adversarial { fields.append(("robust", Double(adversarial) / n)) }
    return fields
  }

  func report(epoch: Int, learningRate: Double) -> EpochReport {
    let n = Double(max(self.n, 1))
    return EpochReport(
      epoch: epoch, loss: loss / n, parts: parts.map { ($0.name, $0.value / n) },
      naturalAccuracy: Double(natural) / n, robustAccuracy: adversarial.map { Double($0) / n },
      learningRate: learningRate, seconds: 0)
  }
}

extension EpochTotals {
  /// The sums as tensors: numbers by their bits, so that nothing is rounded.
  var state: NamedTensors {
    get throws(CoreError) {
      var numbers = [("n", Int64(n)), ("loss", Int64(bitPattern: loss.bitPattern)), ("natural", Int64(natural))]
      if let adversarial { numbers.append(("adversarial", Int64(adversarial))) }
      numbers += parts.map { ("part.\($0.name)", Int64(bitPattern: $0.value.bitPattern)) }
      var state: NamedTensors = []
      for (name, number) in numbers { state.append((name, try Tensor(ints: [Int(number)], shape: []))) }
      return state
    }
  }

  init(_ state: NamedTensors) throws(CoreError) {
    for (name, tensor) in state {
      guard tensor.count == 1, tensor.dtype == .int64, let number = tensor.ints().first else {
        throw CoreError(.shape, "'\(name)' of a training run must be one whole number")
      }
      let value = Double(bitPattern: UInt64(bitPattern: Int64(number)))
      switch name {
      case "n": n = number
      case "loss": loss = value
      case "natural": natural = number
      case "adversarial": adversarial = number
      case _ where name.hasPrefix("part."): parts.append((String(name.dropFirst(5)), value))
      default: throw CoreError(.value, "'\(name)' is unknown: this is the state of something else")
      }
    }
  }
}
