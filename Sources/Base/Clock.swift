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
