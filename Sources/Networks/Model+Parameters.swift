import Base
import Tensors

extension Model {
  /// Replaces weights and buffers by tensors of the same names: all of them or none.
  ///
  /// - Throws: `value` with the names that are missing, unexpected, or of another shape or type.
  public func assign(_ tensors: [(name: String, tensor: Tensor)]) throws(CoreError) {
    let own = state
    let given = Dictionary(tensors.map { ($0.name, $0.tensor) }) { first, _ in first }
    let names = Set(own.map(\.name))
    let missing = own.map(\.name).filter { given[$0] == nil }
    let unexpected = tensors.map(\.name).filter { !names.contains($0) }
    let misshapen = own.compactMap { own -> String? in
      guard let new = given[own.name], new.shape != own.tensor.shape || new.dtype != own.tensor.dtype else {
        return nil
      }
      return "'\(own.name)' is \(new.dtype.shortName) \(new.shape) instead of "
        + "\(own.tensor.dtype.shortName) \(own.tensor.shape)"
    }
    guard missing.isEmpty, unexpected.isEmpty, misshapen.isEmpty else {
      var parts: [String] = []
      if !missing.isEmpty { parts.append("missing: \(listed(missing))") }
      if !unexpected.isEmpty { parts.append("unexpected: \(listed(unexpected))") }
      if !misshapen.isEmpty {
        let more = misshapen.count > 5 ? " and \(misshapen.count - 5) more" : ""
        parts.append("of another shape or type: \(misshapen.prefix(5).joined(separator: ", "))\(more)")
      }
      throw CoreError(
        .value, "these are not the parameters of \(name): \(parts.joined(separator: "; "))",
        hint: "a record with all of keys(net.parameters), each a tensor of the same shape; nothing has changed")
    }
    source = nil
    try setState(own.map { ($0.name, given[$0.name] ?? $0.tensor) })
  }
}
