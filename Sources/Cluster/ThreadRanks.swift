import Base
import Platform

/// Threads of one process as ranks, for tests: what travels is copied from one thread's memory to another's.
///
/// All say where their bytes are, and each copies what is for it once all have. Whoever aborts wakes the others, whose calls
/// throw; so does a rank that ends while others wait for it.
public final class ThreadRanks: Sendable {
  /// What travels at a time: of each rank its bytes, and the size of the piece for each rank, one where it is for all.
  fileprivate struct Round {
    var posts: [(message: Message, sizes: [Int])?]
    /// How many ranks have copied theirs, and how many have seen that all did.
    var (copied, left) = (0, 0)

    init(size: Int) { posts = Array(repeating: nil, count: size) }
  }

  private struct State {
    /// Those that have begun, by their numbers.
    var rounds: [Int: Round] = [:]
    var failure: CoreError?
  }

  fileprivate let size: Int
  private let state: Locked<State>

  private init(_ size: Int) {
    self.size = size
    state = Locked(State())
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

  /// Says what a rank gives in a round.
  fileprivate func post(_ round: Int, _ rank: Int, _ message: Message, _ sizes: [Int]) {
    state.withLock { $0.rounds[round, default: Round(size: size)].posts[rank] = (message, sizes) }
  }

  /// What all give in a round; nil until all have said so.
  fileprivate func posts(_ round: Int) throws(CoreError) -> [(message: Message, sizes: [Int])]? {
    let (posts, failure) = state.withLock { ($0.rounds[round]?.posts.compactMap { $0 }, $0.failure) }
    guard let posts, posts.count == size else {
      if let failure { throw failure }
      return nil
    }
    return posts
  }

  fileprivate func haveCopied(_ round: Int) { state.withLock { $0.rounds[round]?.copied += 1 } }

  /// Whether all have copied what is theirs, for a rank that has.
  fileprivate func isOver(_ round: Int) throws(CoreError) -> Bool {
    let (isOver, failure) = state.withLock { state in
      guard let found = state.rounds[round], found.copied == size else { return (false, state.failure) }
      state.rounds[round]?.left += 1
      if found.left + 1 == size { state.rounds[round] = nil }
      return (true, nil)
    }
    if let failure, !isOver { throw failure }
    return isOver
  }
}

/// One of the threads.
private final class Rank: Communicator {
  private let ranks: ThreadRanks
  let rank: Int
  private let rounds = Locked(0)

  init(_ ranks: ThreadRanks, _ rank: Int) { (self.ranks, self.rank) = (ranks, rank) }

  var size: Int { ranks.size }

  func beginExchange(_ own: Message, _ sizes: [Int], into all: Message, _ counts: [Int]) -> any Delivery {
    begin(own, sizes, into: all, counts)
  }

  func beginGather(_ own: Message, into all: Message, _ counts: [Int]) -> any Delivery {
    begin(own, [], into: all, counts)
  }

  private func begin(_ own: Message, _ sizes: [Int], into all: Message, _ counts: [Int]) -> any Delivery {
    let round = rounds.withLock { number in
      number += 1
      return number
    }
    ranks.post(round, rank, own, sizes)
    return RankDelivery(ranks, rank, round, into: all, counts)
  }

  func abort(status: Int32) { ranks.fail(CoreError(.io, "rank \(rank) has ended all")) }
}

/// What a thread gets in a round.
private final class RankDelivery: Delivery {
  private let (ranks, rank, round): (ThreadRanks, Int, Int)
  private let all: Message
  private let counts: [Int]
  private var hasCopied = false
  private var isOver = false

  init(_ ranks: ThreadRanks, _ rank: Int, _ round: Int, into all: Message, _ counts: [Int]) {
    (self.ranks, self.rank, self.round, self.all, self.counts) = (ranks, rank, round, all, counts)
  }

  func isDone() throws(CoreError) -> Bool {
    if isOver { return true }
    if !hasCopied {
      guard let posts = try ranks.posts(round) else { return false }
      var end = 0
      for (post, count) in zip(posts, counts) {
        let start = post.sizes.prefix(rank).reduce(0, +)
        let given = post.sizes.isEmpty ? post.message.bytes.count : post.sizes[rank]
        let piece = post.message.bytes[start..<start + min(count, given)]
        UnsafeMutableRawBufferPointer(rebasing: all.bytes[end..<end + piece.count]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: piece))
        end += count
      }
      hasCopied = true
      ranks.haveCopied(round)
    }
    isOver = try ranks.isOver(round)
    return isOver
  }
}
