#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Runs work on a thread with room for deep recursion, and waits for it.
///
/// The memory is only reserved, not used. Signals go to the new thread, as libedit expects.
/// - Parameter megabytes: the size of the stack; where it cannot be had, the work runs on this thread.
public func onLargeStack(megabytes: Int = 512, _ work: @escaping () -> Int32) -> Int32 {
  final class Work {
    let body: () -> Int32
    var result: Int32 = 1
    init(_ body: @escaping () -> Int32) { self.body = body }
  }
  let shared = Work(work)
  var attributes = pthread_attr_t()
  guard pthread_attr_init(&attributes) == 0 else { return work() }
  defer { pthread_attr_destroy(&attributes) }
  guard pthread_attr_setstacksize(&attributes, megabytes << 20) == 0 else { return work() }
  var thread = pthread_t()
  let context = Unmanaged.passRetained(shared)
  let status = pthread_create(
    &thread, &attributes,
    { context in
      guard let context else { return nil }
      let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
      work.result = work.body()
      return nil
    }, context.toOpaque())
  guard status == 0 else {
    context.release()
    return work()
  }
  var all = sigset_t()
  sigfillset(&all)
  pthread_sigmask(SIG_BLOCK, &all, nil)
  pthread_join(thread, nil)
  return shared.result
}
