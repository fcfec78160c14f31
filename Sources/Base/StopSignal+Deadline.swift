extension StopSignal {
  /// Runs `body` on the calling thread and ends it when a time is passed, as Ctrl-C would.
  ///
  /// The body answers to a signal of its own, which also passes on what is raised for the thread outside.
  ///
  /// - Parameter end: by the clock of `monotonicSeconds`; an infinite one changes nothing, and costs nothing.
  /// - Returns: what `body` returns; nil where the time was passed first. Nothing of a body that was ended is used.
  package static func run<Result>(until end: Double, _ body: () throws -> Result) throws -> Result? {
    guard end < .infinity else { return try body() }
    nonisolated(unsafe) let outer = wordOfThread
    let signal = StopSignal()
    let isPassed = Locked(false)
    signal.atEveryLook { [unowned signal] in
      if isRaised(at: outer), let reason = raisedReason(of: outer) {
        signal.raise(reason)
      } else if monotonicSeconds() >= end {
        isPassed.withLock { $0 = true }
        signal.raise(.limit(message: "the time is up", hint: nil))
      }
    }
    defer { signal.atEveryLook(nil) }
    do { return try signal.carry(body) } catch {
      if isPassed.withLock({ $0 }) { return nil }
      throw error
    }
  }
}
