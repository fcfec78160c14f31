import Base
import Devices

/// Sums of products of tensors whose axes have names, as NumPy's einsum: "ij,jk->ik" is the matrix product.
///
/// Each operand is first brought to one axis for each name (diagonals of repeated names, sums over names that nobody else
/// has); then operands are joined two by two, from the left, as batched matrix products. No intermediate has an axis that
/// neither the result nor a later operand names. Results are float32, as those of `matmul`.
///
/// - Parameter formula: letters for the axes of each operand, commas between operands, `...` for axes without names, and
///   after `->` the axes of the result; without it, the letters that occur once, in alphabetical order.
public func einsum(_ formula: String, _ operands: [Tensor]) throws(CoreError) -> Tensor {
  let formula = try EinsumFormula(formula, operands)
  var terms: [EinsumTerm] = []
  for (operand, names) in zip(operands, formula.inputs) {
    terms.append(try EinsumTerm(names: names, tensor: operand.asType(.float32)).withoutRepeats())
  }
  var result = terms.removeFirst()
  while true {
    let later = Set(terms.flatMap(\.names)).union(formula.output)
    result = try result.summing(except: later)
    guard !terms.isEmpty else { break }
    let next = terms.removeFirst()
    let needed = Set(terms.flatMap(\.names)).union(formula.output)
    result = try result.joined(with: next.summing(except: needed.union(result.names)), keeping: needed)
  }
  return try result.tensor.permute(formula.output.compactMap { result.names.firstIndex(of: $0) })
}

/// The axes of a formula as numbers: letters by their code, those of `...` counted from the last one below 0.
private struct EinsumFormula {
  var inputs: [[Int]] = []
  var output: [Int] = []

  init(_ text: String, _ operands: [Tensor]) throws(CoreError) {
    let plain = String(text.unicodeScalars.filter { $0 != " " }.map(Character.init))
    let sides = Self.split(plain, "->")
    let parts = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard sides.count <= 2 else { throw Self.error("\"\(text)\" has more than one ->") }
    guard parts.count == operands.count else {
      throw Self.error("\"\(text)\" names \(parts.count) operands, but \(operands.count) are given")
    }
    var sizes: [Int: Int] = [:]
    var counts: [Int: Int] = [:]
    var unnamed = 0
    for (part, operand) in zip(parts, operands) {
      let names = try Self.names(part, rank: operand.rank, text)
      inputs.append(names)
      unnamed = max(unnamed, names.count { $0 < 0 })
      for (axis, name) in names.enumerated() {
        counts[name, default: 0] += 1
        if let size = sizes[name], size != operand.shape[axis] {
          let label = name < 0 ? "..." : String(UnicodeScalar(UInt8(name)))
          throw CoreError(
            .shape, "\(label) of \"\(text)\" is \(size) in one operand and \(operand.shape[axis]) in another",
            hint: "an axis has one size wherever its letter stands", argument: "operands")
        }
        sizes[name] = operand.shape[axis]
      }
    }
    let ellipsis = (0..<unnamed).map { $0 - unnamed }
    guard sides.count == 2 else {
      output = ellipsis + counts.filter { $0.key >= 0 && $0.value == 1 }.keys.sorted()
      return
    }
    output = try Self.names(sides[1], rank: nil, text, ellipsis: ellipsis)
    guard Set(output).count == output.count else { throw Self.error("the result of \"\(text)\" names an axis twice") }
    if let missing = output.first(where: { sizes[$0] == nil }) {
      throw Self.error(
        "the result of \"\(text)\" names \(String(UnicodeScalar(UInt8(max(missing, 0))))), which no operand has")
    }
    if !ellipsis.isEmpty, !output.contains(where: { $0 < 0 }) {
      // As in NumPy, axes without names are not summed unseen.
      throw Self.error("the result of \"\(text)\" lacks the ... of its operands")
    }
  }

  private static func error(_ message: String) -> CoreError {
    CoreError(.value, message, hint: "einsum(\"ij,jk->ik\", a, b) is the matrix product", argument: "formula")
  }

  private static func split(_ text: String, _ mark: String) -> [String] {
    var parts: [String] = [""]
    var rest = Substring(text)
    while !rest.isEmpty {
      if rest.hasPrefix(mark) {
        parts.append("")
        rest = rest.dropFirst(mark.count)
      } else {
        parts[parts.count - 1].append(rest.removeFirst())
      }
    }
    return parts
  }

  private static func names(
    _ part: String, rank: Int?, _ text: String, ellipsis: [Int] = []
  ) throws(CoreError) -> [Int] {
    let halves = split(part, "...")
    guard halves.count <= 2 else { throw error("\"\(part)\" of \"\(text)\" has more than one ...") }
    var letters: [[Int]] = []
    for half in halves {
      var found: [Int] = []
      for scalar in half.unicodeScalars {
        guard ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) else {
          throw error("\"\(text)\" has \(scalar) where a letter for an axis should be")
        }
        found.append(Int(scalar.value))
      }
      letters.append(found)
    }
    let named = letters.reduce(0) { $0 + $1.count }
    guard let rank else { return halves.count == 2 ? letters[0] + ellipsis + letters[1] : letters[0] }
    guard halves.count == 2 ? named <= rank : named == rank else {
      throw CoreError(
        .shape, "\"\(part)\" of \"\(text)\" names \(named) axes, but that operand has \(rank)",
        hint: "one letter for each axis; ... stands for those without a name", argument: "operands")
    }
    return halves.count == 2 ? letters[0] + (0..<rank - named).map { $0 - (rank - named) } + letters[1] : letters[0]
  }
}

/// A tensor with a name for each axis.
private struct EinsumTerm {
  var names: [Int]
  var tensor: Tensor

  /// The diagonal over axes of one name.
  func withoutRepeats() throws(CoreError) -> EinsumTerm {
    var unique: [Int] = []
    for name in names where !unique.contains(name) { unique.append(name) }
    if unique.count == names.count { return self }
    let strides = View.strides(tensor.shape)
    let sizes = unique.map { name in tensor.shape[names.firstIndex(of: name) ?? 0] }
    let steps = unique.map { name in names.indices.filter { names[$0] == name }.reduce(0) { $0 + strides[$1] } }
    let count = try Shape.count(sizes)
    let inner = View.strides(sizes)
    var places: [Int] = []
    places.reserveCapacity(count)
    for i in 0..<count {
      try StopSignal.poll(at: i)
      places.append(sizes.indices.reduce(0) { $0 + i / inner[$1] % sizes[$1] * steps[$1] })
    }
    return EinsumTerm(names: unique, tensor: try tensor.taking(1, places, as: sizes))
  }

  func summing(except kept: Set<Int>) throws(CoreError) -> EinsumTerm {
    let axes = names.indices.filter { !kept.contains(names[$0]) }
    if axes.isEmpty { return self }
    return EinsumTerm(names: names.filter(kept.contains), tensor: try tensor.sum(axes: axes))
  }

  /// The product, summed over the names that both have and nobody needs.
  func joined(with other: EinsumTerm, keeping needed: Set<Int>) throws(CoreError) -> EinsumTerm {
    let both = names.filter(other.names.contains)
    let batch = both.filter(needed.contains)
    let summed = both.filter { !needed.contains($0) }
    let left = names.filter { !both.contains($0) }
    let right = other.names.filter { !both.contains($0) }
    func size(_ names: [Int]) -> Int {
      names.reduce(1) { $0 * (self.size(of: $1) ?? other.size(of: $1) ?? 1) }
    }
    let a = try arranged(batch + left + summed).reshape([size(batch), size(left), size(summed)])
    let b = try other.arranged(batch + summed + right).reshape([size(batch), size(summed), size(right)])
    let result = batch + left + right
    return EinsumTerm(names: result, tensor: try matmul(a, b).reshape(result.map { size([$0]) }))
  }

  private func size(of name: Int) -> Int? { names.firstIndex(of: name).map { tensor.shape[$0] } }

  private func arranged(_ order: [Int]) throws(CoreError) -> Tensor {
    try tensor.permute(order.compactMap { names.firstIndex(of: $0) })
  }
}
