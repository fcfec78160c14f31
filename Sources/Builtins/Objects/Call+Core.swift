import Interpreter
import Tensors

/// The accessors of a call for use inside of `attempt { … }`: their errors, which the binder has made unlikely, pass through.
struct CoreCall {
  let call: Call

  func int(_ name: String) throws(CoreError) -> Int { try wrap(name) { () throws(LTDError) in try call.int(name) } }
  func float(_ name: String) throws(CoreError) -> Double {
    try wrap(name) { () throws(LTDError) in try call.float(name) }
  }
  func bool(_ name: String) throws(CoreError) -> Bool { try wrap(name) { () throws(LTDError) in try call.bool(name) } }
  func string(_ name: String) throws(CoreError) -> String {
    try wrap(name) { () throws(LTDError) in try call.string(name) }
  }
  func optionalInt(_ name: String) throws(CoreError) -> Int? {
    try wrap(name) { () throws(LTDError) in try call.optionalInt(name) }
  }
  func optionalFloat(_ name: String) throws(CoreError) -> Double? {
    try wrap(name) { () throws(LTDError) in try call.optionalFloat(name) }
  }
  func tensor(_ name: String) throws(CoreError) -> Tensor {
    try wrap(name) { () throws(LTDError) in try call.object(name, as: TensorObject.self).tensor }
  }

  /// A tensor that the call lets go of: an operation may write over a temporary.
  func takenTensor(_ name: String) throws(CoreError) -> Tensor {
    let tensor = try tensor(name)
    try wrap(name) { () throws(LTDError) in try call.release(name) }
    return tensor
  }

  /// A whole number as a key of random streams.
  func seed(_ name: String) throws(CoreError) -> UInt64 { UInt64(bitPattern: Int64(try int(name))) }

  /// Whole numbers in a list, such as a shape.
  func ints(_ name: String) throws(CoreError) -> [Int] {
    let list = try wrap(name) { () throws(LTDError) in try call.list(name) }
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
    guard let list = try wrap(name, { () throws(LTDError) in try call.optionalList(name) }) else { return nil }
    var numbers: [Double] = []
    for item in list {
      guard let number = item.asDouble else {
        throw CoreError(.type, "\(name) of \(call.name) is a list of numbers, not of \(item.typeName)s", argument: name)
      }
      numbers.append(number)
    }
    return numbers
  }

  /// An axis, a list of axes, or nil for `none`.
  func axes(_ name: String) throws(CoreError) -> [Int]? {
    let value = try wrap(name) { () throws(LTDError) in try call[name] }
    if value.isNone { return nil }
    if let axis = value.asInt { return [axis] }
    return try ints(name)
  }

  /// Labels as a list or a tensor of whole numbers.
  func labels(_ name: String) throws(CoreError) -> [Int] {
    let labels = try tensor(name)
    guard labels.dtype == .int64 || labels.count == 0 else {
      throw CoreError(.type, "\(name) of \(call.name) are class numbers, not \(labels.dtype.shortName)", argument: name)
    }
    return labels.ints()
  }

  private func wrap<T>(_ name: String, _ body: () throws(LTDError) -> T) throws(CoreError) -> T {
    do { return try body() } catch {
      throw CoreError(.value, error.diagnostic.message, hint: error.diagnostic.hint, argument: name)
    }
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

  /// Refuses to touch files in a session that must not.
  func requireFiles() throws(LTDError) {
    guard session.limits.allowsFiles else {
      throw error(.limit, "stopped where \(name) would touch files", hint: "the limit was set for this run")
    }
  }
}
