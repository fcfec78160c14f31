import Platform

private final class Job {
  let body: () -> Void
  init(_ body: @escaping () -> Void) { self.body = body }
}

/// How many bytes of the stack are used under the thread sanitizer: it follows 65,536 calls within calls and aborts beyond.
private let sanitizedStack: UInt? = dlsym(nil, "__tsan_init") == nil ? nil : 6 << 20

/// Asks for large pages for this thread's heap: programs fill memory with small values, and taking it in pieces of 4 KB
/// costs as much as the values.
private func useLargePages() {
  #if canImport(Glibc)
    // glibc aligns the heap of a thread to its greatest size. Where it does not, this is advice on something else.
    let size = 64 << 20
    guard let block = malloc(1) else { return }
    let start = UInt(bitPattern: block) & ~UInt(size - 1)
    madvise(UnsafeMutableRawPointer(bitPattern: start), size, MADV_HUGEPAGE)
    free(block)
  #endif
}

/// Runs `body` on a thread with a stack large enough for deep recursion, and waits for it.
///
/// The evaluator checks the stack pointer against the address that `body` gets, so that recursion in a program ends in an
/// error. Where the system refuses a large stack a smaller one is tried, at last that of the calling thread.
///
/// - Parameter body: gets the lowest address that the stack may reach.
func withLargeStack<Result>(_ body: @escaping (UInt) -> Result) -> Result {
  nonisolated(unsafe) var result: Result?
  // Enough must be left for built-ins, and for what runs between two looks at the depth.
  let margin: UInt = 16 << 20
  for megabytes in [512, 256, 64] {
    let size = megabytes << 20
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { continue }
    defer { pthread_attr_destroy(&attributes) }
    guard pthread_attr_setstacksize(&attributes, size) == 0 else { continue }
    let job = Job {
      useLargePages()
      var marker: UInt8 = 0
      let top = withUnsafeMutablePointer(to: &marker) { UInt(bitPattern: $0) }
      result = body(top - (sanitizedStack ?? UInt(size) - margin))
    }
    var thread = pthread_t()
    let context = Unmanaged.passRetained(job).toOpaque()
    let status = pthread_create(
      &thread, &attributes,
      { context in
        guard let context else { return nil }
        Unmanaged<Job>.fromOpaque(context).takeRetainedValue().body()
        return nil
      }, context)
    if status == 0 {
      pthread_join(thread, nil)
      if let result { return result }
    } else {
      Unmanaged<Job>.fromOpaque(context).release()
    }
  }
  var marker: UInt8 = 0
  let top = withUnsafeMutablePointer(to: &marker) { UInt(bitPattern: $0) }
  return body(top - (4 << 20))
}
