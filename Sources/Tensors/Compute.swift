import Base
import Kernels
import Synchronization

/// Settings of the core that hold for the whole process.
public enum Compute {
  /// What is wrong with a setting of the environment, `LTD_THREADS` and the like; nil when nothing is.
  public static var environmentProblem: String? { Environment.problem }

  /// To be called when a program starts: ends the idle threads of the linear-algebra library, which would take the
  /// processor from short programs.
  public static func prepare() { Threads.prepare() }

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

  private static let runLimit = Atomic(Int.max)

  /// Bounds the memory of tensors for this run; what would go beyond it ends with an error of kind `limit`.
  public static func limitMemory(ofRun bytes: Int) {
    Memory.limit = min(Memory.limit, bytes)
    runLimit.store(bytes, ordering: .relaxed)
  }

  /// Whether the memory limit is that of the run.
  static var isRunLimited: Bool { Memory.limit >= runLimit.load(ordering: .relaxed) }

  /// Gives memory that is kept for reuse back to the system.
  public static func releaseUnusedMemory() { Memory.trim() }

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
}
