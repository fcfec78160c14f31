import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes a whole file or nothing: to a temporary name beside it, flushed to the disk, then renamed.
func writeFile(_ bytes: [UInt8], to path: String) throws(CoreError) {
  func failure() -> CoreError {
    .file(
      path, "cannot be written: \(String(cString: strerror(errno)))",
      hint: "check the folder, its permissions and space")
  }
  let temporary = "\(path).\(getpid()).tmp"
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
  guard descriptor >= 0 else { throw failure() }
  var written = 0
  while written < bytes.count {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written) }
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else {
      let error = failure()
      close(descriptor)
      unlink(temporary)
      throw error
    }
    written += count
  }
  let flushed = fsync(descriptor) == 0
  guard close(descriptor) == 0, flushed, rename(temporary, path) == 0 else {
    let error = failure()
    unlink(temporary)
    throw error
  }
}
