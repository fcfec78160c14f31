/// Which part of a run is that of this process: 3/16 is the third of sixteen.
public struct ShardNumber: Sendable, Equatable, CustomStringConvertible {
  /// Counted from 1.
  public let index: Int
  /// How many there are, at most `most`.
  public let count: Int

  /// The most parts of a run.
  public static let most = 100_000

  /// A part; nil where there is no such one.
  public init?(_ index: Int, of count: Int) {
    guard (1...Self.most).contains(count), (1...count).contains(index) else { return nil }
    (self.index, self.count) = (index, count)
  }

  /// The part that a text names, as 3/16.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]) else { return nil }
    self.init(index, of: count)
  }

  /// As it is typed: 3/16.
  public var description: String { "\(index)/\(count)" }
  /// As a part of the name of a file: 3-of-16.
  package var fileName: String { "\(index)-of-\(count)" }
}
