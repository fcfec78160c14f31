import Platform

/// An open file of which any part can be read.
package final class RandomAccessFile {
  package let path: String
  package let size: Int
  private let descriptor: Int32

  package init(_ path: String) throws(CoreError) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw CoreError(.io, "'\(path)' is not a path", argument: "path")
    }
    // Without waiting: opening a pipe that nobody writes to would otherwise hang.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CoreError(
        .io, "cannot open '\(path)': \(systemMessage())", hint: "check the path and its permissions", argument: "path")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let message = systemMessage()
      close(descriptor)
      throw CoreError(.io, "cannot read '\(path)': \(message)", argument: "path")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not a regular file"
      throw CoreError(.io, "'\(path)' is \(kind)", hint: "give the path of a file", argument: "path")
    }
    self.path = path
    self.size = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// The bytes from `offset` on; an error when the file ends before `count` of them.
  package func read(at offset: Int, count: Int) throws(CoreError) -> [UInt8] {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
      throw CoreError(
        .io, "'\(path)' ends early: \(size) bytes, but \(count) bytes at \(offset) are needed", argument: "path")
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
    if let failure { throw CoreError(.io, "cannot read '\(path)': \(failure)", argument: "path") }
    return bytes
  }
}

/// The reason of the last call of the system that failed, in words.
package func systemMessage() -> String { String(cString: strerror(errno)) }
