import Base
import Interpreter
import Networks

/// What `summary` returns: the layers of a model as a table, with totals.
final class SummaryObject: HostObject {
  private let name: String
  private let input: [Int]
  private let layers: [LayerSummary]

  init(_ model: Model) throws {
    name = model.name
    input = model.architecture.input
    layers = try model.summary()
  }

  override func save(to out: ObjectWriter) throws(CoreError) {
    out.kind = "summary"
    out.write(name)
    out.write(input)
    try PlainCoder.write(layers, to: out)
  }

  init(_ name: String, _ input: [Int], _ layers: [LayerSummary]) {
    (self.name, self.input, self.layers) = (name, input, layers)
  }

  override class var typeName: String { "summary" }
  override class var typeSummary: String { "The layers of a model with their shapes, weights and costs; a table." }
  override class var members: [Member] { own }
  private static let own = [
    Member("frozen", "int", "How many weights are frozen.") { (object: SummaryObject) in Value(object.frozen) },
    Member("multiply_adds", "int", "Products that are summed for one image, in convolutions and linear layers.") {
      (object: SummaryObject) in Value(object.multiplyAdds)
    },
    Member("rows", "list[record]", "A table with a row for each layer, in the order in which they run.") {
      (object: SummaryObject) in
      Value(
        object.layers.map { layer in
          Value(fields: [
            ("path", Value(layer.path)), ("layer", Value(layer.layer)), ("output", Value(layer.output)),
            ("weights", Value(layer.weights)), ("frozen", Value(layer.frozen)),
            ("multiply_adds", Value(layer.multiplyAdds)),
          ])
        })
    },
    Member("weights", "int", "How many weights there are, frozen ones included.") { (object: SummaryObject) in
      Value(object.weights)
    },
  ]

  private var frozen: Int { layers.reduce(0) { $0 + $1.frozen } }
  private var weights: Int { layers.reduce(0) { $0 + $1.weights } }
  private var multiplyAdds: Int {
    layers.reduce(0) { $0 + min($1.multiplyAdds, .max - $0) }
  }

  override func shortText(_ options: PrintOptions) -> String { "<summary of \(name): \(weights) weights>" }

  override func text(_ options: PrintOptions) -> String {
    let showsFrozen = frozen > 0
    func row(_ cells: [String], _ frozen: String) -> [String] { cells + (showsFrozen ? [frozen] : []) }
    var rows = [row(["layer", "", "output", "weights", "multiply-adds"], "frozen")]
    for layer in layers {
      let cost = layer.multiplyAdds > 0 ? layer.multiplyAdds.grouped : ""
      let kind = String(layer.layer.prefix { $0 != "(" })
      rows.append(
        row(
          [layer.path, kind, "\(layer.output)", layer.weights > 0 ? layer.weights.grouped : "", cost],
          layer.frozen > 0 ? layer.frozen.grouped : ""))
    }
    rows.append(row(["total", "", "", weights.grouped, multiplyAdds.grouped], frozen.grouped))
    return "model \(name), for images \(input)\n"
      + AlignedText(rows, sides: [.left, .left, .left, .right]).lines(indent: 2).joined(separator: "\n")
  }
}
