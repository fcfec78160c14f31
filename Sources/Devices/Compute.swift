import Base
import Kernels

/// The compute device, of which a process has one: its threads and the pool of memory that all tensors come from. What a
/// run has of its own, a bound of memory and the checks for NaN, its thread carries (`RunSettings`).
public enum Compute {
  /// What is wrong with a setting of the environment, `LTD_THREADS` and the like; nil when nothing is.
  public static var environmentProblem: String? { Environment.problem }

  /// The instruction set that the kernels use: "base", "avx2" or "avx512". Others may round otherwise.
  public static var instructions: String { "\(InstructionSet.current)" }

  /// How many threads share the work: `LTD_THREADS`, else the number of processors. Results do not depend on it.
  public static var threads: Int {
    get { Threads.count }
    set { Threads.count = newValue }
  }

  /// The most bytes that tensors may take: `LTD_MEMORY_LIMIT`, else nine tenths of the machine's memory. Beyond it
  /// operations throw an error of kind `memory`. A run may have a lower one, which then holds on its thread; beyond that the
  /// error is of kind `limit`. Setting it leaves those of runs alone.
  public static var memoryLimit: Int {
    get { min(Memory.limit, RunSettings.ofThread.memoryLimit) }
    set { Memory.limit = newValue }
  }

  /// Whether the memory limit is that of the run.
  static var isRunLimited: Bool { Memory.limit >= RunSettings.ofThread.memoryLimit }

  /// Returns memory that is kept for reuse back to the system.
  public static func releaseUnusedMemory() { Memory.trim() }

  /// Bytes that tensors take now, the most since the start or `resetPeakMemory`, and bytes kept for reuse.
  public static var memory: (inUse: Int, peak: Int, cached: Int) {
    let statistics = Memory.statistics
    return (statistics.inUse, statistics.peak, statistics.cached)
  }

  /// Begins a new peak at what is in use now.
  public static func resetPeakMemory() { Memory.resetPeak() }

  /// Shares work of the host, such as drawing images, among the threads: calls `body` with the ranges 0..<grain,
  /// grain..<2·grain, … of 0..<count, in any order. What is not begun when the calling thread's `StopSignal` is raised is left
  /// out, so whoever calls it looks at the signal afterwards.
  package static func inParallel(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    Threads.parallelFor(count, grain: grain, body)
  }

  /// A product of the host in double precision, on the calling thread: c[rows, columns] = a[rows, inner] · b, dense and
  /// row-major; b is stored [columns, inner] where it is transposed. It is for proofs, whose sums must not round as float32
  /// does; its bits depend on the sizes alone. It is not stopped, so it should be of a hundred million multiplications at most.
  package static func product(
    rows: Int, columns: Int, inner: Int, transposeB: Bool = false, _ a: UnsafePointer<Double>,
    _ b: UnsafePointer<Double>, _ c: UnsafeMutablePointer<Double>
  ) {
    DoubleProduct.multiply(rows: rows, columns: columns, inner: inner, transposeB: transposeB, a, b, c)
  }

  /// Whether the run of the calling thread asks each operation to look for NaN and infinities (`RunSettings`).
  public static var checksFinite: Bool { RunSettings.ofThread.checksFinite }
}
