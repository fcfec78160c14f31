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
  /// Where the ranks are that run the same script together; whoever sets it keeps them.
  private var address: UInt = 0

  /// Makes settings; what is left out bounds and checks nothing.
  ///
  /// - Parameter ranks: the processes that run the same script together, which must outlive the settings.
  public init(memoryLimit: Int = .max, checksFinite: Bool = false, ranks: Ranks? = nil) {
    self.memoryLimit = memoryLimit
    self.checksFinite = checksFinite
    address = ranks.map { UInt(bitPattern: Unmanaged.passUnretained($0).toOpaque()) } ?? 0
  }

  /// The processes that run the script of the calling thread together; nil where it is alone.
  package static var ranksOfThread: (any Communicator)? {
    ltd_thread_run_settings().ranks.map { Unmanaged<Ranks>.fromOpaque($0).takeUnretainedValue().communicator }
  }

  /// Runs `body` with files written by this process alone, whatever the others do.
  package static func alone<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    var settings = Self.ofThread
    settings.address = 0
    return try settings.carry(body)
  }

  /// The settings of the calling thread.
  public static var ofThread: RunSettings {
    get {
      let settings = ltd_thread_run_settings()
      var own = RunSettings(memoryLimit: settings.memory_limit, checksFinite: settings.checks_finite)
      own.address = UInt(bitPattern: settings.ranks)
      return own
    }
    set {
      ltd_thread_set_run_settings(
        ltd_run_settings(
          memory_limit: newValue.memoryLimit, checks_finite: newValue.checksFinite,
          ranks: UnsafeRawPointer(bitPattern: newValue.address)))
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
