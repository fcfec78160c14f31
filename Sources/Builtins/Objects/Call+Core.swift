import Base
import Devices
import Interpreter
import Tensors

/// What the built-ins on the core read from their arguments, in addition to the accessors of the language.
extension Call {
  func tensor(_ name: String) throws(LTDError) -> Tensor { try object(name, as: TensorObject.self).tensor }

  /// A tensor that the call lets go of: an operation may write over a temporary.
  func takenTensor(_ name: String) throws(LTDError) -> Tensor {
    let tensor = try tensor(name)
    try release(name)
    return tensor
  }

  /// A number as such, also one through which a gradient is followed: for what is formed with `followedNumber`.
  func plainFloat(_ name: String) throws -> Double {
    if let number = try plainNumber(name).asDouble { return number }
    return try float(name)
  }

  /// The number of an argument with its record; without one where it has none, or where no name is given.
  func followedNumber(_ name: String?) throws -> Tensor {
    guard let name, let number = try Tensor.operand(self[name]) else { return try Tensor.scalar(0) }
    return number
  }

  /// A whole number as a key of random streams.
  func seed(_ name: String) throws(LTDError) -> UInt64 { UInt64(bitPattern: Int64(try int(name))) }

  /// Whole numbers in a list, such as a shape.
  func ints(_ name: String) throws(LTDError) -> [Int] {
    var numbers: [Int] = []
    for item in try list(name) {
      guard let number = item.asInt else {
        throw notANumber(item, in: name, whole: true)
      }
      numbers.append(number)
    }
    return numbers
  }

  /// Lists of whole numbers in a list, such as pairs of classes; nil for `none`.
  func intRows(_ name: String) throws(LTDError) -> [[Int]]? {
    guard let list = try optionalList(name) else { return nil }
    var rows: [[Int]] = []
    for item in list {
      let row = item.asList?.compactMap(\.asInt)
      guard let row, row.count == item.asList?.count else {
        throw error(
          .type,
          "\(name) of \(self.name) must be a list of lists of whole numbers; one item is \(item.described)",
          hint: "\(name)=[[1, 2], [3, 4]]", at: name)
      }
      rows.append(row)
    }
    return rows
  }

  /// Numbers in a list; nil for `none`.
  func numbers(_ name: String) throws(LTDError) -> [Double]? {
    guard let list = try optionalList(name) else { return nil }
    var numbers: [Double] = []
    for item in list {
      guard let number = item.asDouble else {
        if item.isFollowed { throw try noGradient(through: name) }
        throw notANumber(item, in: name)
      }
      numbers.append(number)
    }
    return numbers
  }

  /// The error for an item that makes a list argument other than a list of numbers, or of whole numbers.
  func notANumber(_ item: Value, in name: String, whole: Bool = false) -> LTDError {
    error(
      .type,
      "\(name) of \(self.name) must be a list of \(whole ? "whole numbers" : "numbers"); one item is \(item.described)",
      at: name)
  }

  /// An axis, a list of axes, or nil for `none`.
  func axes(_ name: String) throws(LTDError) -> [Int]? {
    let value = try self[name]
    if value.isNone { return nil }
    if let axis = value.asInt { return [axis] }
    return try ints(name)
  }

  /// Labels as a list or a tensor of whole numbers [n].
  /// - Parameter anyShape: whether they may have more axes, as indices may.
  func labels(_ name: String, anyShape: Bool = false) throws(LTDError) -> [Int] {
    let labels = try tensor(name)
    guard anyShape || labels.shape.count <= 1 || labels.count == 0 else {
      throw error(
        .shape, "\(name) of \(self.name) must be class numbers [n], not of shape \(labels.shape)",
        hint: "argmax(\(name), axis=1) makes them of rows with a 1; float32(\(name)) makes rows of probabilities",
        at: name)
    }
    guard labels.dtype == .int64 || labels.count == 0 else {
      throw error(
        .type, "\(name) of \(self.name) must be class numbers of type i64, not \(labels.dtype.shortName)",
        hint: "int64(\(name)) makes whole numbers", at: name)
    }
    return labels.ints()
  }

  /// An argument that is a number as such: also one of a record of gradients, and a tensor without axes.
  func plainNumber(_ name: String) throws -> Value {
    let value = try self[name]
    guard case .object(let object) = value, object.isNumber else { return value }
    return try object.number() ?? value
  }

  /// Whether an argument is a tensor, or a number through which a gradient is followed.
  func isObject(_ name: String) -> Bool {
    if case .object? = try? self[name] { true } else { false }
  }

  /// `requireFiles` for built-ins that write: a path such as /dev/stdout must first get what was printed before.
  func prepareToWrite() throws(LTDError) {
    try requireFiles()
    // Where that fails, the next `print` reports it.
    do { try session.host.flush() } catch {}
  }

  /// Refuses to touch files in a session that must not.
  func requireFiles() throws(LTDError) {
    guard session.limits.allowsFiles else {
      throw Limits.filesRefused("\(name) would touch files")
    }
  }
}
