import CCPU
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Persistent workers that wait for work spinning for about half a millisecond, then asleep. One job at a time; the
/// caller works too, and waits only for workers that have joined its job.
final class ThreadPool: @unchecked Sendable {
  typealias Body = (Range<Int>, Int) -> Void

  /// The job, written by the owner of `busy` while `gate` is closed.
  private var body: Body?
  private var count = 0
  private var grain = 1
  private var chunks = 0
  private let nextChunk = Atomic(0)

  /// The number of seats left in the low half, the number of workers inside the job in the high half.
  private let gate = Atomic<UInt64>(0)
  private let generation = Atomic(0)
  private let busy = Atomic(false)
  private let sleepers = Atomic(0)
  private var started = 0
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  private static let oneInside: UInt64 = 1 << 32
  private static let seatMask: UInt64 = oneInside - 1

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
  }

  /// False when another thread is using the pool.
  func run(chunks: Int, threads: Int, _ grain: Int, _ count: Int, _ body: Body) -> Bool {
    guard busy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else { return false }
    startWorkers(threads - 1)
    withoutActuallyEscaping(body) { body in
      self.body = body
      self.chunks = chunks
      self.grain = grain
      self.count = count
      nextChunk.store(0, ordering: .relaxed)
      gate.store(UInt64(threads - 1), ordering: .releasing)
      generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(mutex)
      }
      work(slot: 0)
      gate.bitwiseAnd(~Self.seatMask, ordering: .acquiringAndReleasing)
      var spins = 0
      while gate.load(ordering: .acquiring) != 0 {
        ltd_cpu_pause()
        spins += 1
        if spins & 1023 == 0 { sched_yield() }
      }
      self.body = nil
    }
    busy.store(false, ordering: .releasing)
    return true
  }

  private func work(slot: Int) {
    guard let body else { return }
    let (chunks, grain, count) = (self.chunks, self.grain, self.count)
    ltd_thread_set_in_region(true)
    while true {
      let chunk = nextChunk.wrappingAdd(1, ordering: .relaxed).oldValue
      if chunk >= chunks { break }
      let start = chunk * grain
      body(start..<min(start + grain, count), slot)
    }
    ltd_thread_set_in_region(false)
  }

  private func startWorkers(_ wanted: Int) {
    while started < wanted {
      var thread = pthread_t()
      let failed = pthread_create(
        &thread, nil,
        { context in
          if let context { Unmanaged<ThreadPool>.fromOpaque(context).takeUnretainedValue().serve() }
          return nil
        }, Unmanaged.passUnretained(self).toOpaque())
      if failed != 0 { return }
      pthread_detach(thread)
      started += 1
    }
  }

  private func serve() {
    var seen = 0
    while true {
      seen = waitForWork(after: seen)
      var state = gate.load(ordering: .acquiring)
      while state & Self.seatMask != 0 {
        let (done, now) = gate.compareExchange(
          expected: state, desired: state - 1 + Self.oneInside, ordering: .acquiringAndReleasing)
        if done {
          work(slot: Int(state & Self.seatMask))
          gate.wrappingSubtract(Self.oneInside, ordering: .releasing)
          break
        }
        state = now
      }
    }
  }

  private func waitForWork(after seen: Int) -> Int {
    var spins = 0
    while spins < 16_384 {
      let now = generation.load(ordering: .acquiring)
      if now != seen { return now }
      ltd_cpu_pause()
      spins += 1
      if spins & 1023 == 0 { sched_yield() }
    }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    defer { sleepers.wrappingSubtract(1, ordering: .relaxed) }
    while true {
      let now = generation.load(ordering: .sequentiallyConsistent)
      if now != seen { return now }
      pthread_cond_wait(wake, mutex)
    }
  }
}
