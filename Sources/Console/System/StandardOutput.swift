import Base
import CEditline
import Interpreter
import Platform

/// What a program writes to a descriptor, gathered so that a loop of `print` costs few system calls.
///
/// On a terminal each line appears at once, and Ctrl-C drops what is still to come of a long text. Elsewhere it is
/// written when 64 KiB have come together, and a tenth of a second after it came at the latest, whatever the program does
/// then: a thread sees to that, so that long work and a program that is killed hold nothing back. When the reader of a
/// pipe is gone the process ends quietly, by SIGPIPE as usual. Any other failure is kept: nothing is written after it.
public final class StandardOutput: Sendable {
  /// What programs print.
  public static let out = StandardOutput(1)
  /// Errors, warnings and remarks.
  public static let error = StandardOutput(2)

  private struct State {
    var pending: [UInt8] = []
    /// Why something could not be written, once that has happened.
    var failure: String?
    /// Whether somebody has been told so.
    var isFailureReported = false
    /// Whether the thread that writes late output is there.
    var hasWriter = false
  }

  private let descriptor: Int32
  private let isTerminal: Bool
  /// Whether Ctrl-C drops what is still to come of a long text: values, not messages.
  private let stopsOnInterrupt: Bool
  private let state = Locked(State())
  /// Posted when something is gathered after there was nothing.
  private let arrival = Arrival()

  /// How long output is held back, in microseconds.
  private static let delay: UInt32 = 100_000
  /// How many bytes are written to a terminal at a time; strings of no more are written whole.
  private static let piece = 4096

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    isTerminal = Terminal.isTerminal(descriptor)
    stopsOnInterrupt = isTerminal && descriptor == 1
  }

  /// Takes a string; what cannot be written shows in `problem` and in the status of `finish`.
  public func write(_ text: String) {
    let isFirst = state.withLock { state in
      if stopsOnInterrupt, text.utf8.count > Self.piece, ltd_interrupt_pending() { return false }
      let wasEmpty = state.pending.isEmpty
      state.pending.append(contentsOf: text.utf8)
      if state.pending.count >= 1 << 16 || isTerminal && text.utf8.last == UInt8(ascii: "\n") || descriptor == 2 {
        drain(&state)
      }
      guard wasEmpty, !state.pending.isEmpty else { return false }
      if !state.hasWriter { state.hasWriter = startWriter() }
      return true
    }
    if isFirst { arrival.post() }
  }

  /// Writes what has been gathered.
  public func flush() {
    state.withLock { drain(&$0) }
  }

  /// The error for a program that writes although nothing can be written any more; nil while all went well.
  var problem: LTDError? {
    state.withLock { $0.failure }.map {
      LTDError(.io, $0, hint: "make room on the disk, or send the output elsewhere: ltd script.ltd > /other/file")
    }
  }

  /// Notes that an error with this message reaches the user.
  func isReported(_ message: String) {
    state.withLock { if $0.failure == message { $0.isFailureReported = true } }
  }

  /// Writes what is left before the process ends.
  /// - Returns: the exit status: that of the run, or failure where output was lost.
  public func finish(_ status: Int32) -> Int32 {
    let (failure, isReported) = state.withLock { state in
      drain(&state)
      // Some file systems say only now that there was no room.
      if state.failure == nil, close(descriptor) != 0, errno != EBADF { state.failure = Self.message(errno) }
      return (state.failure, state.isFailureReported)
    }
    guard let failure else { return status }
    if !isReported { StandardOutput.error.write("error: \(failure)\n") }
    return status == ExitStatus.success ? ExitStatus.failure : status
  }

  /// Takes the places of standard input, output and error where they are closed, so that no other file gets them and is
  /// written to as if it were the output. Writing there is an error, as it is to what is closed.
  public static func reserveDescriptors() {
    for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 {
      let flags = descriptor == 0 ? O_WRONLY : O_RDONLY
      let opened = open("/dev/null", flags)
      if opened >= 0, opened != descriptor {
        dup2(opened, descriptor)
        close(opened)
      }
    }
  }

  private static func message(_ code: Int32) -> String {
    "the output could not be written: \(systemReason(code))"
  }

  private func drain(_ state: inout State) {
    guard !state.pending.isEmpty else { return }
    if isTerminal {
      LiveArea.shared.write(endsLine: state.pending.last == UInt8(ascii: "\n")) { writePending(&state) }
    } else {
      writePending(&state)
    }
    state.pending.removeAll(keepingCapacity: true)
  }

  private func writePending(_ state: inout State) {
    var done = 0
    while done < state.pending.count, state.failure == nil {
      // A terminal is written to in pieces, so that Ctrl-C stops a long value.
      let left = state.pending.count - done
      let count = isTerminal ? min(left, Self.piece) : left
      if stopsOnInterrupt, done > 0, ltd_interrupt_pending() { break }
      let wrote = state.pending.withUnsafeBytes { writeSome(descriptor, $0.baseAddress.map { $0 + done }, count) }
      if wrote < 0, errno == EINTR { continue }
      if wrote < 0, errno == EAGAIN {
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&poller, 1, 1000)
        continue
      }
      if wrote < 0 { state.failure = Self.message(errno) } else { done += wrote }
    }
  }

  /// Starts the thread that writes late output.
  /// - Returns: whether there is one now.
  private func startWriter() -> Bool { startDetachedThread { self.writeLateOutput() } }

  private func writeLateOutput() {
    // That nobody reads any more is answered where the writing is done.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    while true {
      arrival.wait()
      usleep(Self.delay)
      flush()
    }
  }
}
