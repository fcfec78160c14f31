import Base
import Platform

/// The bounds of a session's runs, for scripts that nobody has read. `nil` means no bound; the other defaults are generous.
///
/// Some bounds are checked where something grows: calls within calls, elements of a list, bytes of a string, files. Steps
/// are counted in portions, which the machine spends as it runs. Seconds and memory are looked at by a `LimitWatch`
/// whenever long work polls the run's stop signal, so that work on other threads ends as well. A passed bound is an error
/// of kind `limit`, which `try` does not catch; blocks of `finally` still run, within bounds of their own.
///
/// Memory is measured for the whole process, because the system tells no more: a session with a bound also stops for what
/// other sessions hold, but it stops none of them.
public struct Limits: Sendable {
  /// Calls within calls.
  public var callDepth = 5_000
  /// Elements of one list, record or range made into a list.
  public var elements = 100_000_000
  /// Bytes of one string.
  public var stringBytes = 1_000_000_000
  /// Loop iterations and calls in one run.
  public var steps: Int?
  /// Seconds that one run may take.
  public var seconds: Double?
  /// Bytes that the process may hold while the run lasts, and its tensors may take.
  public var memoryBytes: Int?
  /// Whether files may be read and written.
  public var allowsFiles = true

  /// What all blocks of `finally` together may take after a limit was passed: in seconds, in steps and in further bytes.
  static let cleanupSeconds = 1.0
  static let cleanupSteps = 10_000
  static let cleanupBytes = 64 << 20

  /// The default bounds.
  public init() {}

  /// The most bytes of one string that also fit into the memory of the run.
  public var largestString: Int { min(stringBytes, memoryBytes ?? .max) }

  var largestList: Int { min(elements, (memoryBytes ?? .max) / MemoryLayout<Value>.stride) }

  func checkElements(_ count: Int, of kind: String = "list") throws(LTDError) {
    if count > elements {
      throw LTDError(
        .memory, "a \(kind) of \(Limits.text(count)) elements is too long", hint: "the limit is \(elements) elements")
    }
    if let memoryBytes, count > memoryBytes / MemoryLayout<Value>.stride { throw Limits.memoryIsUsed(memoryBytes) }
  }

  func checkBytes(_ count: Int) throws(LTDError) {
    if count > stringBytes {
      throw LTDError(
        .memory, "a string of \(Limits.text(count)) bytes is too long", hint: "the limit is \(stringBytes) bytes")
    }
    if let memoryBytes, count > memoryBytes { throw Limits.memoryIsUsed(memoryBytes) }
  }

  private static func text(_ count: Int) -> String { count == .max ? "more than \(count)" : "\(count)" }

  static func memoryIsUsed(_ bytes: Int) -> LTDError {
    reached("stopped where the run would hold more than \(bytes >> 20) MiB of memory", "--max-memory")
  }

  /// The error of a run that came to a limit, with the option of `ltd` that set it.
  static func reached(_ message: String, _ option: String) -> LTDError {
    .reporting(CoreError.limit(message, option: option))
  }

  /// The error of a run that may not touch files.
  /// - Parameter what: what it came to, such as `read_text would touch files`.
  public static func filesRefused(_ what: String) -> LTDError {
    LTDError(.limit, "stopped where \(what)", hint: "leave --no-files out")
  }
}

/// Compares the seconds and the memory of a run with their limits, and raises the run's signal when one is passed.
final class LimitWatch: Sendable {
  private struct State {
    var seconds: Double?
    var memoryBytes: Int?
    var started = 0.0
    var lastLook = -Double.infinity
    var isCleaningUp = false
  }

  private let state = Locked(State())
  private let host: any Host

  init(_ host: any Host) { self.host = host }

  func begin(_ limits: Limits, _ signal: StopSignal) {
    signal.clearLimit()
    state.withLock {
      $0 = State(seconds: limits.seconds, memoryBytes: limits.memoryBytes, started: monotonicSeconds())
    }
    guard limits.seconds != nil || limits.memoryBytes != nil else { return }
    signal.atEveryLook { [unowned signal, weak self] in
      guard let passed = self?.passedLimit()?.diagnostic else { return }
      signal.raise(.limit(message: passed.message, hint: passed.hint))
    }
  }

  func end(_ signal: StopSignal) {
    let wasLimited = state.withLock { state in
      defer { state = State() }
      return state.seconds != nil || state.memoryBytes != nil
    }
    if wasLimited { signal.atEveryLook(nil) }
    signal.clearLimit()
  }

  /// Takes a passed limit back, and sets it anew so that blocks of `finally` can run; once in a run.
  func allowCleanup(_ signal: StopSignal) {
    state.withLock { state in
      if state.isCleaningUp { return }
      state.isCleaningUp = true
      if state.seconds != nil { state.seconds = monotonicSeconds() - state.started + Limits.cleanupSeconds }
      if let bytes = state.memoryBytes { state.memoryBytes = max(bytes, residentBytes()) + Limits.cleanupBytes }
    }
    signal.clearLimit()
  }

  /// The limit that is passed by now, if one is.
  private func passedLimit() -> LTDError? {
    state.withLock { state in
      if state.seconds == nil, state.memoryBytes == nil { return nil }
      let now = monotonicSeconds()
      if let seconds = state.seconds, now - state.started > seconds {
        if state.isCleaningUp {
          return Limits.reached(
            "blocks of finally took longer than \(Limits.cleanupSeconds) s after the limit", "--max-seconds")
        }
        return Limits.reached("stopped after \(Value.float(seconds).text(PrintOptions())) seconds", "--max-seconds")
      }
      guard let bytes = state.memoryBytes, now - state.lastLook > 0.002 else { return nil }
      state.lastLook = now
      if residentBytes() <= bytes { return nil }
      host.releaseUnusedMemory()
      return residentBytes() <= bytes ? nil : Limits.memoryIsUsed(bytes)
    }
  }
}

extension LTDError {
  /// The error of work that was stopped.
  convenience init(_ reason: StopSignal.Reason) {
    switch reason {
    case .interrupted: self.init(.interrupted, "interrupted")
    case .limit(let message, let hint): self.init(.limit, message, hint: hint)
    }
  }
}

/// The memory that the process holds now; 0 when the system does not tell.
private func residentBytes() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var buffer = [CChar](repeating: 0, count: 128)
  guard fgets(&buffer, Int32(buffer.count), file) != nil else { return 0 }
  let text = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
  let fields = text.split(separator: UInt8(ascii: " "))
  guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return 0 }
  return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
}
