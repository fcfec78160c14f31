import CCPU

/// What the run of a thread has set for the work that it asks of the core.
///
/// A thread carries the settings beside its stop signal, so that two runs in one process, each on a thread of its own,
/// keep theirs apart. The core reads them where it allocates and where it finishes an operation, so that no function
/// has to hand them on as a parameter.
public struct RunSettings: Sendable {
  /// The most bytes that tensors may take when this run makes one more; `Int.max` for no bound of its own.
  public var memoryLimit: Int
  /// Whether every operation looks at its result and throws an error of kind `numeric` where NaN or an infinity first
  /// appears, in gradients too. Otherwise they spread as IEEE 754 says. Slow: for finding out where they come from.
  public var checksFinite: Bool

  /// Makes settings; what is left out bounds and checks nothing.
  public init(memoryLimit: Int = .max, checksFinite: Bool = false) {
    self.memoryLimit = memoryLimit
    self.checksFinite = checksFinite
  }

  /// The settings of the calling thread.
  public static var ofThread: RunSettings {
    get {
      let settings = ltd_thread_run_settings()
      return RunSettings(memoryLimit: settings.memory_limit, checksFinite: settings.checks_finite)
    }
    set {
      ltd_thread_set_run_settings(
        ltd_run_settings(memory_limit: newValue.memoryLimit, checks_finite: newValue.checksFinite))
    }
  }

  /// Runs `body` with these settings on the calling thread, which has its own again afterwards.
  public func carry<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    let outer = Self.ofThread
    Self.ofThread = self
    defer { Self.ofThread = outer }
    return try body()
  }
}
