import Tensors
import Testing

/// Operations write their results over operands that nobody else holds, and over no others.
@Suite struct TakenOperandTests {
  typealias Unary = @Sendable (consuming Tensor) throws -> Tensor
  typealias Binary = @Sendable (consuming Tensor, consuming Tensor) throws -> Tensor

  private static let unary: [(String, Unary)] = [
    ("neg", { try $0.neg() }), ("exp", { try $0.exp() }), ("log", { try $0.log() }), ("sqrt", { try $0.sqrt() }),
    ("abs", { try $0.abs() }), ("square", { try $0.square() }), ("sign", { try $0.sign() }),
    ("sin", { try $0.sin() }), ("tanh", { try $0.tanh() }), ("sigmoid", { try $0.sigmoid() }),
    ("relu", { try $0.relu() }), ("leakyRelu", { try $0.leakyRelu(slope: 0.1) }), ("silu", { try $0.silu() }),
    ("relu6", { try $0.relu6() }), ("gelu", { try $0.gelu() }),
    ("round", { try $0.round() }), ("clip", { try $0.clip(min: -0.5, max: 0.5) }), ("affine", { try $0 * 3 + 1 }),
  ]
  private static let binary: [(String, Binary)] = [
    ("add", { try add($0, $1) }), ("sub", { try sub($0, $1) }), ("mul", { try mul($0, $1) }),
    ("div", { try div($0, $1) }), ("pow", { try pow($0, $1) }), ("maximum", { try maximum($0, $1) }),
    ("minimum", { try minimum($0, $1) }),
  ]
  private static let shapes: [([Int], [Int])] = [
    ([3, 5], [3, 5]), ([3, 5], [5]), ([3, 1], [3, 5]), ([2, 3, 4, 5], [3, 1, 1]), ([4], []), ([], [2, 2]),
    ([2, 1], [1, 3]), ([0, 3], [3]), ([70_000], [70_000]),
  ]

  @Test(arguments: unary.indices)
  func ofOne(_ place: Int) throws {
    let operation = Self.unary[place].1
    let held = try sample([3, 7])
    let before = held.floats()
    let expected = try operation(held)
    #expect(held.floats() == before)
    #expect(try operation(sample([3, 7])).isIdentical(to: expected))
  }

  @Test(arguments: binary.indices)
  func ofTwo(_ place: Int) throws {
    let operation = Self.binary[place].1
    for (first, second) in Self.shapes {
      let (a, b) = (try sample(first, "a"), try sample(second, "b"))
      let expected = try operation(a, b)
      #expect(try operation(sample(first, "a"), b).isIdentical(to: expected))
      #expect(try operation(a, sample(second, "b")).isIdentical(to: expected))
      #expect(try operation(sample(first, "a"), sample(second, "b")).isIdentical(to: expected))
      #expect(try a.isIdentical(to: sample(first, "a")) && b.isIdentical(to: sample(second, "b")))
    }
  }

  @Test func theMemoryOfTemporariesIsUsed() throws {
    let other = try sample([4, 4], "other")
    func temporary(_ memory: inout ObjectIdentifier?) throws -> Tensor {
      let made = try sample([4, 4])
      memory = ObjectIdentifier(made.storage)
      return made
    }
    var memory: ObjectIdentifier?
    #expect(ObjectIdentifier(try temporary(&memory).relu().storage) == memory)
    let chain = try (temporary(&memory) * other + 1).exp()
    #expect(ObjectIdentifier(chain.storage) == memory)
    let quotient = try other / temporary(&memory)
    #expect(ObjectIdentifier(quotient.storage) == memory)
    let product = try matmul(temporary(&memory), other)
    #expect(ObjectIdentifier(product.storage) != memory)
    #expect(try mul(other, other).storage !== other.storage)
  }

  @Test func layoutsDiffer() throws {
    let image = try sample([2, 3, 4, 5])
    let expected = try add(image, image)
    #expect(try add(image.channelsLast(), image).rowMajor().isIdentical(to: expected))
    #expect(try add(sample([2, 3, 4, 5]).channelsLast(), sample([2, 3, 4, 5])).rowMajor().isIdentical(to: expected))
    #expect(try add(sample([2, 3, 4, 5]), sample([2, 3, 4, 5]).channelsLast()).rowMajor().isIdentical(to: expected))
  }

  @Test func gradientsKeepWhatTheyRead() throws {
    let x = try sample([3, 4])
    let weight = try sample([3, 4], "weight")
    let tracked = x.tracked()
    let followed = try mul(tracked, weight)
    let total = try mul(followed.exp(), followed.sigmoid()).sum()
    let found = try gradients(of: total, withRespectTo: [tracked])
    let product = try mul(x, weight)
    let (e, s) = (try product.exp(), try product.sigmoid())
    let slope = try mul(mul(e, s), sub(.scalar(2), s))
    expectEqual(found[0], try mul(slope, weight), tolerance: 1e-5)
  }
}
