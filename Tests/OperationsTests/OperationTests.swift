import Kernels
import Operations
import Tensors
import Testing

/// Every operation of the table on its grid of cases: results against their definition in double precision, gradients
/// against finite differences of that definition, for both memory layouts, all instruction sets and numbers of threads.
@Suite struct OperationTests {
  @Test(arguments: Operation.all.map(\.name))
  func agreesWithItsDefinition(_ name: String) throws {
    let operation = try Operation.named(name)
    for item in operation.cases {
      do {
        let inputs = try item.tensors()
        let other = try inputs.mapValues { $0.rank == 4 ? try $0.forConvolutions() : $0 }
        let exact = try operation.exact(Arguments(inputs.mapValues { Exact($0) }, item.attributes))
        let slopes = try Slopes(operation, item, inputs)
        for set in InstructionSet.available {
          try InstructionSet.with(set) {
            try check(operation, item, inputs, exact, slopes, "\(name) \(item), \(set)")
            try check(operation, item, other, exact, slopes, "\(name) \(item), \(set), channels last")
          }
        }
      } catch {
        Issue.record("\(name) \(item): \(error)")
      }
    }
  }

  private func check(
    _ operation: Operation, _ item: Case, _ inputs: [String: Tensor], _ exact: [String: Exact], _ slopes: Slopes,
    _ what: String
  ) throws {
    let results = try operation.apply(Arguments(inputs, item.attributes))
    #expect(results.keys.sorted() == exact.keys.sorted(), "\(what)")
    for (key, value) in exact {
      let result = try #require(results[key])
      #expect(result.shape == value.shape, "\(what), \(key)")
      let error = relativeError(result.floats(), value.values)
      #expect(error <= operation.tolerance, "\(what), \(key): relative error \(error)")
    }
    for (key, gradient) in try gradients(operation, item, inputs) {
      #expect(gradient.shape == inputs[key]?.shape, "\(what), gradient of \(key)")
      slopes.compare(key, gradient.floats(), tolerance: 10 * operation.tolerance, "\(what), gradient of \(key)")
    }
  }

  /// Results and gradients have the same bits for any number of threads.
  @Test(arguments: Operation.all.filter { !$0.speed.isEmpty }.map(\.name))
  func sameBitsForAnyNumberOfThreads(_ name: String) throws {
    let operation = try Operation.named(name)
    let before = Compute.threads
    defer { Compute.threads = before }
    for item in operation.cases.suffix(2) + operation.speed.prefix(1) {
      let inputs = try item.tensors()
      var first: [String: Tensor] = [:]
      for threads in 1...3 {
        Compute.threads = threads
        var all = try operation.apply(Arguments(inputs, item.attributes))
        for (key, gradient) in try gradients(operation, item, inputs) { all["gradient of \(key)"] = gradient }
        if threads == 1 { first = all }
        for (key, value) in all {
          #expect(first[key].map { $0.isIdentical(to: value) } == true, "\(name) \(item), \(key), \(threads) threads")
        }
      }
    }
  }

  /// With respect to all inputs that allow it: of Σ y · c, c fixed and random.
  private func gradients(
    _ operation: Operation, _ item: Case, _ inputs: [String: Tensor]
  ) throws -> [(key: String, gradient: Tensor)] {
    let names = item.inputs.filter(\.isDifferentiable).map(\.name)
    var leaves = inputs
    for name in names { leaves[name] = inputs[name]?.tracked() }
    let y = try #require(try operation.apply(Arguments(leaves, item.attributes))["y"])
    let sum = try mul(y, cotangent(y.shape)).sum()
    return Array(zip(names, try Tensors.gradients(of: sum, withRespectTo: names.compactMap { leaves[$0] })))
  }
}

/// The slopes of Σ y · c by central differences of the exact operation: element by element for small inputs, in
/// three random directions for others.
private struct Slopes {
  private var known: [String: [(direction: [Double], slope: Double)]] = [:]
  private static let step = 1e-5

  init(_ operation: Operation, _ item: Case, _ inputs: [String: Tensor]) throws {
    let arguments = inputs.mapValues { Exact($0) }
    for input in item.inputs where input.isDifferentiable {
      let x = try #require(arguments[input.name])
      let stream = RandomStream(seed: 7, purpose: "direction", indices: input.shape)
      let directions: [[Double]] =
        x.count <= 24
        ? (0..<x.count).map { i in (0..<x.count).map { $0 == i ? 1 : 0 } }
        : (0..<3).map { stream.child($0).normals(x.count).map { Double($0) } }
      known[input.name] = try directions.map { direction in
        func total(_ step: Double) throws -> Double {
          var moved = arguments
          moved[input.name] = Exact(x.shape, zip(x.values, direction).map { $0 + step * $1 })
          let y = try #require(try operation.exact(Arguments(moved, item.attributes))["y"])
          return zip(y.values, try cotangent(y.shape).floats()).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        return (direction, (try total(Self.step) - total(-Self.step)) / (2 * Self.step))
      }
    }
  }

  /// Along each direction, relative to the length of the gradient.
  func compare(_ key: String, _ gradient: [Float], tolerance: Double, _ what: String) {
    let size = max(gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot(), 1e-3)
    for (direction, slope) in known[key] ?? [] {
      let found = zip(gradient, direction).reduce(0) { $0 + Double($1.0) * $1.1 }
      let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(found - slope) <= tolerance * size * length, "\(what): \(found), by differences \(slope)")
    }
  }
}

private func cotangent(_ shape: [Int]) throws -> Tensor {
  try Tensor.normal(shape, stream: RandomStream(seed: 7, purpose: "cotangent", indices: shape))
}

/// √(Σ (a − b)² / Σ b²), with the absolute difference for small b.
private func relativeError(_ a: [Float], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  let difference = zip(a, b).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
  return (difference / max(b.reduce(0) { $0 + $1 * $1 }, 1e-6)).squareRoot()
}
