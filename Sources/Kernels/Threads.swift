import Base
import CCPU
import Platform
import Synchronization

/// The thread pool of the kernels. Work is cut into chunks by the problem alone and every chunk computes the same bits
/// whichever thread runs it, so that results do not depend on the number of threads.
package enum Threads {
  /// How many threads share parallel work. LTD_THREADS, else the number of processors; 1…256.
  package static var count: Int {
    get { limit.load(ordering: .relaxed) }
    set { limit.store(min(max(newValue, 1), ThreadPool.maximum), ordering: .relaxed) }
  }

  /// Runs `body` on the chunks 0..<grain, grain..<2·grain, … of 0..<count, in any order, on any thread, and returns when
  /// all are done. Nested calls, and calls while another thread uses the pool, run serially on the calling thread.
  ///
  /// Chunks that are not begun when the calling thread's `StopSignal` is raised are left out: what called the kernel looks
  /// at the signal afterwards and drops the results. A chunk should take no more than some milliseconds.
  package static func parallelFor(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    parallelFor(count, grain: grain) { range, _ in body(range) }
  }

  /// As above; `body` also gets the index of its thread, 0..<Threads.count as read before the call, to choose scratch
  /// memory. Read `Threads.count` once, before: `slots` bounds the index.
  package static func parallelFor(
    _ count: Int, grain: Int, slots: Int = Threads.count, _ body: (Range<Int>, Int) -> Void
  ) {
    guard count > 0 else { return }
    let grain = max(grain, 1)
    let chunks = (count - 1) / grain + 1
    let threads = min(slots, chunks, Threads.count)
    if threads > 1, !ltd_thread_in_region(), pool.run(chunks: chunks, threads: threads, grain, count, body) { return }
    let stop = StopSignal.wordOfThread
    for chunk in 0..<chunks {
      if StopSignal.isRaised(at: stop) { return }
      body(chunk * grain..<min(chunk * grain + grain, count), 0)
    }
  }

  /// As `parallelFor`, in order on the calling thread.
  package static func serialFor(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    let stop = StopSignal.wordOfThread
    var start = 0
    while start < count {
      if StopSignal.isRaised(at: stop) { return }
      let end = min(start + max(grain, 1), count)
      body(start..<end)
      start = end
    }
  }

  /// Whether work of the calling thread is to be left out.
  package static var isStopped: Bool { StopSignal.isRaised(at: StopSignal.wordOfThread) }

  private static let pool = ThreadPool()
  private static let limit: Atomic<Int> = {
    let count = Environment.threads ?? sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return Atomic(min(max(count, 1), ThreadPool.maximum))
  }()
}
