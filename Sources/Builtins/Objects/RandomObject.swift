import Base
import Datasets
import Devices
import Interpreter
import Tensors

/// `random(7)`: a stream of random numbers in the language, a reference. Every draw takes the next numbers: draw i is keyed
/// by the seed and by i, so that the same draws in the same order give the same bits.
final class RandomObject: HostObject {
  private let stream: RandomStream
  private let seed: Int
  private let bits: UInt64
  var draws: Int

  init(seed: UInt64, _ number: Int, draws: Int = 0) {
    bits = seed
    self.draws = draws
    stream = RandomStream(seed: seed, purpose: "random")
    self.seed = number
  }

  override func save(to out: ObjectWriter) throws(CoreError) {
    out.kind = "random"
    out.write(Int(Int64(bitPattern: bits)))
    out.write(seed)
    out.write((out.restorePoint(of: self) as? RandomRestorePoint)?.draws ?? draws)
  }
  override var restorePoint: (any RestorePoint)? { RandomRestorePoint(self, draws: draws) }

  override class var typeName: String { "random" }
  override class var typeSummary: String { "A stream of random numbers that moves on with every draw." }
  override class var members: [Member] { own }
  private static let own =
    [
      Member("draws", "int", "How many draws were made.") { (random: RandomObject) in Value(random.draws) },
      Member("seed", "int", "The seed that it was made with.") { (random: RandomObject) in Value(random.seed) },
    ]
    + Method.all.map { method in
      Member(method.signature.name, "function", method.summary) { (random: RandomObject) in
        .object(HostFunction(method.signature) { call in try random.draw { try method.draw($0, call) } })
      }
    }

  override func shortText(_ options: PrintOptions) -> String { "<random seed=\(seed) draws=\(draws)>" }

  /// What a draw is made of; it counts only once it has succeeded.
  fileprivate func draw<Result>(_ body: (RandomStream) throws -> Result) throws -> Result {
    let result = try body(stream.child(draws))
    draws &+= 1
    return result
  }

  /// A function of a stream, such as `r.rand`.
  fileprivate struct Method: Sendable {
    var signature: CallSignature
    var summary: String
    var draw: @Sendable (RandomStream, Call) throws -> Value

    init(_ signature: String, _ summary: String, _ draw: @escaping @Sendable (RandomStream, Call) throws -> Value) {
      self.signature = CallSignature(signature)
      self.summary = summary
      self.draw = draw
    }

    static let all: [Method] = [
      Method(
        "rand(shape: list = []) -> tensor | float", "Uniform numbers from 0 to below 1; a single one without a shape."
      ) {
        stream, call in
        try numbers(call) { shape in try Tensor.uniform(shape, stream: stream) }
      },
      Method("randn(shape: list = []) -> tensor | float", "Normal numbers; a single one without a shape.") {
        stream, call in
        try numbers(call) { shape in try Tensor.normal(shape, stream: stream) }
      },
      Method("integer(below: int > 0) -> int", "A whole number from 0 to below - 1.") { stream, call in
        .int(stream.integer(below: try call.int("below"), at: 0))
      },
      Method("choice(xs: list) -> any", "One element of a list.") { stream, call in
        let items = try call.list("xs")
        guard !items.isEmpty else { throw call.error(.value, "xs is empty: there is nothing to choose", at: "xs") }
        return items[stream.integer(below: items.count, at: 0)]
      },
      Method("shuffled(xs: list | dataset) -> list | dataset", "A list or data set in another order.") { stream, call in
        if let data = try call["xs"].asObject as? DatasetObject {
          return Value(DatasetObject(data.data.shuffled(seed: stream.bits64(at: 0))))
        }
        let items = try call.list("xs")
        return Value(stream.permutation(items.count).map { items[$0] })
      },
      Method("next_seed() -> int", "A seed for a function that takes one.") { stream, _ in
        .int(Int(stream.bits64(at: 0) >> 11))
      },
    ]

    private static func numbers(
      _ call: Call, _ make: ([Int]) throws -> Tensor
    ) throws -> Value {
      let value = Value(try make(try call.ints("shape")))
      guard call.isGiven("shape"), case .object = value else {
        if case .object(let object) = value, let number = try object.number() { return number }
        return value
      }
      return value
    }
  }
}
