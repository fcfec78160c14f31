import Base
import Synchronization
import TestSupport
import Testing

@testable import Tensors

/// Work that is stopped throws, and nobody sees what it left unfinished.
struct StoppingTests {
  private static func raised() -> StopSignal {
    let signal = StopSignal()
    signal.raise(.interrupted)
    return signal
  }

  @Test func kernelsLeaveOutWhatIsNotBegun() throws {
    let x = try Tensor.ones([1 << 20])
    Self.raised().carry { expectError(.interrupted) { _ = try x.exp() } }
    #expect(try x.exp().count == 1 << 20)
  }

  /// Raised at its nth look.
  private static func raised(atLook n: Int, by reason: StopSignal.Reason = .interrupted) -> StopSignal {
    let signal = StopSignal()
    let counter = Counter()
    signal.atEveryLook { [unowned signal] in if counter.next() == n { signal.raise(reason) } }
    return signal
  }

  @Test func aKernelStopsInTheMiddle() throws {
    let x = try Tensor.ones([1 << 22])
    let signal = Self.raised(atLook: 5, by: .limit(message: "enough", hint: nil))
    signal.carry { expectError(.limit) { _ = try x.sin() } }
  }

  @Test func whatIsWrittenInPlaceIsWhole() throws {
    let signal = Self.raised()
    var x = try Tensor.zeros([1 << 18])
    let ones = try Tensor.ones([1 << 18])
    try signal.carry { () throws(CoreError) in try x.assign(starts: [0], stops: [1 << 18], ones) }
    #expect(try x.sum().item() == Double(1 << 18))
    var velocity: Tensor?
    try signal.carry { () throws(CoreError) in
      try SGDUpdate(learningRate: 1, momentum: 0.5).apply(to: &x, velocity: &velocity, gradient: ones)
    }
    #expect(try x.sum().item() == 0)
  }

  /// Packed weights outlive the call that made them.
  @Test func packedWeightsAreWhole() throws {
    let x = try Tensor.uniform([2, 32, 9, 9], stream: RandomStream(seed: 1, purpose: "x"))
    let w = try Tensor.uniform([64, 32, 3, 3], stream: RandomStream(seed: 2, purpose: "w"))
    let fresh = try Tensor(w.floats(), shape: w.shape)
    for look in 1...40 {
      let signal = Self.raised(atLook: look)
      _ = try? signal.carry { () throws(CoreError) in _ = try conv2d(x, w, padding: Padding(1)) }
    }
    #expect(try conv2d(x, w, padding: Padding(1)).isIdentical(to: conv2d(x, fresh, padding: Padding(1))))
  }
}

private final class Counter: Sendable {
  private let count = Atomic(0)
  func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
}
