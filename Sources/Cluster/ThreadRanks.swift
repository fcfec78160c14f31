import Base
import Platform

/// Threads of one process as ranks, for tests: what travels is copied from one thread's memory to another's.
///
/// Each call has two rounds: all say where their bytes are, then all copy. Whoever aborts wakes the others, whose calls
/// throw; so does a rank that ends while others wait for it.
public final class ThreadRanks: Sendable {
  private struct State {
    var posts: [(bytes: UInt, sizes: [Int])?]
    var arrived = 0
    var round = 0
    var failure: CoreError?
  }

  fileprivate let size: Int
  private let state: Locked<State>

  private init(_ size: Int) {
    self.size = size
    state = Locked(State(posts: Array(repeating: nil, count: size)))
  }

  /// Runs `body` on this many ranks, each on a thread of its own with the settings of the calling one.
  ///
  /// - Returns: what each rank returned or threw, by rank.
  public static func run<Outcome: Sendable>(
    _ size: Int, _ body: @escaping @Sendable (any Communicator) throws -> Outcome
  ) -> [Result<Outcome, any Error>] {
    let ranks = ThreadRanks(size)
    let outcomes = Locked([Result<Outcome, any Error>?](repeating: nil, count: size))
    let settings = RunSettings.ofThread
    for rank in 0..<size {
      let isStarted = startDetachedThread(stackSize: 64 << 20) {
        let outcome = Result { try settings.carry { try body(Rank(ranks, rank)) } }
        if case .failure = outcome {
          ranks.fail(CoreError(.io, "rank \(rank) has ended"))
        }
        outcomes.withLock { $0[rank] = outcome }
      }
      if !isStarted { outcomes.withLock { $0[rank] = .failure(CoreError(.memory, "no thread is left")) } }
    }
    while true {
      let all = outcomes.withLock { $0.compactMap { $0 } }
      if all.count == size { return all }
      usleep(200)
    }
  }

  fileprivate func fail(_ error: CoreError) { state.withLock { if $0.failure == nil { $0.failure = error } } }

  /// Waits until all ranks have come here.
  fileprivate func round(within seconds: Double?, _ arrive: (inout [(bytes: UInt, sizes: [Int])?]) -> Void)
    throws(CoreError)
  {
    let own = state.withLock { state in
      arrive(&state.posts)
      let own = state.round
      state.arrived += 1
      if state.arrived == size { (state.arrived, state.round) = (0, state.round + 1) }
      return own
    }
    let begin = monotonicSeconds()
    while true {
      let (isDone, failure) = state.withLock { ($0.round != own, $0.failure) }
      if isDone { return }
      if let failure { throw failure }
      if let seconds, monotonicSeconds() - begin > seconds {
        throw CoreError(.io, "the other ranks have not come within \(seconds.shortest) s")
      }
      usleep(20)
    }
  }

  fileprivate func post(_ rank: Int) -> (bytes: UInt, sizes: [Int])? { state.withLock { $0.posts[rank] } }
}

/// One of the threads.
private final class Rank: Communicator {
  let ranks: ThreadRanks
  let rank: Int

  init(_ ranks: ThreadRanks, _ rank: Int) { (self.ranks, self.rank) = (ranks, rank) }

  var size: Int { ranks.size }

  func exchange(
    _ own: UnsafeRawBufferPointer, _ sizes: [Int], into all: UnsafeMutableRawBufferPointer, _ counts: [Int]
  ) throws(CoreError) {
    try ranks.round(within: nil) { $0[rank] = (UInt(bitPattern: own.baseAddress), sizes) }
    var end = 0
    for other in 0..<size {
      guard let post = ranks.post(other) else { continue }
      let start = Int(post.bytes) + post.sizes[..<rank].reduce(0, +)
      copy(from: start, to: all, at: end, min(counts[other], post.sizes[rank]))
      end += counts[other]
    }
    try ranks.round(within: nil) { _ in }
  }

  func gather(
    _ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, _ counts: [Int], within seconds: Double?
  ) throws(CoreError) {
    try ranks.round(within: seconds) { $0[rank] = (UInt(bitPattern: own.baseAddress), [own.count]) }
    var end = 0
    for other in 0..<size {
      guard let post = ranks.post(other) else { continue }
      copy(from: Int(post.bytes), to: all, at: end, min(counts[other], post.sizes[0]))
      end += counts[other]
    }
    try ranks.round(within: seconds) { _ in }
  }

  private func copy(from address: Int, to all: UnsafeMutableRawBufferPointer, at place: Int, _ count: Int) {
    guard count > 0, let source = UnsafeRawPointer(bitPattern: address), let target = all.baseAddress else { return }
    (target + place).copyMemory(from: source, byteCount: count)
  }

  func abort(status: Int32) { ranks.fail(CoreError(.io, "rank \(rank) has ended all")) }
}
