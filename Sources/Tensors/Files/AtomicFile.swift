#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes a file so that its path holds either what was there before or all of the new content, whatever happens.
package enum AtomicFile {
  /// Writes under a temporary name beside the file, flushes it to the disk and renames it.
  ///
  /// - Parameters:
  ///   - parts: the content, one piece after the other.
  ///   - mode: permissions of a new file, less the process's mask.
  package static func replace(_ path: String, parts: [[UInt8]], mode: mode_t = 0o666) throws(CoreError) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw CoreError(.io, "'\(path)' is not a path", argument: "path")
    }
    let temporary = "\(path).\(getpid()).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else {
      throw CoreError(
        .io, "cannot write '\(path)': \(systemMessage())", hint: "check that the folder exists and can be written to",
        argument: "path")
    }
    var failure: String?
    for part in parts where failure == nil { failure = writeAll(part, to: descriptor) }
    if failure == nil, fsync(descriptor) != 0 { failure = systemMessage() }
    if close(descriptor) != 0, failure == nil { failure = systemMessage() }
    if failure == nil, rename(temporary, path) != 0 { failure = systemMessage() }
    if let failure {
      unlink(temporary)
      throw CoreError(.io, "cannot write '\(path)': \(failure)")
    }
    synchroniseFolder(of: path)
  }

  private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> String? {
    bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count, let base = buffer.baseAddress {
        let put = write(descriptor, base + done, buffer.count - done)
        if put < 0, errno == EINTR { continue }
        guard put > 0 else { return systemMessage() }
        done += put
      }
      return nil
    }
  }

  private static func synchroniseFolder(of path: String) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    close(descriptor)
  }
}

private func systemMessage() -> String { String(cString: strerror(errno)) }
