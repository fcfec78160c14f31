import Base
import Platform
import Synchronization

/// Images that threads of their own decode, while whoever asked for them does something else.
///
/// The threads live as long as the job: starting one costs far less than decoding an image, and nothing of the process
/// stays behind. What a thread makes of an image depends on the image alone, so neither order nor number of threads
/// matters. A job that is dropped or cancelled ends after the images that are being decoded.
final class DecodingJob: @unchecked Sendable {
  typealias Outcome = Result<[UInt8], CoreError>

  /// What is decoded, and where it stands in `outcomes`.
  let places: [Int: Int]
  private let positions: [Int]
  private let decode: @Sendable (Int) -> Outcome
  private let next = Atomic(0)
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var outcomes: [Outcome?]
  private var running = 0

  /// Starts.
  ///
  /// - Parameters:
  ///   - positions: one that occurs twice is decoded once.
  ///   - threads: at least 1.
  init(_ positions: [Int], threads: Int, _ decode: @escaping @Sendable (Int) -> Outcome) {
    var places: [Int: Int] = [:]
    var once: [Int] = []
    for position in positions where places[position] == nil {
      places[position] = once.count
      once.append(position)
    }
    self.places = places
    self.positions = once
    self.decode = decode
    outcomes = [Outcome?](repeating: nil, count: once.count)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(change, nil)
    start(min(threads, once.count))
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(change)
    mutex.deallocate()
    change.deallocate()
  }

  private func start(_ threads: Int) {
    running = threads
    for started in 0..<threads where !startDetachedThread(stackSize: 1 << 20, { self.work() }) {
      pthread_mutex_lock(mutex)
      running -= threads - started
      pthread_mutex_unlock(mutex)
      return
    }
  }

  private func work() {
    while true {
      let place = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard place < positions.count else { break }
      let outcome = decode(positions[place])
      pthread_mutex_lock(mutex)
      outcomes[place] = outcome
      pthread_mutex_unlock(mutex)
    }
    pthread_mutex_lock(mutex)
    running -= 1
    pthread_cond_broadcast(change)
    pthread_mutex_unlock(mutex)
  }

  /// Leaves out what is not begun.
  func cancel() { next.store(positions.count, ordering: .relaxed) }

  /// Waits for all images.
  ///
  /// - Returns: what became of each of `places`.
  /// - Throws: what `StopSignal.poll` throws; the job is then cancelled.
  func wait() throws(CoreError) -> [Outcome] {
    while true {
      pthread_mutex_lock(mutex)
      if running > 0 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        time.tv_nsec += 20_000_000
        if time.tv_nsec >= 1_000_000_000 {
          time.tv_sec += 1
          time.tv_nsec -= 1_000_000_000
        }
        pthread_cond_timedwait(change, mutex, &time)
      }
      let isDone = running == 0
      pthread_mutex_unlock(mutex)
      if isDone { break }
      do { try StopSignal.poll() } catch {
        cancel()
        throw error
      }
    }
    // Where the system gave no thread, the caller decodes.
    for place in positions.indices where outcomes[place] == nil {
      try StopSignal.poll()
      outcomes[place] = decode(positions[place])
    }
    return outcomes.compactMap { $0 }
  }
}
