import Base
import Tensors

// Whether the network that a file was saved from is the one that its weights are given to. Names and shapes of weights
// are compared elsewhere; here is what they do not show.

extension Architecture {
  /// Where another network computes something else from the same weights, in evaluation or in training; nil where it
  /// does not. How weights are first drawn does not count, nor how the layers are put together.
  ///
  /// - Parameter file: the network of the file, which is named first.
  package func difference(from file: Architecture) throws(CoreError) -> String? {
    if input != file.input { return "images are \(file.input) in the file and \(input) in the model" }
    let (ours, theirs) = (try layers().steps, try file.layers().steps)
    guard ours != theirs else { return nil }
    let settings = settingsThatDiffer(from: file)
    if !settings.isEmpty { return settings.joined(separator: "; ") }
    let index = zip(ours, theirs).prefix { $0 == $1 }.count
    func step(_ steps: [String]) -> String { index < steps.count ? steps[index] : "the end" }
    return "step \(index + 1) is \(step(theirs)) in the file and \(step(ours)) in the model"
  }
}

extension Layer {
  /// What happens to an image, one thing after the other, with every setting.
  fileprivate var steps: [String] {
    switch self {
    case .conv2d(var conv):
      conv.initialisation = .standard
      return [Layer.conv2d(conv).description]
    case .linear(var linear):
      linear.initialisation = .standard
      return [Layer.linear(linear).description]
    case .attention(var attention):
      attention.initialisation = .standard
      return [Layer.attention(attention).description]
    case .batchNorm(let norm): return ["batch_norm(eps=\(norm.eps), momentum=\(norm.momentum))"]
    case .dropout(let p) where p == 0, .dropout2d(let p) where p == 0, .gaussianNoise(let p) where p == 0: return []
    case .sequential(let layers): return layers.flatMap(\.steps)
    case .chain(let children): return children.steps
    case .residual(let block):
      let start = "the start of a residual block" + (block.shortcutReadsBefore ? " whose shortcut reads before(x)" : "")
      return [start] + block.before.steps + ["its body"] + block.body.steps + ["its shortcut"] + block.shortcut.steps
        + ["its sum"] + block.after.steps
    default: return [description]
    }
  }
}

extension [Child] {
  fileprivate var steps: [String] { flatMap(\.layer.steps) }
}

extension JSON {
  /// A key of this value, at any depth, that another value lacks; nil where it has them all.
  package func key(missingIn other: JSON) -> String? {
    switch (self, other) {
    case (.object(let members), .object):
      for member in members {
        guard let theirs = other[member.key] else { return member.key }
        if let key = member.value.key(missingIn: theirs) { return key }
      }
      return nil
    case (.array(let items), .array(let others)):
      for (item, theirs) in zip(items, others) { if let key = item.key(missingIn: theirs) { return key } }
      return nil
    default: return nil
    }
  }
}

extension Model {
  /// What is wrong with the numbers of the weights and of the running statistics, a sentence for each tensor: values
  /// that are not finite, and variances below 0. Empty for a model that can be used.
  package var doubtfulWeights: [String] {
    state.flatMap { name, tensor -> [String] in
      guard tensor.dtype == .float32 else { return [] }
      let values = tensor.floats()
      func sentence(_ what: String, _ isWrong: (Float) -> Bool) -> [String] {
        guard let first = values.firstIndex(where: isWrong) else { return [] }
        let count = values.lazy.filter(isWrong).count
        // The sign of a NaN says nothing.
        let shown = values[first].isNaN ? "nan" : "\(values[first])"
        var (rest, place) = (first, [Int]())
        for size in tensor.shape.reversed() {
          place.insert(rest % size, at: 0)
          rest /= size
        }
        return [
          "tensor '\(name)' holds \(count.of("value")) of \(values.count) \(what), the first at \(place): \(shown)"
        ]
      }
      let isVariance = name == "running_var" || name.hasSuffix(".running_var")
      return sentence("not finite") { !$0.isFinite }
        + (isVariance ? sentence("below 0, where a variance stands") { $0 < 0 && $0.isFinite } : [])
    }
  }
}
