import Base
import Datasets
import Interpreter
import Robustness
import Tensors

/// A data set in the language: a value. `data[3]` is a record of one example, `data[0:100]` a smaller data set;
/// `for x, y in data` goes through images and classes.
final class DatasetObject: HostObject {
  let data: Dataset
  /// What to type for the same data set; nil where that cannot be said.
  var spelling: String?

  init(_ data: Dataset, spelling: String? = nil) { (self.data, self.spelling) = (data, spelling) }

  override func save(to out: ObjectWriter) throws(CoreError) { try write(to: out) }
  override var byteCount: Int { data.isStreamed ? 0 : data.count * data.imageSize * 4 }

  override class var typeName: String { "dataset" }
  override var summary: String { "dataset \(data.name) of \(data.count)" }
  override class var typeSummary: String { "Images with their classes." }
  override class var members: [Member] { own }
  private static let own = [
    Member("class_counts", "list[int]", "How many examples each class has.") { (object: DatasetObject) in
      Value(object.data.classCounts)
    },
    Member("class_names", "list[string]", "The names of the classes.") { (object: DatasetObject) in
      Value(object.data.classNames)
    },
    Member("fingerprint", "string", "16 digits made of classes, labels and every pixel: equal for equal content.") {
      (object: DatasetObject) in Value(try object.data.fingerprint)
    },
    Member("images", "tensor", "All images in one tensor [n, c, h, w] with values in [0, 1].") {
      (object: DatasetObject) in
      Value(try object.data.images)
    },
    Member("labels", "tensor", "The classes [n]; of soft labels the most probable, the first of equals.") {
      (object: DatasetObject) in
      Value(try Tensor(ints: object.data.labels, shape: [object.data.count]))
    },
    Member("name", "string", "The name of the data set.") { (object: DatasetObject) in Value(object.data.name) },
    Member("posterior", "tensor | none", "The exact probabilities of the classes [n, classes], where they are known.") {
      (object: DatasetObject) in try object.data.posterior.map { Value($0) } ?? .none
    },
    Member("shape", "list[int]", "The shape of one image: [channels, height, width].") { (object: DatasetObject) in
      Value(object.data.imageShape)
    },
    Member("soft_labels", "tensor | none", "The distributions [n, classes] to train on, where labels are soft.") {
      (object: DatasetObject) in try object.data.softLabels.map { Value($0) } ?? .none
    },
  ]
  override var length: Int? { data.count }

  override func element(at place: Int) throws -> Value? {
    let batch = try data.batch([place])
    let image = try batch.images.reshape(data.imageShape)
    var fields: [(String, Value)] = [("image", Value(image)), ("label", Value(data.labels[place]))]
    if case .soft(let row) = batch.targets {
      fields.append(("soft_label", Value(try row.reshape([data.classCount]))))
    }
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
          .value, "example \(index) is outside of a dataset of \(data.count.of("example"))",
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
      var own: String?
      if case .slice(let start, let stop, let step) = items[0], step == 1 {
        own = spelling.map { "\($0)[\(start.map { "\($0)" } ?? ""):\(stop.map { "\($0)" } ?? "")]" }
      }
      return Value(DatasetObject(try data.subset(chosen.tensor.ints()), spelling: own))
    }
  }

  override func isEqual(to other: Value) throws -> Bool {
    guard case .object(let object) = other, let other = (object as? DatasetObject)?.data else { return false }
    return try data.isSame(as: other)
  }

  override func shortText(_ options: PrintOptions) -> String { "<\(data.name): \(data.count.of("image"))>" }

  override func text(_ options: PrintOptions) -> String {
    let size = data.imageShape.map(String.init).joined(separator: "×")
    let posterior =
      (data.hasSoftLabels ? ", with soft labels" : "") + (data.hasPosterior ? ", with exact label posteriors" : "")
    let streamed = data.isStreamed ? ", read from files when needed" : ""
    return "dataset \(data.name): \(data.count.of("image")) \(size), \(data.classCount) classes\(posterior)\(streamed)"
  }
}

extension Call {
  /// An argument that is a tensor of images or a data set.
  func examples(_ name: String) throws -> Examples {
    if let data = try self[name].asObject as? DatasetObject { return .data(data.data) }
    return .images(try tensor(name))
  }
}
