import Base
import Networks

/// What `?net` shows of a model: its layers with what they read and return, their weights and costs, the images that it
/// takes, and the training that it has had.
struct ModelPage {
  private let model: Model

  init(_ model: Model) { self.model = model }

  /// The table and the lines below it; without the table where the network cannot be laid out.
  func text(width: Int) -> String {
    let layers = (try? model.summary()) ?? []
    return (table(layers, width) + [images, training]).joined(separator: "\n")
  }

  private func table(_ layers: [LayerSummary], _ width: Int) -> [String] {
    if layers.isEmpty { return [] }
    let weights = layers.reduce(0) { $0 + $1.weights }
    let cost = layers.reduce(0) { $0 + min($1.multiplyAdds, .max - $0) }
    let hasFrozen = layers.contains { $0.frozen > 0 }
    func share(_ part: Int) -> String {
      cost > 0 && part > 0 ? "\((100 * Double(part) / Double(cost)).fixed(1)) %" : ""
    }
    var rows = [["layer", "", "in -> out", "parameters", "multiply-adds", "share"]]
    for layer in layers {
      let kind = String(layer.layer.prefix { $0 != "(" }) + (layer.frozen > 0 ? ", frozen" : "")
      rows.append([
        layer.path, kind, "\(size(layer.input)) -> \(size(layer.output))",
        layer.weights > 0 ? layer.weights.grouped : "", layer.multiplyAdds > 0 ? layer.multiplyAdds.grouped : "",
        share(layer.multiplyAdds),
      ])
    }
    rows.append(["total", "", "", weights.grouped, cost.grouped, cost > 0 ? "100 %" : ""])
    let lines = AlignedText(rows, sides: [.left, .left, .left, .right, .right, .right]).lines(indent: 2)
    return lines + (hasFrozen ? ["  frozen layers are left as they are by fit"] : []) + [""]
  }

  private var images: String {
    let input = model.architecture.input
    var text = "images: \(size(input)) (channels × height × width) in [0, 1], \(model.classes) classes"
    if let normalisation = model.architecture.normalisation {
      text += "; normalised within: mean \(normalisation.mean), std \(normalisation.std)"
    }
    return text + (model.temperature == 1 ? "" : "; logits divided by \(model.temperature.asTyped.shortest)")
  }

  private var training: String {
    var lines: [String] = []
    if let source = model.source {
      lines.append("weights read from '\(source.path)'" + (source.known.map { ", known as \($0.name)" } ?? ""))
    }
    for pass in model.training {
      lines.append(
        "trained by \(pass.method)" + (pass.attack.map { " with \($0)" } ?? "")
          + " on \(pass.data), \(pass.examples.grouped) images, \(pass.epochs.of("epoch"))"
          + (pass.isInterrupted ? ", interrupted" : ""))
    }
    return lines.isEmpty
      ? "training: none that is known; its weights are as they were made" : lines.joined(separator: "\n")
  }

  private func size(_ shape: [Int]) -> String { shape.map { "\($0)" }.joined(separator: "×") }
}
