import Base

/// What was typed while a dashboard read the keys, for the prompt that comes next.
final class TypedAhead: Sendable {
  static let shared = TypedAhead()

  private let state = Locked((bytes: [UInt8](), hasReader: false))

  /// A prompt will read what is typed.
  func expectReader() { state.withLock { $0.hasReader = true } }

  /// Keeps keys for the next prompt.
  ///
  /// - Returns: whether there will be one.
  func add(_ bytes: [UInt8]) -> Bool {
    state.withLock {
      if $0.hasReader { $0.bytes += bytes }
      return $0.hasReader
    }
  }

  /// What was typed since the last call.
  func take() -> [UInt8] {
    state.withLock { state in
      defer { state.bytes = [] }
      return state.bytes
    }
  }
}
