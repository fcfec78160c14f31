import Kernels
import Synchronization

/// Settings of the core that hold for the whole process.
public enum Compute {
  /// How many threads share the work: `LTD_THREADS`, else the number of processors. Results do not depend on it.
  public static var threads: Int {
    get { Threads.count }
    set { Threads.count = newValue }
  }

  /// The most bytes that tensors may take: `LTD_MEMORY_LIMIT`, else nine tenths of the machine's memory. Beyond it
  /// operations throw an error of kind `memory`.
  public static var memoryLimit: Int {
    get { Memory.limit }
    set { Memory.limit = newValue }
  }

  /// Bytes that tensors take now, the most since the start or `resetPeakMemory`, and bytes kept for reuse.
  public static var memory: (inUse: Int, peak: Int, cached: Int) {
    let statistics = Memory.statistics
    return (statistics.inUse, statistics.peak, statistics.cached)
  }

  public static func resetPeakMemory() { Memory.resetPeak() }

  private static let finite = Atomic(false)

  /// Whether every operation looks at its result and throws an error of kind `numeric` where NaN or an infinity first
  /// appears, in gradients too. Otherwise they spread as IEEE 754 says. Slow: for finding out where they come from.
  public static var checksFinite: Bool {
    get { finite.load(ordering: .relaxed) }
    set { finite.store(newValue, ordering: .relaxed) }
  }

  /// In a struct: a bare closure in a `Mutex` gets one more wrapper at every access.
  private struct InterruptCheck: Sendable {
    var isInterrupted: @Sendable () -> Bool
  }

  private static let interrupt = Mutex<InterruptCheck?>(nil)

  /// Asked between the steps of long work; true stops it with an error of kind `interrupted`.
  public static func setInterrupt(check: (@Sendable () -> Bool)?) {
    interrupt.withLock { $0 = check.map { InterruptCheck(isInterrupted: $0) } }
  }

  /// Throws when the user asked to stop.
  public static func poll() throws(CoreError) {
    guard let check = interrupt.withLock({ $0 }), check.isInterrupted() else { return }
    throw CoreError(.interrupted, "interrupted")
  }
}
