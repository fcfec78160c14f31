import Base
import Tensors

/// One operation of the core: what ltd does, what it should do, and the grid of cases that both are compared on.
///
/// The table of all operations is the only place that knows them: the tests compare results and gradients with it, the
/// reference vectors are run through it, and the speed mode of the benchmarks measures it.
public struct Operation: Sendable {
  public let name: String
  /// ltd's results by name, most often "y" alone.
  public let apply: @Sendable (Arguments<Tensor>) throws -> [String: Tensor]
  /// The definition, in double precision.
  public let exact: @Sendable (Arguments<Exact>) throws -> [String: Exact]
  public let cases: [Case]
  /// The relative error (L2) that is allowed, of results and gradients.
  public var tolerance = 3e-6
  /// What the speed mode measures.
  public var speed: [Case] = []
  /// Multiplications and additions of a case, from the shapes of its inputs and of the result; nil where memory counts.
  public var work: (@Sendable (_ inputs: [String: [Int]], _ result: [Int]) -> Double)?

  init(
    _ name: String, _ cases: [Case], tolerance: Double = 3e-6,
    results: @escaping @Sendable (Arguments<Tensor>) throws -> [String: Tensor],
    exactResults: @escaping @Sendable (Arguments<Exact>) throws -> [String: Exact]
  ) {
    self.name = name
    self.cases = cases
    self.tolerance = tolerance
    apply = results
    exact = exactResults
  }

  /// With the result "y".
  init(
    _ name: String, _ cases: [Case], tolerance: Double = 3e-6,
    apply: @escaping @Sendable (Arguments<Tensor>) throws -> Tensor,
    exact: @escaping @Sendable (Arguments<Exact>) throws -> Exact
  ) {
    self.init(
      name, cases, tolerance: tolerance, results: { ["y": try apply($0)] }, exactResults: { ["y": try exact($0)] })
  }

  func measured(
    _ speed: [Case], work: (@Sendable (_ inputs: [String: [Int]], _ result: [Int]) -> Double)? = nil
  ) -> Operation {
    var copy = self
    copy.speed = speed
    copy.work = work
    return copy
  }

  public static let all: [Operation] =
    elementwise + arithmetic + reductions + rows + losses + shaping + products + transformers + convolutions
    + normalisations + pools + composites + ordering

  public static func named(_ name: String) throws -> Operation {
    guard let found = all.first(where: { $0.name == name }) else {
      throw CoreError(.value, "no operation is called \(name)")
    }
    return found
  }
}

/// Inputs and settings of one application of an operation.
public struct Arguments<Value> {
  public var inputs: [String: Value]
  public var attributes: Attributes

  public init(_ inputs: [String: Value], _ attributes: Attributes) {
    self.inputs = inputs
    self.attributes = attributes
  }

  subscript(_ name: String) -> Value {
    get throws {
      guard let value = inputs[name] else { throw CoreError(.value, "there is no input \(name)") }
      return value
    }
  }

  func optional(_ name: String) -> Value? { inputs[name] }

  /// All inputs in the order of their names.
  var list: [Value] { inputs.sorted { $0.key < $1.key }.map(\.value) }
}

extension Arguments<Tensor> {
  func labels(_ name: String = "y") throws -> [Int] { try self[name].ints() }
}

extension Arguments<Exact> {
  func labels(_ name: String = "y") throws -> [Int] { try self[name].values.map { Int($0) } }
}

/// One case of the grid.
public struct Case: Sendable, CustomStringConvertible {
  public let inputs: [Input]
  public let attributes: Attributes

  init(_ inputs: [Input], _ attributes: Attributes = [:]) {
    self.inputs = inputs
    self.attributes = attributes
  }

  public func tensors() throws -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: try inputs.map { ($0.name, try $0.tensor()) })
  }

  public var description: String {
    (inputs.map { "\($0.name)\($0.shape)" } + [attributes.description]).filter { !$0.isEmpty }.joined(separator: " ")
  }
}

/// An input that depends on its name, shape and kind only.
public struct Input: Sendable {
  enum Content: Sendable {
    case normal
    /// At least a half.
    case positive
    /// Between −0.9 and 0.9.
    case unit
    /// Distinct numbers 0.1 apart, their magnitudes 0.04 apart and 0.03 away from 0: nothing near a kink.
    case distinct
    /// Rows that sum to 1.
    case probabilities
    case labels(below: Int)
    case mask
  }

  public let name: String
  public let shape: [Int]
  /// Whether gradients with respect to it are compared.
  public let isDifferentiable: Bool
  let content: Content

  init(_ name: String, _ shape: [Int], _ content: Content = .normal, isConstant: Bool = false) {
    self.name = name
    self.shape = shape
    self.content = content
    switch content {
    case .labels, .mask: isDifferentiable = false
    default: isDifferentiable = !isConstant
    }
  }

  func tensor() throws -> Tensor {
    let stream = RandomStream(seed: 7, purpose: name, indices: shape)
    let normal = try Tensor.normal(shape, stream: stream)
    let count = shape.reduce(1, *)
    switch content {
    case .normal: return normal
    case .positive: return try normal.abs() + 0.5
    case .unit: return try normal.tanh() * 0.9
    case .distinct:
      return try Tensor(stream.permutation(count).map { (Float($0) - Float(count / 2)) * 0.1 + 0.03 }, shape: shape)
    case .probabilities: return try normal.softmax()
    case .labels(let bound): return try Tensor(ints: stream.integers(count, below: bound), shape: shape)
    case .mask: return try greater(normal, .scalar(0))
    }
  }
}
