import Platform

/// A signal that one thread waits for and others post.
package final class Arrival: Sendable {
  private nonisolated(unsafe) let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  /// Nobody has posted.
  package init() { sem_init(semaphore, 0, 0) }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  /// Lets the one that waits go on.
  package func post() { sem_post(semaphore) }

  /// Waits for a post; several posts since the last wait count as one.
  package func wait() {
    while sem_wait(semaphore) != 0 {}
    while sem_trywait(semaphore) == 0 {}
  }
}
