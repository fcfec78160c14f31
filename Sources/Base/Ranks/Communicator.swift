/// The processes that run one script together, each with a number: its rank.
///
/// Only bytes travel. Whatever is added up is added here, in an order of our own, since a library of messages may choose
/// another one for each number of ranks. All ranks call the same functions in the same order; what begins something that
/// they do together is a `meet`, so that ranks that have come to different places say so instead of waiting for ever.
/// What travels does so by itself once it has begun (`Delivery`), so that a rank can work meanwhile.
/// `Cluster` has the one over MPI, and one of threads for tests; the core sees the protocol alone.
public protocol Communicator: AnyObject, Sendable {
  /// The number of this process, from 0.
  var rank: Int { get }
  /// How many there are.
  var size: Int { get }

  /// Begins to give each rank a piece, and to take one from each.
  ///
  /// - Parameters:
  ///   - own: the pieces for rank 0, 1, … one after the other.
  ///   - sizes: the bytes of each of them.
  ///   - all: where the pieces from rank 0, 1, … are put, one after the other.
  ///   - counts: the bytes of each of those.
  /// - Throws: `io` where another rank is gone.
  func beginExchange(_ own: Message, _ sizes: [Int], into all: Message, _ counts: [Int])
    throws(CoreError) -> any Delivery

  /// Begins to give every rank the same, and to take what each gives.
  ///
  /// - Parameters:
  ///   - own: what this rank gives, `counts[rank]` bytes.
  ///   - all: where what rank 0, 1, … gives is put, one after the other.
  ///   - counts: the bytes of each.
  /// - Throws: `io` where another rank is gone.
  func beginGather(_ own: Message, into all: Message, _ counts: [Int]) throws(CoreError) -> any Delivery

  /// Ends all ranks at once, this one too.
  func abort(status: Int32)
}

/// The processes of a run, as sessions and threads keep them (`RunSettings`).
public final class Ranks: Sendable {
  /// What they talk by.
  public let communicator: any Communicator

  /// The processes that talk by this.
  public init(_ communicator: any Communicator) { self.communicator = communicator }
}

/// Where ranks meet: what they are about to do together.
public enum Meeting: UInt32, Sendable {
  case start = 1
  case importing, writing, fit, checkpoint, records, statistics, images, step, sums, epoch, kept, end

  fileprivate var words: String {
    switch self {
    case .start: "at its start"
    case .importing: "at an import"
    case .writing: "about to write a file"
    case .fit, .checkpoint, .records: "at the beginning of a fit"
    case .statistics: "in a batch norm"
    case .images, .step, .sums: "in a step of fit"
    case .epoch: "after an epoch of fit"
    case .kept: "at the end of a fit"
    case .end: "at its end"
    }
  }
}

extension Communicator {
  /// Whether this is the rank that prints, saves and logs.
  public var isFirst: Bool { rank == 0 }

  /// Says what this rank has to say at a meeting, and hears the others.
  ///
  /// - Parameters:
  ///   - number: which of several meetings of a kind it is, such as the step; that of all ranks must be the same.
  ///   - seconds: how long to wait for the others; nil for as long as they take.
  /// - Returns: what each rank said, by rank.
  /// - Throws: `value` on all ranks where they have not come to the same place.
  public func meet(
    _ meeting: Meeting, _ number: Int = 0, saying words: [UInt8] = [], within seconds: Double? = nil
  ) throws(CoreError) -> [[UInt8]] {
    let heads = try gather([Int(meeting.rawValue), number, words.count], each: 3, within: seconds)
    for (other, head) in heads.enumerated() where head[0] != heads[0][0] || head[1] != heads[0][1] {
      func place(_ head: [Int]) -> String {
        UInt32(exactly: head[0]).flatMap { Meeting(rawValue: $0) }?.words ?? "elsewhere"
      }
      let (first, second) = (place(heads[0]), place(head))
      throw CoreError(
        .value,
        "the ranks have come apart: rank 0 is \(first), rank \(other) is \(second)"
          + (first == second ? ", of another number" : ""),
        hint: "what a script does must not depend on the time, the machine or what only one of them sees")
    }
    let counts = heads.map { $0[2] }
    guard counts.contains(where: { $0 > 0 }) else { return counts.map { _ in [] } }
    let all = Message(byteCount: counts.reduce(0, +))
    try beginGather(Message(words), into: all, counts).wait(within: seconds)
    var said: [[UInt8]] = []
    var start = 0
    for count in counts {
      said.append(Array(all.bytes[start..<start + count]))
      start += count
    }
    return said
  }

  /// The same number of whole numbers from each rank.
  private func gather(_ own: [Int], each: Int, within seconds: Double?) throws(CoreError) -> [[Int]] {
    let sent = Message(own)
    let all = Message(byteCount: sent.bytes.count * size)
    try beginGather(sent, into: all, Array(repeating: sent.bytes.count, count: size)).wait(within: seconds)
    return (0..<size).map { Array(all.elements(Int.self)[$0 * each..<($0 + 1) * each]) }
  }

  /// The number of a record that the first rank keeps; nil where it keeps none.
  ///
  /// - Parameter number: what this rank knows of it.
  package func told(_ number: Int?) throws(CoreError) -> Int? {
    Int(String(decoding: try meet(.records, 1, saying: Array((number.map { "\($0)" } ?? "").utf8))[0], as: UTF8.self))
  }

  /// Does something on every rank, which succeeds on all of them or fails on all of them: with the error of the first rank
  /// that has one, and its number.
  public func together<Outcome>(_ meeting: Meeting, _ number: Int = 0, _ body: () throws -> Outcome)
    throws(CoreError) -> Outcome
  {
    var outcome: Outcome?
    var failure: (any Error)?
    do { outcome = try body() } catch { failure = error }
    try agree(meeting, number, failure)
    guard let outcome else { throw CoreError(.value, "a rank has done nothing") }
    return outcome
  }

  /// Tells the others whether this rank has failed, and hears whether one of them has.
  ///
  /// - Parameter failure: what this rank has failed with.
  /// - Throws: the error of the first rank that has one: an interruption as it is, others with the number of the rank.
  public func agree(_ meeting: Meeting, _ number: Int = 0, _ failure: (any Error)?) throws(CoreError) {
    let said = try meet(meeting, number, saying: failure.map { Self.bytes(of: $0) } ?? [])
    let failures = said.map { Self.error(from: $0) }
    if failures.contains(where: { $0?.kind == .interrupted }) { throw CoreError(.interrupted, "interrupted") }
    for case (let other, let error?) in failures.enumerated() {
      throw error.kind == .limit ? error : error.prefixed("rank \(other)")
    }
  }

  private static func bytes(of error: any Error) -> [UInt8] {
    let own: CoreError =
      StopSignal.reasonOfThread.map { CoreError($0) } ?? (error as? CoreError) ?? CoreError(.value, "\(error)")
    let parts = [own.kind.rawValue, own.message, own.hint ?? "", own.argument ?? ""]
    return Array(parts.joined(separator: "\u{0}").utf8)
  }

  private static func error(from bytes: [UInt8]) -> CoreError? {
    guard !bytes.isEmpty else { return nil }
    let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\u{0}", omittingEmptySubsequences: false)
      .map(String.init)
    guard parts.count == 4 else { return CoreError(.value, "an error without words") }
    return CoreError(
      CoreError.Kind(rawValue: parts[0]) ?? .value, parts[1], hint: parts[2].isEmpty ? nil : parts[2],
      argument: parts[3].isEmpty ? nil : parts[3])
  }
}
