import Base
import Datasets
import Interpreter
import Tensors

/// A data set in the language: a value. `data[3]` is a record of one example, `data[0:100]` a smaller data set;
/// `for x, y in data` goes through images and classes.
final class DatasetObject: HostObject {
  let data: Dataset

  init(_ data: Dataset) { self.data = data }

  override var typeName: String { "dataset" }
  override var summary: String { "dataset \(data.name) of \(data.count)" }
  override var members: [String] { ["class_counts", "class_names", "images", "labels", "name", "posterior", "shape"] }
  override var length: Int? { data.count }

  override func element(at place: Int) throws -> Value? {
    let batch = try data.batch([place])
    let image = try batch.images.reshape(data.imageShape)
    var fields: [(String, Value)] = [("image", Value(image)), ("label", Value(data.labels[place]))]
    if let posterior = batch.posterior {
      fields.append(
        ("posterior", Value(try posterior.reshape([data.classCount]))))
    }
    return Value(fields: fields)
  }

  override var hasPairs: Bool { true }

  override func pair(at place: Int) throws -> Value {
    let image = try data.batch([place]).images.reshape(data.imageShape)
    return Value([Value(image), Value(data.labels[place])])
  }

  override func index(_ items: [IndexItem]) throws -> Value? {
    guard items.count == 1 else {
      throw LTDError(.value, "a dataset has one axis: its examples", hint: "data[3], data[0:100], or data.images[…]")
    }
    switch items[0] {
    case .index(let index):
      let place = index < 0 ? index + data.count : index
      guard data.labels.indices.contains(place) else {
        throw LTDError(
          .value, "example \(index) is outside of a dataset of \(data.count) examples",
          hint: data.count == 0
            ? "it is empty" : "examples go from 0 to \(data.count - 1), or from -\(data.count) to -1")
      }
      return try element(at: place)
    default:
      let places = try Tensor(ints: Array(0..<data.count), shape: [data.count])
      guard case .object(let chosen)? = try TensorObject(places).index(items), let chosen = chosen as? TensorObject
      else {
        return nil
      }
      return Value(DatasetObject(try data.subset(chosen.tensor.ints())))
    }
  }

  override func attribute(_ name: String) throws -> Value? {
    switch name {
    case "name": return Value(data.name)
    case "class_names": return Value(data.classNames)
    case "class_counts": return Value(data.classCounts)
    case "shape": return Value(data.imageShape)
    case "labels":
      return Value(try Tensor(ints: data.labels, shape: [data.count]))
    case "images":
      return Value(try data.batch(Array(0..<data.count)).images)
    case "posterior": return try data.posterior.map { Value($0) } ?? Value.none
    default: return nil
    }
  }

  override func isEqual(to other: Value) throws -> Bool {
    guard case .object(let object) = other, let other = (object as? DatasetObject)?.data else { return false }
    return data.name == other.name && data.ids == other.ids && data.labels == other.labels
  }

  override func shortText(_ options: PrintOptions) -> String { "<\(data.name): \(data.count) images>" }

  override func text(_ options: PrintOptions) -> String {
    let size = data.imageShape.map(String.init).joined(separator: "×")
    let posterior = data.hasPosterior ? ", with exact label posteriors" : ""
    return "dataset \(data.name): \(data.count) images \(size), \(data.classCount) classes\(posterior)"
  }
}
