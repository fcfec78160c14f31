import Base
import Platform

/// An axis from one number to another: where a number stands, and which ones are written.
///
/// Ticks are 1, 2 or 5 times a power of ten apart, on an axis of logarithms at powers of ten, or at 1, 2 and 5 times those
/// where there are few. Numbers are halved before they are subtracted, so that the largest ones do not overflow.
struct Scale: Sendable, Equatable {
  let low: Double
  let high: Double
  let isLog: Bool
  /// From one tick to the next, where the ends were chosen for it.
  private(set) var chosenStep: Double?

  /// A number on the axis.
  struct Tick: Sendable, Equatable {
    /// From 0, at the beginning of the axis, to 1.
    var place: Double
    var label: String
    var value: Double
  }

  /// An axis that has all finite numbers of a sequence, above 0 where it is of logarithms.
  init(of values: some Sequence<Double>, isLog: Bool) {
    let range = finiteRange(isLog ? AnySequence(values.lazy.filter { $0 > 0 }) : AnySequence(values))
    guard var (low, high) = range else {
      (self.low, self.high, self.isLog) = isLog ? (0.1, 10, true) : (0, 1, false)
      return
    }
    if low == high {
      if isLog {
        // Within what a double can hold.
        (low, high) = (max(low / 2, .leastNonzeroMagnitude), min(high * 2, .greatestFiniteMagnitude))
      } else {
        let margin = max(abs(low) * 0.1, low == 0 ? 1 : .leastNonzeroMagnitude)
        (low, high) = (low - margin, high + margin)
        if !low.isFinite || !high.isFinite || low == high {
          (low, high) = (min(0, range?.low ?? 0), max(0, range?.high ?? 1))
        }
      }
    }
    (self.low, self.high, self.isLog) = (low, high, isLog)
  }

  init(low: Double, high: Double, isLog: Bool = false) { (self.low, self.high, self.isLog) = (low, high, isLog) }

  /// Where a number stands, 0 to 1 for those within the axis; nil for one that has no place.
  func place(_ value: Double) -> Double? {
    guard value.isFinite else { return nil }
    if isLog {
      guard value > 0 else { return nil }
      let (first, last) = (log10(low), log10(high))
      return last > first ? (log10(value) - first) / (last - first) : 0.5
    }
    let span = high / 2 - low / 2
    return span > 0 ? (value / 2 - low / 2) / span : 0.5
  }

  /// The number at a place, for readers of a picture.
  func value(at place: Double) -> Double {
    if isLog { return pow(10, log10(low) + place * (log10(high) - log10(low))) }
    return low + 2 * ((high / 2 - low / 2) * place)
  }

  /// The axis with ends that are ticks.
  func rounded(_ count: Int) -> Scale {
    if isLog {
      // To 1, 2 or 5 times a power of ten.
      let (below, above) = (pow(10, log10(low).rounded(.down)), pow(10, log10(high).rounded(.down)))
      let first = [5, 2].map { $0 * below }.first { $0 <= low } ?? below
      let last = [1, 2, 5].map { $0 * above }.first { $0 >= high } ?? 10 * above
      return first > 0 && last.isFinite && first <= low && last >= high && log10(high) - log10(low) > 0.5
        ? Scale(low: first, high: last, isLog: true) : self
    }
    let step = Scale.step(low, high, count)
    guard step > 0, step.isFinite else { return self }
    let (first, last) = ((low / step).rounded(.down) * step, (high / step).rounded(.up) * step)
    guard first.isFinite, last.isFinite, first <= low, last >= high else { return self }
    var scale = Scale(low: first, high: last)
    scale.chosenStep = step
    return scale
  }

  /// 1, 2 or 5 times a power of ten, such that about this many steps lead from one number to the other.
  static func step(_ low: Double, _ high: Double, _ count: Int) -> Double {
    let rough = (high / 2 - low / 2) / Double(max(1, count)) * 2
    guard rough > 0, rough.isFinite else { return 0 }
    let power = pow(10, log10(rough).rounded(.down))
    guard power > 0, power.isFinite else { return 0 }
    let factor = rough / power
    // The nearest of the three by ratio.
    return power * (factor < 1.5 ? 1 : factor < 3.5 ? 2 : factor < 7.5 ? 5 : 10)
  }

  /// About `count` ticks, never more than three times as many.
  func ticks(_ count: Int) -> [Tick] {
    let values = isLog ? logValues(count) : linearValues(count)
    let labels = Scale.labels(values, isLog: isLog)
    return zip(values, labels).compactMap { value, label in
      guard let place = place(value), place >= -1e-9, place <= 1 + 1e-9 else { return nil }
      return Tick(place: min(1, max(0, place)), label: label, value: value)
    }
  }

  private func linearValues(_ count: Int) -> [Double] {
    let step = chosenStep ?? Scale.step(low, high, count)
    let most = max(2, count * 3)
    guard step > 0 else { return [low, high] }
    let first = (low / step).rounded(.up)
    let last = (high / step * (1 + 1e-12)).rounded(.down)
    guard first.isFinite, last.isFinite, abs(first) < 1e15, abs(last) < 1e15, last - first < Double(most) else {
      return low < high ? [low, high] : [low]
    }
    guard first <= last else { return [low, high] }
    return (Int(first)...Int(last)).map { multiple in
      // 3 · 0.1 is not 0.3, but 3 / 10 is.
      let inverse = (1 / step).rounded()
      return step < 1 && inverse < 1e15 && abs(1 / inverse - step) <= step * 1e-9
        ? Double(multiple) / inverse : Double(multiple) * step
    }
  }

  private func logValues(_ count: Int) -> [Double] {
    let (first, last) = (log10(low), log10(high))
    guard last > first else { return [low] }
    let decades = last - first
    let factors: [Double] = decades > Double(count) * 0.7 ? [1] : decades > Double(count) / 4 ? [1, 3] : [1, 2, 5]
    if decades < 0.7 { return linearValues(count).filter { $0 > 0 } }
    let every = max(1, Int((decades / Double(max(1, count))).rounded(.up)))
    var values: [Double] = []
    for exponent in Int(first.rounded(.down))...Int(last.rounded(.up)) where exponent % every == 0 {
      for factor in factors {
        let value = factor == 1 ? pow(10, Double(exponent)) : factor * pow(10, Double(exponent))
        if value >= low * (1 - 1e-9), value <= high * (1 + 1e-9), value > 0 { values.append(value) }
      }
    }
    return values.isEmpty ? [low, high] : values
  }

  /// The numbers as text: all with as many places as tell neighbours apart.
  static func labels(_ values: [Double], isLog: Bool = false) -> [String] {
    if isLog { return values.map { short($0.general(4)) } }
    let most = values.map(\.magnitude).max() ?? 0
    var least = Double.infinity
    for (one, next) in zip(values, values.dropFirst()) { least = min(least, abs(next - one)) }
    if !least.isFinite || least == 0 { least = most }
    guard most > 0, most.isFinite else { return values.map { short($0.general(4)) } }
    if most >= 1e6 || most < 1e-3 {
      let digits = min(15, max(1, Int(log10(most).rounded(.down) - log10(least).rounded(.down)) + 1))
      return values.map { short($0.general(digits)) }
    }
    var places = 0
    while places < 9, values.contains(where: { abs($0.rounded(to: places) - $0) > least * 1e-3 }) { places += 1 }
    return values.map { ($0 == 0 ? 0 : $0).fixed(places) }
  }

  /// `1e-05` as `1e-5`, `1e+06` as `1e6`.
  static func short(_ text: String) -> String {
    guard let e = text.firstIndex(of: "e") else { return text }
    var exponent = text[text.index(after: e)...]
    let sign = exponent.first == "-" ? "-" : ""
    while let first = exponent.first, "+-0".contains(first), exponent.count > 1 { exponent.removeFirst() }
    return text[..<e] + "e" + sign + exponent
  }
}
