import Base
import Interpreter
import Tensors

/// The accessors of a call for use inside of `attempt { … }`: their errors pass through the core as they are.
struct CoreCall {
  let call: Call

  func int(_ name: String) throws(CoreError) -> Int { try wrap { () throws(LTDError) in try call.int(name) } }
  func float(_ name: String) throws(CoreError) -> Double {
    try wrap { () throws(LTDError) in try call.float(name) }
  }
  func bool(_ name: String) throws(CoreError) -> Bool { try wrap { () throws(LTDError) in try call.bool(name) } }
  func string(_ name: String) throws(CoreError) -> String {
    try wrap { () throws(LTDError) in try call.string(name) }
  }
  func optionalInt(_ name: String) throws(CoreError) -> Int? {
    try wrap { () throws(LTDError) in try call.optionalInt(name) }
  }
  func optionalFloat(_ name: String) throws(CoreError) -> Double? {
    try wrap { () throws(LTDError) in try call.optionalFloat(name) }
  }
  func tensor(_ name: String) throws(CoreError) -> Tensor {
    try wrap { () throws(LTDError) in try call.object(name, as: TensorObject.self).tensor }
  }

  /// A number as such, also one through which a gradient is followed: for what is formed with `record`.
  func plainFloat(_ name: String) throws(CoreError) -> Double {
    let value = try wrap { () throws(LTDError) in try call.plainNumber(name) }
    if let number = value.asDouble { return number }
    return try float(name)
  }

  /// The number of an argument with its record; without one where it has none, or where no name is given.
  func record(_ name: String?) throws(CoreError) -> Tensor {
    guard let name, let number = try wrap({ () throws(LTDError) in try Tensor.operand(call[name]) }) else {
      return try Tensor.scalar(0)
    }
    return number
  }

  /// A tensor that the call lets go of: an operation may write over a temporary.
  func takenTensor(_ name: String) throws(CoreError) -> Tensor {
    let tensor = try tensor(name)
    try wrap { () throws(LTDError) in try call.release(name) }
    return tensor
  }

  /// A whole number as a key of random streams.
  func seed(_ name: String) throws(CoreError) -> UInt64 { UInt64(bitPattern: Int64(try int(name))) }

  /// Whole numbers in a list, such as a shape.
  func ints(_ name: String) throws(CoreError) -> [Int] {
    let list = try wrap { () throws(LTDError) in try call.list(name) }
    var numbers: [Int] = []
    for item in list {
      guard let number = item.asInt else {
        throw CoreError(
          .type, "\(name) of \(call.name) is a list of whole numbers, not of \(item.typeName)s", argument: name)
      }
      numbers.append(number)
    }
    return numbers
  }

  /// Numbers in a list; nil for `none`.
  func numbers(_ name: String) throws(CoreError) -> [Double]? {
    guard let list = try wrap({ () throws(LTDError) in try call.optionalList(name) }) else { return nil }
    var numbers: [Double] = []
    for item in list {
      guard let number = item.asDouble else {
        if item.isFollowed {
          try wrap { () throws(LTDError) in throw try call.noGradient(through: name) }
        }
        throw CoreError(.type, "\(name) of \(call.name) is a list of numbers, not of \(item.typeName)s", argument: name)
      }
      numbers.append(number)
    }
    return numbers
  }

  /// An axis, a list of axes, or nil for `none`.
  func axes(_ name: String) throws(CoreError) -> [Int]? {
    let value = try wrap { () throws(LTDError) in try call[name] }
    if value.isNone { return nil }
    if let axis = value.asInt { return [axis] }
    return try ints(name)
  }

  /// Labels as a list or a tensor of whole numbers [n].
  /// - Parameter anyShape: whether they may have more axes, as indices may.
  func labels(_ name: String, anyShape: Bool = false) throws(CoreError) -> [Int] {
    let labels = try tensor(name)
    guard anyShape || labels.shape.count <= 1 || labels.count == 0 else {
      throw CoreError(
        .shape, "\(name) of \(call.name) must be class numbers [n], not of shape \(labels.shape)",
        hint: "argmax(\(name), axis=1) makes them of rows with a 1; float32(\(name)) makes rows of probabilities",
        argument: name)
    }
    guard labels.dtype == .int64 || labels.count == 0 else {
      throw CoreError(.type, "\(name) of \(call.name) are class numbers, not \(labels.dtype.shortName)", argument: name)
    }
    return labels.ints()
  }

  func wrap<T>(_ body: () throws(LTDError) -> T) throws(CoreError) -> T {
    do { return try body() } catch { throw CoreError(passing: error) }
  }
}

extension CoreError {
  /// An error of the language on its way through the core: `attempt` gives it back with its kind and place.
  init(passing error: LTDError) {
    self.init(
      Kind(rawValue: error.diagnostic.kind.rawValue) ?? .value, error.diagnostic.message, hint: error.diagnostic.hint)
    origin = error
  }
}

extension Call {
  var core: CoreCall { CoreCall(call: self) }

  /// `requireFiles` for what writes: a path such as /dev/stdout gets what was printed before first.
  func prepareToWrite() throws(LTDError) {
    try requireFiles()
    // Where that fails the output says so itself.
    do { try session.flush() } catch {}
  }

  /// An argument that is a number as such: also one of a record of gradients, and a tensor without axes.
  func plainNumber(_ name: String) throws(LTDError) -> Value {
    let value = try self[name]
    guard case .object(let object) = value, object.isNumber else { return value }
    return try object.number() ?? value
  }

  /// Whether an argument is a tensor, or a number through which a gradient is followed.
  func isObject(_ name: String) -> Bool {
    if case .object? = try? self[name] { true } else { false }
  }

  /// Refuses to touch files in a session that must not.
  func requireFiles() throws(LTDError) {
    guard session.limits.allowsFiles else {
      throw error(.limit, "stopped where \(name) would touch files", hint: "the limit was set for this run")
    }
  }
}
