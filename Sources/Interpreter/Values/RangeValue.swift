/// `start..end by step`: whole numbers computed as they are asked for; the end is included, as in the grid `1..10`.
public final class RangeValue: Sendable {
  /// The first number.
  public let start: Int
  /// The bound, which belongs to the range when a step falls on it.
  public let end: Int
  /// From one number to the next; never 0.
  public let step: Int
  /// How many numbers it has.
  public let count: Int

  /// `nil` when the step is 0 or the range has more elements than an `Int` can count.
  public init?(start: Int, end: Int, step: Int = 1) {
    guard step != 0, step != .min else { return nil }
    self.start = start
    self.end = end
    self.step = step
    if (step > 0 && end < start) || (step < 0 && end > start) {
      count = 0
    } else {
      // The distance fits without a sign, whatever the ends.
      let distance = UInt(bitPattern: step > 0 ? end &- start : start &- end)
      let steps = distance / step.magnitude
      guard steps < UInt(Int.max) else { return nil }
      count = Int(steps) + 1
    }
  }

  /// The element with an index from 0 to `count - 1`.
  @inline(__always)
  public subscript(place: Int) -> Int { start &+ place &* step }

  /// Whether a number is one of the range.
  public func contains(_ value: Int) -> Bool {
    guard count > 0 else { return false }
    let last = self[count &- 1]
    guard value >= min(start, last), value <= max(start, last) else { return false }
    return UInt(bitPattern: step > 0 ? value &- start : start &- value) % step.magnitude == 0
  }
}
