import Base

/// The one line of a terminal that is drawn again and again; whoever writes something that stays erases it first.
final class LiveLine: Sendable {
  static let shared = LiveLine()

  private let isDrawn = Locked(false)

  func draw(_ text: String) {
    isDrawn.withLock {
      put("\r\u{1B}[K" + text)
      $0 = true
    }
  }

  func erase() {
    isDrawn.withLock {
      if $0 { put("\r\u{1B}[K") }
      $0 = false
    }
  }

  private func put(_ text: String) {
    var text = text
    text.withUTF8 { _ = writeSome(2, UnsafeRawPointer($0.baseAddress), $0.count) }
  }
}
