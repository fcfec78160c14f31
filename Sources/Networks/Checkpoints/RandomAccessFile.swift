import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// An open file of which any part can be read.
final class RandomAccessFile {
  let path: String
  let size: Int
  private let descriptor: Int32

  init(_ path: String) throws(CoreError) {
    guard !path.utf8.contains(0) else { throw CoreError(.io, "a path with a zero byte in it") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CoreError(.io, "cannot open '\(path)': \(systemMessage())", hint: "check the path and its permissions")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let message = systemMessage()
      close(descriptor)
      throw CoreError(.io, "cannot read '\(path)': \(message)")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw CoreError(.io, "'\(path)' is not a regular file")
    }
    self.path = path
    self.size = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// The bytes from `offset` on; an error when the file ends before `count` of them.
  func read(at offset: Int, count: Int) throws(CoreError) -> [UInt8] {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
      throw CoreError(.io, "'\(path)' ends early: \(size) bytes, but \(count) bytes at \(offset) are needed")
    }
    var failure: String?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      var done = 0
      while done < count, let base = buffer.baseAddress {
        let got = pread(descriptor, base + done, count - done, off_t(offset + done))
        if got < 0, errno == EINTR { continue }
        guard got > 0 else {
          failure = got == 0 ? "it became shorter while being read" : systemMessage()
          break
        }
        done += got
      }
      initialized = done
    }
    if let failure { throw CoreError(.io, "cannot read '\(path)': \(failure)") }
    return bytes
  }
}

/// Writes a file so that its path holds either what was there before or all of the new content, whatever happens.
package enum AtomicFile {
  package static func replace(_ path: String, parts: [[UInt8]]) throws(CoreError) {
    guard !path.isEmpty, !path.utf8.contains(0) else { throw CoreError(.io, "'\(path)' is not a path") }
    let temporary = "\(path).\(getpid()).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw CoreError(
        .io, "cannot write '\(path)': \(systemMessage())", hint: "check that the folder exists and can be written to")
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

func systemMessage() -> String { String(cString: strerror(errno)) }
