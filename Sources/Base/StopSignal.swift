import CCPU

/// A request to end work, and why: Ctrl-C, or a limit that is passed. Any thread may raise it, a signal handler too.
///
/// A thread carries the signal that its work answers to (`carry`), and its parallel work carries it along. Long work
/// looks at it between pieces of some milliseconds and leaves the rest out; whoever called it then throws. While
/// nothing is raised and no limit is set a look costs one load.
public final class StopSignal: @unchecked Sendable {
  /// Why work has to end.
  public enum Reason: Sendable, Equatable {
    /// The user has pressed Ctrl-C.
    case interrupted
    /// A limit of the run is passed; the message says which, the hint how to raise it.
    case limit(message: String, hint: String?)
  }

  private struct State: Sendable {
    var limit: (message: String, hint: String?)?
    var question: (@Sendable () -> Void)?
  }

  /// What looks read, and the signal handler sets.
  public let word: UnsafeMutablePointer<ltd_stop>
  private let state = Locked(State())

  static let interrupted: UInt32 = 1
  static let limit: UInt32 = 2
  /// Whoever looks is to put the question first.
  static let asking: UInt32 = 4

  /// A signal that nothing has raised and no thread carries.
  public init() {
    word = .allocate(capacity: 1)
    word.initialize(to: ltd_stop(bits: 0, owner: nil))
    word.pointee.owner = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit { word.deallocate() }

  // MARK: Raising

  /// Ends the work of every thread that carries the signal, at its next look.
  public func raise(_ reason: Reason) {
    switch reason {
    case .interrupted: ltd_stop_set(word, Self.interrupted)
    case .limit(let message, let hint):
      state.withLock { $0.limit = (message, hint) }
      ltd_stop_set(word, Self.limit)
    }
  }

  /// Takes Ctrl-C back, before the next statement.
  public func clearInterrupt() { ltd_stop_clear(word, Self.interrupted) }

  /// Takes a passed limit back, as for the blocks of `finally`.
  public func clearLimit() { ltd_stop_clear(word, Self.limit) }

  /// Something to be done at every look, by whichever thread looks: it raises the signal when its limit is passed.
  public func atEveryLook(_ question: (@Sendable () -> Void)?) {
    state.withLock { $0.question = question }
    if question == nil { ltd_stop_clear(word, Self.asking) } else { ltd_stop_set(word, Self.asking) }
  }

  // MARK: Looking

  /// Whether work has to end.
  @inlinable
  public var isRaised: Bool { Self.isRaised(at: word) }

  /// Why work has to end, if it has to.
  @inlinable
  public var reason: Reason? { isRaised ? raisedReason : nil }

  /// Whether it is Ctrl-C that was raised, without a look at the limits.
  public var isInterrupted: Bool { ltd_stop_bits(word) & Self.interrupted != 0 }

  /// Whether work has to end that answers to the signal of this word; false where there is none.
  @inlinable
  @inline(__always)
  public static func isRaised(at word: UnsafeMutablePointer<ltd_stop>?) -> Bool {
    guard let word else { return false }
    return ltd_stop_bits(word) != 0 && looked(word)
  }

  @inline(never)
  @usableFromInline
  static func looked(_ word: UnsafeMutablePointer<ltd_stop>) -> Bool {
    let bits = ltd_stop_bits(word)
    if bits & asking != 0, bits & (interrupted | limit) == 0 { signal(of: word)?.ask() }
    return ltd_stop_bits(word) & (interrupted | limit) != 0
  }

  private func ask() {
    let question = state.withLock { $0.question }
    question?()
  }

  @usableFromInline
  var raisedReason: Reason {
    let bits = ltd_stop_bits(word)
    if bits & Self.interrupted == 0, let limit = state.withLock({ $0.limit }) {
      return .limit(message: limit.message, hint: limit.hint)
    }
    return .interrupted
  }

  private static func signal(of word: UnsafeMutablePointer<ltd_stop>?) -> StopSignal? {
    word?.pointee.owner.map { Unmanaged<StopSignal>.fromOpaque($0).takeUnretainedValue() }
  }

  // MARK: Threads

  /// The word of the signal that the calling thread carries.
  @inlinable
  public static var wordOfThread: UnsafeMutablePointer<ltd_stop>? { ltd_thread_stop() }

  /// Why the work of the calling thread has to end, if it has to.
  @inlinable
  public static var reasonOfThread: Reason? {
    let word = ltd_thread_stop()
    return isRaised(at: word) ? raisedReason(of: word) : nil
  }

  @inline(never)
  @usableFromInline
  static func raisedReason(of word: UnsafeMutablePointer<ltd_stop>?) -> Reason? {
    signal(of: word)?.raisedReason
  }

  /// Runs `body` with the calling thread answering to this signal.
  public func carry<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    try Self.with(word, body)
  }

  /// Runs `body` to its end whatever is raised: what must not be left half done.
  public static func ignoring<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    try with(nil, body)
  }

  private static func with<Result, Failure>(
    _ word: UnsafeMutablePointer<ltd_stop>?, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let outer = ltd_thread_stop()
    ltd_thread_set_stop(word)
    defer { ltd_thread_set_stop(outer) }
    return try body()
  }
}

extension StopSignal {
  /// The signal that the calling thread answers to.
  package static var ofThread: StopSignal? { signal(of: ltd_thread_stop()) }

  /// Ends the work of whatever carries the signal that the calling thread answers to.
  package static func raiseOfThread(_ reason: Reason) { signal(of: ltd_thread_stop())?.raise(reason) }

  /// Throws when the work of the calling thread has to end: `interrupted`, or a `limit` that is passed.
  public static func poll() throws(CoreError) {
    if let reason = reasonOfThread { throw CoreError(reason) }
  }

  /// `poll` for loops over elements: it asks at one index of 4096.
  @inline(__always)
  public static func poll(at index: Int) throws(CoreError) {
    if index & 4095 == 4095 { try poll() }
  }
}

extension CoreError {
  /// A stopped run as an error of its own kind.
  public init(_ reason: StopSignal.Reason) {
    switch reason {
    case .interrupted: self.init(.interrupted, "interrupted")
    case .limit(let message, let hint): self.init(.limit, message, hint: hint)
    }
  }
}
