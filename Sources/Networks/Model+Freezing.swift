import Base
import Tensors

// Weights that training leaves as they are. What is frozen belongs to the weights and not to the architecture: views at
// other temperatures share it, a copy has it too, and a file of weights does not hold it.
//
// A frozen weight is no leaf of the tape (`trackedParameters`), so that no gradient is computed for it, and an optimiser
// passes it over: neither its weight decay nor its momentum moves it. A batch norm both of whose weights are frozen uses
// its running statistics in training, too, and leaves them alone.

extension Model {
  /// The indices of the frozen weights, in the order of `parameters`.
  public var frozenParameters: [Int] { frozen.sorted() }

  /// Freezes the weights of these names, or lets them be trained again.
  ///
  /// - Parameters:
  ///   - patterns: names of weights, or the beginnings of names before a point ("layer1"); "*" stands for anything.
  ///   - isFrozen: false lets them be trained again.
  /// - Throws: `value` where a pattern stands for no weight; then nothing has changed.
  public func freeze(_ patterns: [String], isFrozen: Bool = true) throws(CoreError) {
    var chosen: Set<Int> = []
    for pattern in patterns {
      let found = parameterNames.indices.filter {
        let name = Array(parameterNames[$0].utf8)
        return matches(name[...], Array(pattern.utf8)[...]) || matches(name[...], Array("\(pattern).*".utf8)[...])
      }
      guard !found.isEmpty else {
        throw CoreError(
          .value, "\(name) has no weights '\(pattern)': they are \(listed(parameterNames))",
          hint: "a name, the name of a layer, or a pattern such as \"layer1.*\"", argument: "names")
      }
      chosen.formUnion(found)
    }
    frozen = isFrozen ? frozen.union(chosen) : frozen.subtracting(chosen)
  }

  /// The gradients of a loss with respect to the weights, in the order of `parameters`, nil for those that are frozen, and
  /// to further leaves, in one pass.
  ///
  /// - Parameters:
  ///   - parameters: the weights with which the loss was computed, from `trackedParameters`.
  ///   - leaves: the further ones.
  ///   - whenFound: told the place of a weight and its gradient as soon as this is whole; nothing is told of weights that the
  ///     loss does not depend on.
  public func gradients(
    of loss: Tensor, at parameters: [Tensor], and leaves: [Tensor] = [],
    whenFound: ((Int, Tensor) throws(CoreError) -> Void)? = nil
  ) throws(CoreError) -> (weights: [Tensor?], leaves: [Tensor]) {
    let trained = parameters.indices.filter { !frozen.contains($0) }
    var told: ((Int, Tensor) throws(CoreError) -> Void)?
    if let whenFound {
      told = { (place, gradient) throws(CoreError) in
        if place < trained.count { try whenFound(trained[place], gradient) }
      }
    }
    let found = try Tensors.gradients(
      of: loss, withRespectTo: trained.map { parameters[$0] } + leaves, whenFound: told)
    var gradients = [Tensor?](repeating: nil, count: parameters.count)
    for (index, gradient) in zip(trained, found) { gradients[index] = gradient }
    return (gradients, Array(found.dropFirst(trained.count)))
  }

  /// Refuses a model of which nothing can be trained.
  ///
  /// - Throws: `value` where all weights are frozen.
  package func requireTrainable() throws(CoreError) {
    guard frozen.count < parameterNames.count || parameterNames.isEmpty else {
      throw CoreError(
        .value, "all weights of \(name) are frozen: there is nothing to train",
        hint: "unfreeze(net), or unfreeze(net, \"fc.*\") for some of them",
        argument: "model")
    }
  }
}

/// Whether a pattern, in which "*" stands for any number of bytes, is a name. Of a mismatch only the last star is tried
/// again, so that the work is at most the product of both lengths.
private func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
  let star = UInt8(ascii: "*")
  var (n, p) = (name.startIndex, pattern.startIndex)
  var retry: (name: Int, pattern: Int)?
  while n < name.endIndex {
    if p < pattern.endIndex, pattern[p] == star {
      retry = (n, p + 1)
      p += 1
    } else if p < pattern.endIndex, pattern[p] == name[n] {
      (n, p) = (n + 1, p + 1)
    } else if let last = retry {
      retry = (last.name + 1, last.pattern)
      (n, p) = (last.name + 1, last.pattern)
    } else {
      return false
    }
  }
  return pattern[p...].allSatisfy { $0 == star }
}
