import Base
import Tensors
import Testing

/// Gradients that are followed in turn.
@Suite struct SecondGradientTests {
  /// u: an outer leaf; q: the inner one.
  private func leaves() throws -> (u: Tensor, q: Tensor) {
    (try Tensor([2, 3]).tracked(), try Tensor([5, 7]).tracked())
  }

  @Test func aGradientThatDependsOnAnOuterLeafIsFollowed() throws {
    let (u, q) = try leaves()
    let found = try followedGradients(of: mul(mul(q, q), u).sum(), withRespectTo: [q])
    #expect(found.areFollowed && found.gradients[0].isTracked)
    expectEqual(found.gradients[0], try Tensor([20, 42]))
    expectEqual(try gradients(of: found.gradients[0].sum(), withRespectTo: [u])[0], try Tensor([10, 14]))
  }

  @Test func whatDoesNotDependOnItIsAConstant() throws {
    let (u, q) = try leaves()
    let found = try followedGradients(of: add(mul(q, q), u).sum(), withRespectTo: [q]).gradients[0]
    // It is computed from q alone: nothing of u leads to it.
    q.close()
    #expect(!found.isRecording)
    #expect(u.isRecording)
  }

  @Test func withoutAnOuterLeafNothingIsRecorded() throws {
    let q = try Tensor([5]).tracked()
    let loss = try mul(q, q).sum()
    let found = try followedGradients(of: loss, withRespectTo: [q])
    #expect(!found.areFollowed && !found.gradients[0].isTracked)
    // What was saved has been released.
    #expect(throws: CoreError.self) { try gradients(of: loss, withRespectTo: [q]) }
  }

  /// An operation is trusted once only, unless it says that its gradient can be differentiated: never a wrong number.
  @Test func anOperationThatCannotBeDifferentiatedTwiceSaysSo() throws {
    let (u, q) = try leaves()
    let squares = try Tensor([25, 49])
    func square(_ x: Tensor) throws(CoreError) -> Tensor {
      let saved = x.detached()
      return try squares.recording([x], operation: "mySquare") { (g, _) throws(CoreError) in [try mul(g, saved * 2)] }
    }
    let found = try followedGradients(of: mul(square(q), u).sum(), withRespectTo: [q]).gradients[0]
    expectEqual(found, try Tensor([20, 42]))
    let error = #expect(throws: CoreError.self) { try gradients(of: found.sum(), withRespectTo: [u]) }
    #expect(error?.message.contains("my_square") == true && error?.hint?.contains("detach(grad(") == true)
  }
}
