import Base
import Interpreter
import Networks
import Tensors

/// A layer as a value: a description without weights, from which `network` makes a model.
///
/// Layers are put together by nesting: a value may hold another many times over, which costs no memory. Everything that
/// walks through a layer has to end all the same, so the object keeps how deep it is and how many layers it has, and refuses
/// what is deeper or larger than a network may be.
final class LayerObject: HostObject {
  let layer: Layer
  /// How many levels of layers it has, itself included.
  private let depth: Int
  /// How many layers it has, itself included.
  private let size: Int

  private static let sizeLimit = 1 << 16

  init(_ layer: Layer) {
    self.layer = layer
    (depth, size) = (1, 1)
  }

  /// Layers that were put together before, such as those of a model.
  init(built layer: Layer) {
    self.layer = layer
    (depth, size) = layer.extent
  }

  /// A layer made of others.
  init(_ layer: Layer, of parts: [LayerObject], levels: Int) throws {
    self.layer = layer
    depth = (parts.map(\.depth).max() ?? 0) + levels
    size = parts.reduce(1) { $0 + $1.size }
    // One level is left for the normalisation of a network.
    guard depth < Layer.depthLimit else {
      throw LTDError(
        .value, "layers must not be nested more than \(Layer.depthLimit - 1) deep",
        hint: "put layers one after another into one list: sequential([a, b, c])")
    }
    guard size <= Self.sizeLimit else { throw LTDError(.value, "more than \(Self.sizeLimit) layers in one") }
  }

  override func save(to out: ObjectWriter) throws(CoreError) {
    out.kind = "layer"
    out.write(try layer.json.text)
  }

  override class var typeName: String { "layer" }
  override class var typeSummary: String { "A part of a network: a description without weights." }

  override func isEqual(to other: Value) throws -> Bool {
    guard case .object(let object) = other, let other = object as? LayerObject else { return false }
    return other.size == size && other.layer == layer
  }

  override func shortText(_ options: PrintOptions) -> String {
    size <= 1000 ? layer.description : "<layer of \(size) layers>"
  }

  override func text(_ options: PrintOptions) -> String {
    size <= 1000 || options.width == .max ? layer.text(width: options.width) : shortText(options)
  }
}

extension Layer {
  fileprivate var extent: (depth: Int, size: Int) {
    let parts: [Layer] =
      switch self {
      case .sequential(let layers): layers
      case .chain(let children): children.map(\.layer)
      case .residual(let block): (block.before + block.body + block.shortcut + block.after).map(\.layer)
      default: []
      }
    return parts.reduce((depth: 1, size: 1)) { sum, part in
      let extent = part.extent
      return (max(sum.depth, extent.depth + 1), sum.size + extent.size)
    }
  }
}

/// Layers as a person writes them: one, a list with the names "0", "1", …, or a record with names of its own.
struct LayerParts {
  let children: [Child]
  let objects: [LayerObject]
  /// How many levels they add to the depth of the layer that holds them.
  let levels: Int

  /// - Parameter name: under which one layer or a list of layers is stored.
  init(_ value: Value, name: String) throws {
    switch value {
    case .object(let object):
      let object = try Self.layer(.object(object))
      (children, objects, levels) = ([Child(name, object.layer)], [object], 1)
    case .record(let record):
      var children: [Child] = []
      var objects: [LayerObject] = []
      for (key, value) in record.fields {
        guard key.utf8.allSatisfy({ $0 == UInt8(ascii: "_") || $0.isLetterOrDigit }) else {
          throw LTDError(.value, "\"\(key)\" is not a name of a layer", hint: "use letters, digits and _")
        }
        objects.append(try Self.layer(value))
        children.append(Child(key, objects[objects.count - 1].layer))
      }
      (self.children, self.objects, levels) = (children, objects, 1)
    default:
      let objects = try Self.list(value)
      (children, self.objects, levels) = ([Child(name, .sequential(objects.map(\.layer)))], objects, 2)
    }
  }

  static func list(_ value: Value) throws -> [LayerObject] {
    guard case .list(let list) = value else { throw notALayer(value) }
    var objects: [LayerObject] = []
    for item in list.items { objects.append(try layer(item)) }
    return objects
  }

  private static func layer(_ value: Value) throws -> LayerObject {
    guard case .object(let object) = value, let layer = object as? LayerObject else { throw notALayer(value) }
    return layer
  }

  private static func notALayer(_ value: Value) -> LTDError {
    if case .function(let function) = value {
      return LTDError(
        .type, "a network is made of layers, not of functions", hint: "call it to get the layer: \(function.name)()")
    }
    return LTDError(
      .type, "a network is made of layers, not of \(value.described)",
      hint: "make layers with conv2d(8, kernel=3), linear(10), relu() and others")
  }
}

extension UInt8 {
  /// Whether it is one of A–Z, a–z and 0–9 in ASCII.
  var isLetterOrDigit: Bool { (self | 0x20) &- 97 < 26 || self &- 48 < 10 }
}
