import Base

/// Counts what a piece of code reads from the device, so that tests can hold training and attacks to what the contract of
/// `Device` allows: `HostReads.counting { … }` returns the bytes of each `download` that the body made.
package enum HostReads {
  @TaskLocal private static var log: Locked<[Int]>?

  /// - Returns: the number of bytes of each read, in order.
  package static func counting<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) -> [Int] {
    let log = Locked<[Int]>([])
    let result = $log.withValue(log) { () -> Result<Void, Failure> in Result(catching: body) }
    try result.get()
    return log.withLock { $0 }
  }

  /// Notes a read; the device calls it at each `download`.
  static func note(byteCount: Int) { log?.withLock { $0.append(byteCount) } }
}
