import Platform

/// Seconds of a clock that only goes forward: differences measure time.
package func monotonicSeconds() -> Double { seconds(CLOCK_MONOTONIC) }

/// Seconds since the beginning of 1970 (UTC), by the clock on the wall.
package func secondsSince1970() -> Double { seconds(CLOCK_REALTIME) }

private func seconds(_ clock: clockid_t) -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// A time as ISO 8601 in UTC: "2026-11-28T03:05:59Z".
///
/// - Parameter seconds: since the beginning of 1970.
package func timeText(_ seconds: Double) -> String {
  var time = time_t(seconds.rounded(.down))
  var parts = tm()
  gmtime_r(&time, &parts)
  func digits(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
  return "\(Int(parts.tm_year) + 1900)-\(digits(parts.tm_mon + 1))-\(digits(parts.tm_mday))"
    + "T\(digits(parts.tm_hour)):\(digits(parts.tm_min)):\(digits(parts.tm_sec))Z"
}
