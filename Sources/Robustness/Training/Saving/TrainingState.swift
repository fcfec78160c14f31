import Base
import Datasets
import Networks
import Tensors

/// A training run as it stands between two steps: all that is needed to continue it bit for bit, and what it was begun
/// with. Random numbers are keyed by seed, epoch and step, so that the position is all that has to be kept of them.
public struct TrainingState {
  /// What the run was begun with.
  public var description: TrainingDescription
  /// Weights, optimiser, method, observers, sums and history by name, as `TrainingRun.state` has them.
  public var tensors: NamedTensors
  /// The optimiser steps done.
  public var step: Int
  /// The name of the learning rates that the user has set in the epoch under way.
  static let rates = "rates"
  /// Whether the run has come to its end.
  public var isFinished: Bool
  /// The examples, where the state stays in the process: they are compared when it is continued.
  var examples: (data: Dataset, validation: Dataset?)?
}

/// A line of text as a tensor of whole numbers, eight bytes in each, so that a file of tensors can hold it.
enum TextTensor {
  static func tensor(_ text: String) throws(CoreError) -> Tensor {
    let bytes = Array(text.utf8)
    var words = [bytes.count]
    for start in stride(from: 0, to: bytes.count, by: 8) {
      var word: UInt64 = 0
      for (i, byte) in bytes[start..<min(start + 8, bytes.count)].enumerated() { word |= UInt64(byte) << (8 * i) }
      words.append(Int(Int64(bitPattern: word)))
    }
    return try Tensor(ints: words, shape: [words.count])
  }

  /// - Throws: `value` for a tensor that `tensor` did not make.
  static func text(_ tensor: Tensor) throws(CoreError) -> String {
    let words = tensor.dtype == .int64 ? tensor.ints() : []
    guard let count = words.first, count >= 0, (count + 7) / 8 == words.count - 1 else {
      throw CoreError(.value, "the history of a training run must be text")
    }
    var bytes: [UInt8] = []
    for word in words.dropFirst() { for i in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * i))) } }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}

extension [EpochReport] {
  /// What the epochs measured, as text: numbers by their bits, so that nothing is rounded.
  var text: String {
    func bits(_ value: Double) -> String { String(value.bitPattern, radix: 16) }
    return map { epoch in
      var words = ["epoch=\(epoch.epoch)", "loss=\(bits(epoch.loss))", "natural=\(bits(epoch.naturalAccuracy))"]
      if let robust = epoch.robustAccuracy { words.append("robust=\(bits(robust))") }
      words += epoch.parts.map { "part.\($0.name)=\(bits($0.value))" }
      words += epoch.figures.map { "figure.\($0.name)=\(bits($0.value))" }
      words += epoch.rateChanges.map { "rate.\($0.step)=\(bits($0.rate))" }
      words += epoch.notes.map { "note.=" + $0 }
      words += ["lr=\(bits(epoch.learningRate))", "seconds=\(bits(epoch.seconds))"]
      return words.joined(separator: "\t")
    }.joined(separator: "\n")
  }

  /// The epochs that `text` has written.
  ///
  /// - Throws: `value` for any other text.
  init(text: String) throws(CoreError) {
    self = []
    for line in text.split(separator: "\n") {
      var epoch = EpochReport(epoch: 0, loss: 0, parts: [], naturalAccuracy: 0, learningRate: 0, seconds: 0)
      for word in line.split(separator: "\t") {
        guard let sign = word.firstIndex(of: "=") else { throw Self.unreadable }
        let (name, rest) = (word[..<sign], String(word[word.index(after: sign)...]))
        if name == "note." {
          epoch.notes.append(rest)
          continue
        }
        if name == "epoch" {
          guard let number = Int(rest) else { throw Self.unreadable }
          epoch.epoch = number
          continue
        }
        guard let bits = UInt64(rest, radix: 16) else { throw Self.unreadable }
        let value = Double(bitPattern: bits)
        switch name {
        case "loss": epoch.loss = value
        case "natural": epoch.naturalAccuracy = value
        case "robust": epoch.robustAccuracy = value
        case "lr": epoch.learningRate = value
        case "seconds": epoch.seconds = value
        case _ where name.hasPrefix("part."): epoch.parts.append((String(name.dropFirst(5)), value))
        case _ where name.hasPrefix("rate."):
          guard let step = Int(name.dropFirst(5)), value > 0, value.isFinite else { throw Self.unreadable }
          epoch.rateChanges.append(RateChange(step: step, rate: value))
        case _ where name.hasPrefix("figure."): epoch.figures.append((String(name.dropFirst(7)), value))
        default: throw Self.unreadable
        }
      }
      append(epoch)
    }
  }

  private static var unreadable: CoreError {
    CoreError(.value, "the history of this state is not one of a training run")
  }
}
