import Platform

/// A file that is written to at its end, perhaps in several runs.
///
/// What was written stays when a run ends in whatever way, and the next one continues at its end. The file is locked
/// while it is open, so that two runs do not write the same one; one without a byte is removed.
package class GrowingFile {
  /// Its path.
  package let growingPath: String
  /// How many bytes of it are there.
  package private(set) var size: Int
  fileprivate let descriptor: Int32
  fileprivate var isOpen = true
  /// What an error says of a file that another process has locked.
  package static let isTaken = "is being written by another process"

  /// Opens a file, or begins one.
  ///
  /// - Throws: `io` where it cannot be written, where it is no ordinary file, and where another process writes it.
  package init(_ path: String) throws(CoreError) {
    try CoreError.checkPath(path)
    growingPath = path
    // A link would lead to a file that is not this one.
    descriptor = open(growingPath, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Self.failure(growingPath) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw Self.failure(growingPath, code: code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .file(growingPath, "is not a regular file", hint: "remove it")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      close(descriptor)
      throw .file(growingPath, Self.isTaken, hint: "wait until that is done")
    }
    size = Int(status.st_size)
  }

  deinit { end() }

  /// Lets go of the file; it stays unless it has no byte.
  package func end() {
    guard isOpen else { return }
    if size == 0 { unlink(growingPath) }
    close(descriptor)
    isOpen = false
  }

  /// Adds bytes at the end.
  ///
  /// - Throws: `io` where they cannot be written, all that was there before being kept; what `StopSignal.poll` throws.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(CoreError) {
    var done = 0
    while done < bytes.count { done += try appendSome(UnsafeRawBufferPointer(rebasing: bytes[done...])) }
  }

  /// Adds bytes at the end, as the other `append` does.
  package func append(_ bytes: [UInt8]) throws(CoreError) {
    var done = 0
    while done < bytes.count {
      let (put, code) = bytes.withUnsafeBytes { bytes in
        let put = putSome(UnsafeRawBufferPointer(rebasing: bytes[done...]))
        return (put, errno)
      }
      done += try taken(put, code)
    }
  }

  private func appendSome(_ bytes: UnsafeRawBufferPointer) throws(CoreError) -> Int {
    let put = putSome(bytes)
    return try taken(put, errno)
  }

  private func putSome(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    return pwrite(descriptor, base, min(bytes.count, 4 << 20), off_t(size))
  }

  /// Counts what was written.
  private func taken(_ put: Int, _ code: Int32) throws(CoreError) -> Int {
    if put > 0 { size += put }
    try StopSignal.poll()
    guard put > 0 || put < 0 && code == EINTR else { throw Self.failure(growingPath, code: put < 0 ? code : EIO) }
    return max(0, put)
  }

  /// Forgets what is there.
  package func restart() throws(CoreError) {
    guard ftruncate(descriptor, 0) == 0 else { throw Self.failure(growingPath) }
    size = 0
  }

  /// The digest of what is there.
  ///
  /// - Parameter onPiece: told after each piece how many bytes have passed.
  package func digest(md5: Bool, onPiece: (Int) -> Void) throws(CoreError) -> FileDigest {
    guard size > 0 else { return FileDigest(md5: md5) }
    return try FileDigest.of(FileReader(growingPath, expected: "what was written"), md5: md5, onPiece: onPiece)
  }

  fileprivate static func failure(_ path: String, code: Int32 = errno) -> CoreError {
    let hint =
      switch code {
      case ENOSPC, EDQUOT: "make room: what is written so far stays, and the same call continues"
      case ELOOP: "it is a link: remove it"
      case ENOENT, ENOTDIR, EACCES, EPERM: "check that the folder exists and can be written to"
      case EROFS: "write to another folder"
      default: Optional<String>.none
      }
    return .cannot("write", path, code: code, hint: hint)
  }
}

/// A file that comes piece by piece, perhaps in several runs: it grows as `NAME.part`, and has its own name once it is
/// whole.
///
/// Nothing is ever written over: where a file of that name has appeared meanwhile the part stays as it is.
package final class PartialFile: GrowingFile {
  /// The path that the file has once it is whole.
  package let path: String
  /// The path that it has until then.
  package var partPath: String { growingPath }

  /// Opens the part of a file, or begins one.
  ///
  /// - Throws: `io` where it cannot be written, where it is no ordinary file, and where another process writes it.
  package override init(_ path: String) throws(CoreError) {
    self.path = path
    try super.init(path + ".part")
  }

  /// Gives the file its name, when all of it is on the disk.
  ///
  /// - Throws: `io` where something has this name now, the part then being as it was.
  package func finish() throws(CoreError) {
    guard fsync(descriptor) == 0 else { throw Self.failure(growingPath) }
    guard FileStatus(path, followsLinks: false) == nil else {
      throw .cannot("write", path, "it has appeared meanwhile", hint: "'\(partPath)' has what was to be written there")
    }
    guard rename(partPath, path) == 0 else { throw Self.failure(path) }
    close(descriptor)
    isOpen = false
    let folder = open(Folder.of(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }
}
