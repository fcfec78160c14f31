import Platform

private final class Work {
  let body: () -> Void
  init(_ body: @escaping () -> Void) { self.body = body }
}

/// Runs `body` on a thread of its own that nobody waits for. Signals such as Ctrl-C are blocked there: they are for the
/// threads that know what to do with them.
///
/// - Parameter stackSize: in bytes; the system's own size when left out.
/// - Returns: whether the system had a thread left; `body` is dropped where it had none.
package func startDetachedThread(stackSize: Int? = nil, _ body: @escaping () -> Void) -> Bool {
  var attributes = pthread_attr_t()
  guard pthread_attr_init(&attributes) == 0 else { return false }
  defer { pthread_attr_destroy(&attributes) }
  if let stackSize { pthread_attr_setstacksize(&attributes, stackSize) }
  pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
  var thread = pthread_t()
  let context = Unmanaged.passRetained(Work(body)).toOpaque()
  let status = pthread_create(
    &thread, &attributes,
    { context in
      guard let context else { return nil }
      var signals = sigset_t()
      sigfillset(&signals)
      pthread_sigmask(SIG_BLOCK, &signals, nil)
      Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
      return nil
    }, context)
  if status != 0 { Unmanaged<Work>.fromOpaque(context).release() }
  return status == 0
}
