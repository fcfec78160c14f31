import Base
import Tensors

/// The shards of a batch in step with each other, so that each batch norm can take the statistics of all of them.
///
/// Each shard of this rank runs on a thread of its own, of which one moves at a time, in the order of the shards: it runs
/// until its next batch norm and hands in its numbers, then the next one does, and when all have, and the other ranks' too,
/// each gets the numbers of all. So nothing runs at the same time as anything else, and the numbers are combined in the
/// order of the shards, whoever has them. All shards go through the same layers, forward and back, so that they meet at the
/// same ones; where they do not, it is an error. The activations of all shards of a rank are in memory together.
final class LockStep {
  /// Where a shard stands.
  private enum Place {
    case running
    /// It waits for the numbers of the others.
    case waiting([Double])
    case done
    case failed(any Error)
  }

  /// One shard, and what passes between it and the one who conducts.
  fileprivate final class Shard: SharedStatistics, @unchecked Sendable {
    let share: Double
    private var place = Place.running
    private var answer: Result<[[Double]], CoreError>?
    private let turn = Arrival()
    private let end = Arrival()

    init(share: Double) { self.share = share }

    /// Called on the shard's own thread.
    func exchange(_ own: [Double]) throws(CoreError) -> [[Double]] {
      place = .waiting(own)
      end.post()
      turn.wait()
      place = .running
      return try (answer ?? .success([])).get()
    }

    /// Runs `body` on a thread of its own, up to its first exchange.
    func begin(_ body: @escaping () throws -> Void) {
      let (settings, signal) = (RunSettings.ofThread, StopSignal.ofThread)
      let isStarted = startDetachedThread(stackSize: 64 << 20) {
        do {
          try settings.carry {
            if let signal { try signal.carry(body) } else { try body() }
          }
          self.place = .done
        } catch { self.place = .failed(error) }
        self.end.post()
      }
      if !isStarted {
        place = .failed(CoreError(.memory, "the system has no thread left for a shard"))
        end.post()
      }
      end.wait()
    }

    /// Lets it go on with an answer, up to its next exchange.
    func next(_ result: Result<[[Double]], CoreError>) {
      guard case .waiting = place else { return }
      answer = result
      turn.post()
      end.wait()
    }

    var numbers: [Double]? { if case .waiting(let numbers) = place { numbers } else { nil } }
    var failure: (any Error)? { if case .failed(let error) = place { error } else { nil } }
  }

  private let ranks: (any Communicator)?
  private let number: Int

  /// - Parameter number: which sum of the run it belongs to.
  init(_ ranks: (any Communicator)?, number: Int) { (self.ranks, self.number) = (ranks, number) }

  /// Runs `body` for each of these shards.
  ///
  /// - Parameters:
  ///   - shards: their numbers and their shares of the batch.
  ///   - body: gets the place of the shard in the list, and what it shares statistics by.
  /// - Throws: what a shard throws, on all ranks.
  func run(
    _ shards: [(index: Int, share: Double)], _ body: @escaping (Int, any SharedStatistics) throws -> Void
  ) throws {
    let all = shards.map { Shard(share: $0.share) }
    for (place, shard) in all.enumerated() { shard.begin { try body(place, shard) } }
    while true {
      do {
        let isDone = try round(all)
        if isDone { return }
      } catch {
        // Those that wait end with it, one after the other.
        for shard in all {
          while shard.numbers != nil { shard.next(.failure((error as? CoreError) ?? CoreError(.value, "\(error)"))) }
        }
        throw error
      }
    }
  }

  /// Has all shards tell each other their numbers, and go on to the next exchange.
  ///
  /// - Returns: whether all are at their end.
  private func round(_ all: [Shard]) throws -> Bool {
    let failure = all.lazy.compactMap(\.failure).first
    if let ranks { try ranks.agree(.statistics, number, failure) } else if let failure { throw failure }
    let own = all.compactMap(\.numbers)
    // How many of how many wait, and their numbers.
    var words: [Double] = [Double(own.count), Double(all.count)]
    for numbers in own { words += [Double(numbers.count)] + numbers }
    let said = try ranks.map { try $0.meet(.statistics, number, saying: words.withUnsafeBytes { Array($0) }) }
    var (waiting, count, numbers) = (0, 0, [[Double]]())
    for words in said.map({ $0.map { Self.numbers(of: $0) } }) ?? [words] {
      guard words.count >= 2 else { continue }
      waiting += Int(words[0])
      count += Int(words[1])
      var place = 2
      while place < words.count {
        let size = Int(words[place])
        numbers.append(Array(words[(place + 1)..<(place + 1 + size)]))
        place += 1 + size
      }
    }
    if waiting == 0 { return true }
    guard waiting == count, numbers.allSatisfy({ $0.count == numbers[0].count }) else {
      throw CoreError(
        .value, "the shards of a batch go through batch norm differently often: they have no statistics in common",
        hint: "leave sync_norm out", argument: "sync_norm")
    }
    for shard in all { shard.next(.success(numbers)) }
    return false
  }

  private static func numbers(of bytes: [UInt8]) -> [Double] {
    let size = MemoryLayout<Double>.stride
    return bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / size).map { bytes.loadUnaligned(fromByteOffset: $0 * size, as: Double.self) }
    }
  }
}
