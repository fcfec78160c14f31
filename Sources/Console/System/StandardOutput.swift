import CEditline
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a program writes to a descriptor, gathered so that a loop of `print` costs few system calls.
///
/// On a terminal each line appears at once, and what is still to come after Ctrl-C is dropped. When the reader of a
/// pipe is gone the process ends quietly, by SIGPIPE as usual.
public final class StandardOutput: Sendable {
  public static let out = StandardOutput(1)
  public static let error = StandardOutput(2)

  private let descriptor: Int32
  private let isTerminal: Bool
  /// Whether Ctrl-C drops what is still to come: values, not messages.
  private let stopsOnInterrupt: Bool
  private let pending = Mutex<[UInt8]>([])

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    isTerminal = Terminal.isTerminal(descriptor)
    stopsOnInterrupt = isTerminal && descriptor == 1
  }

  public func write(_ text: String) {
    pending.withLock { bytes in
      if stopsOnInterrupt, ltd_interrupt_pending() {
        bytes.removeAll(keepingCapacity: true)
        return
      }
      if isTerminal { LiveLine.shared.erase() }
      bytes.append(contentsOf: text.utf8)
      if bytes.count >= 1 << 16 || isTerminal && text.utf8.last == UInt8(ascii: "\n") || descriptor == 2 {
        drain(&bytes)
      }
    }
  }

  public func flush() {
    pending.withLock { drain(&$0) }
  }

  private func drain(_ bytes: inout [UInt8]) {
    var done = 0
    while done < bytes.count {
      // A terminal is written to in pieces, so that Ctrl-C stops a long value.
      let count = isTerminal ? min(bytes.count - done, 4096) : bytes.count - done
      if stopsOnInterrupt, ltd_interrupt_pending() { break }
      let wrote = bytes.withUnsafeBytes { writeSome(descriptor, $0.baseAddress.map { $0 + done }, count) }
      if wrote < 0, errno == EINTR { continue }
      if wrote < 0, errno == EAGAIN {
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&poller, 1, 1000)
        continue
      }
      if wrote < 0 { break }
      done += wrote
    }
    bytes.removeAll(keepingCapacity: true)
  }
}
