import Base
import CCPU
import Platform
import Synchronization

/// Persistent workers that wait for work spinning for about half a millisecond, then asleep. One job at a time; the
/// caller works too, and waits only for workers that have joined its job.
///
/// Every thread has a share of neighbouring chunks, in equal jobs the same one: what it writes in one job is in its
/// cache in the next, and it reads memory in one stream. A thread that is done with its own share helps with the others.
///
/// A job is published by its generation. Workers take a seat at the `gate`, whose low half counts the seats left and whose
/// high half the workers inside; the caller closes the gate when its own work is done and waits until nobody is inside, so
/// that a worker that wakes late finds no seat and touches nothing. A worker takes over the caller's stop signal and
/// instruction set for the job. Only one thread can own the pool; others run their jobs alone.
final class ThreadPool: @unchecked Sendable {
  typealias Body = (Range<Int>, Int) -> Void

  /// The job, written by the owner of `busy` while `gate` is closed.
  private var body: Body?
  private var count = 0
  private var grain = 1
  private var chunks = 0
  private var shares = 1
  private var stop: UnsafeMutablePointer<ltd_stop>?
  private var instructionSet: Int32 = -1
  /// The next chunk of share i at i · `shareStride`, so that each has a cache line of its own.
  private let nextChunk = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: maximum * shareStride)

  /// The number of seats left in the low half, the number of workers inside the job in the high half.
  private let gate = Atomic<UInt64>(0)
  private let generation = Atomic(0)
  private let busy = Atomic(false)
  private let sleepers = Atomic(0)
  private var started = 0
  /// The workers that sleep, guarded by `mutex`.
  private var asleep: [pthread_t] = []
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// The most threads that share a job.
  static let maximum = 256
  private static let shareStride = 16
  private static let oneInside: UInt64 = 1 << 32
  private static let seatMask: UInt64 = oneInside - 1

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
    for i in 0..<Self.maximum * Self.shareStride { (nextChunk + i).initialize(to: Atomic(0)) }
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
      shares = threads
      stop = StopSignal.wordOfThread
      instructionSet = ltd_thread_instruction_set()
      for share in 0..<threads {
        nextChunk[share * Self.shareStride].store(start(of: share), ordering: .relaxed)
      }
      gate.store(UInt64(threads - 1), ordering: .releasing)
      generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        pthread_mutex_lock(mutex)
        for worker in asleep { ltd_thread_wake_elsewhere(worker) }
        asleep.removeAll(keepingCapacity: true)
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
    let (grain, count, shares, stop) = (self.grain, self.count, self.shares, self.stop)
    ltd_thread_set_in_region(true)
    if slot > 0 {
      ltd_thread_set_stop(stop)
      ltd_thread_set_instruction_set(instructionSet)
    }
    for turn in 0..<shares {
      let share = (slot + turn) % shares
      let end = start(of: share + 1)
      while true {
        let chunk = nextChunk[share * Self.shareStride].wrappingAdd(1, ordering: .relaxed).oldValue
        if chunk >= end || StopSignal.isRaised(at: stop) { break }
        let start = chunk * grain
        body(start..<min(start + grain, count), slot)
      }
    }
    if slot > 0 { ltd_thread_set_stop(nil) }
    ltd_thread_set_in_region(false)
  }

  private func start(of share: Int) -> Int {
    chunks / shares * share + chunks % shares * share / shares
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
    var slept = false
    while true {
      let now = generation.load(ordering: .sequentiallyConsistent)
      if now != seen {
        if slept { ltd_thread_run_anywhere() }
        return now
      }
      if !slept { asleep.append(pthread_self()) }
      slept = true
      pthread_cond_wait(wake, mutex)
    }
  }
}
