import Platform

/// Writes a file so that its path holds either what was there before or all of the new content, whatever happens.
///
/// The content goes to `NAME.PID.tmp` in the folder of the file, is flushed to the disk, gets the mode, owner and group
/// of the file that was there, and is renamed; then the folder is flushed. Whatever fails, the temporary file is
/// removed. One that a process left which was killed is removed when the same name is next written.
///
/// - Symbolic links are followed and stay, also one to a file that is not there yet.
/// - What is not a regular file is never replaced: pipes, terminals and other character devices, and what /dev/stdout
///   and /dev/fd/N stand for, are written to. Folders, block devices and sockets are refused.
/// - Where a rename would lose something, the file is written in place: one with several hard links, one whose owner or
///   group cannot be given to a new file, one in a folder that takes no new file, one that is mounted. The room is
///   allocated before the first byte is changed, and the old content is put back if a write fails all the same; only a
///   crash in the middle can leave a mixture. Access lists and extended attributes are not carried over by a rename.
/// - A file that its mode protects from being written is left alone.
package enum AtomicFile {
  /// Replaces what is at a path, or writes to it where it is a pipe or device.
  ///
  /// - Parameters:
  ///   - parts: the content, one piece after the other.
  ///   - mode: permissions of a new file, less the process's mask; an old file keeps its own.
  /// - Throws: `io` where it cannot be written, the file then being as it was; what `StopSignal.poll` throws when there
  ///   is a reason to stop, such as Ctrl-C while nobody reads from a pipe.
  ///
  /// Of several ranks that run one script the first one writes, and the others wait for it: what they read afterwards is
  /// there, and what went wrong is the error of all.
  package static func replace(_ path: String, parts: [[UInt8]], mode: mode_t = 0o666) throws(CoreError) {
    guard let ranks = RunSettings.ranksOfThread else { return try replaceAlone(path, parts: parts, mode: mode) }
    try ranks.together(.writing, path.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF }) {
      if ranks.isFirst { try replaceAlone(path, parts: parts, mode: mode) }
    }
  }

  private static func replaceAlone(_ path: String, parts: [[UInt8]], mode: mode_t) throws(CoreError) {
    try CoreError.checkPath(path)
    do throws(WriteFailure) {
      switch try WriteTarget(path) {
      case .descriptor(let number):
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw WriteFailure(errno) }
        try pour(parts, into: copy)
      case .stream(let path): try pour(parts, into: try openStream(path))
      case .new(let path):
        guard try replaceByRename(path, parts, old: nil, mode: mode) else { throw WriteFailure(EACCES) }
      case .regular(let path, let status):
        if status.st_nlink == 1, try replaceByRename(path, parts, old: status, mode: mode) { return }
        try writeInPlace(path, parts)
      }
    } catch {
      if let stop = error.stop { throw stop }
      throw .cannot("write", path, error.reason, hint: error.hint)
    }
  }

  // MARK: By a rename

  /// Threads of this process would take the same temporary name.
  private static let renaming = Locked(())

  /// Writes the content to a file beside the path and renames that onto it.
  ///
  /// - Parameter old: what is at the path now.
  /// - Returns: false where the file cannot be replaced as it should be, but could be written in place.
  private static func replaceByRename(
    _ path: String, _ parts: [[UInt8]], old: stat?, mode: mode_t
  ) throws(WriteFailure) -> Bool {
    try renaming.withLock { _ throws(WriteFailure) -> Bool in
      let name = TemporaryName(path)
      name.removeLeftovers()
      let temporary = name.own
      // Nobody else may read it before it has the mode of the old file.
      let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, old == nil ? mode : 0o600)
      guard descriptor >= 0 else {
        if old != nil, [EACCES, EPERM, EROFS, ENAMETOOLONG].contains(errno) { return false }
        throw WriteFailure(errno)
      }
      var isRenamed = false
      defer { if !isRenamed { unlink(temporary) } }
      // Shows others that the file is being written, in whatever container they run.
      flock(descriptor, LOCK_EX | LOCK_NB)
      do throws(WriteFailure) {
        if let old, !takeOver(old, descriptor) {
          close(descriptor)
          return false
        }
        try writeAll(parts, to: descriptor, polls: true)
        if fsync(descriptor) != 0 { throw WriteFailure(errno) }
      } catch {
        close(descriptor)
        throw error
      }
      guard close(descriptor) == 0 else { throw WriteFailure(errno) }
      guard rename(temporary, path) == 0 else {
        if old != nil, [EACCES, EPERM, EBUSY].contains(errno) { return false }
        throw WriteFailure(errno)
      }
      isRenamed = true
      try synchroniseFolder(of: path)
      return true
    }
  }

  /// Gives a new file the owner, the group and the mode of the old one.
  private static func takeOver(_ old: stat, _ descriptor: Int32) -> Bool {
    var new = stat()
    guard fstat(descriptor, &new) == 0 else { return false }
    if new.st_uid != old.st_uid || new.st_gid != old.st_gid, fchown(descriptor, old.st_uid, old.st_gid) != 0 {
      return false
    }
    // After the owner: changing that takes some bits away.
    return fchmod(descriptor, old.st_mode & 0o7777) == 0
  }

  private static func synchroniseFolder(of path: String) throws(WriteFailure) {
    let descriptor = open(Folder.of(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    // One that may be written to but not read.
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    if fsync(descriptor) != 0, errno != EINVAL { throw WriteFailure(errno) }
  }

  // MARK: In place

  private static func writeInPlace(_ path: String, _ parts: [[UInt8]]) throws(WriteFailure) {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    let canRead = descriptor >= 0
    let writing = canRead ? descriptor : open(path, O_WRONLY | O_CLOEXEC)
    guard writing >= 0 else { throw WriteFailure(errno) }
    var failure: WriteFailure?
    do throws(WriteFailure) { try overwrite(writing, parts, keepsOld: canRead) } catch { failure = error }
    if close(writing) != 0, failure == nil { failure = WriteFailure(errno) }
    if let failure { throw failure }
  }

  private static func overwrite(_ descriptor: Int32, _ parts: [[UInt8]], keepsOld: Bool) throws(WriteFailure) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw WriteFailure(errno) }
    let oldSize = Int(status.st_size)
    let newSize = parts.reduce(0) { $0 + $1.count }
    var old: [UInt8]?
    if keepsOld { old = readAll(descriptor, count: oldSize) }
    if newSize > 0 {
      // Where the room cannot be allocated beforehand, a full disk shows while writing.
      let problem = posix_fallocate(descriptor, 0, off_t(newSize))
      if [ENOSPC, EDQUOT, EFBIG, EIO].contains(problem) {
        ftruncate(descriptor, off_t(oldSize))
        throw WriteFailure(problem)
      }
    }
    do throws(WriteFailure) {
      try writeAll(parts, to: descriptor, polls: false)
      guard ftruncate(descriptor, off_t(newSize)) == 0 || errno == EINVAL, fsync(descriptor) == 0 || errno == EINVAL
      else { throw WriteFailure(errno) }
    } catch {
      var failure = error
      if let old, lseek(descriptor, 0, SEEK_SET) == 0, (try? writeAll([old], to: descriptor, polls: false)) != nil,
        ftruncate(descriptor, off_t(oldSize)) == 0
      {
        throw failure
      }
      failure.reason += "; its old content is lost"
      failure.hint = nil
      throw failure
    }
  }

  private static func readAll(_ descriptor: Int32, count: Int) -> [UInt8]? {
    let bytes = [UInt8](filling: count) { buffer, initialised in
      while initialised < count, let base = buffer.baseAddress {
        let got = pread(descriptor, base + initialised, count - initialised, off_t(initialised))
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { break }
        initialised += got
      }
    }
    return bytes.count == count ? bytes : nil
  }

  // MARK: Through pipes and devices

  /// Waits for a pipe to have a reader.
  private static func openStream(_ path: String) throws(WriteFailure) -> Int32 {
    while true {
      let descriptor = open(path, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
      if descriptor >= 0 { return descriptor }
      var status = stat()
      guard errno == EINTR || errno == ENXIO && stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO else {
        throw WriteFailure(errno)
      }
      try pollForStop()
      usleep(10_000)
    }
  }

  /// Writes to a descriptor and closes it.
  private static func pour(_ parts: [[UInt8]], into descriptor: Int32) throws(WriteFailure) {
    // A reader that goes away is an error here, not the end of the process.
    var (broken, before, pending) = (sigset_t(), sigset_t(), sigset_t())
    sigemptyset(&broken)
    sigaddset(&broken, SIGPIPE)
    sigpending(&pending)
    let wasPending = sigismember(&pending, SIGPIPE) == 1
    pthread_sigmask(SIG_BLOCK, &broken, &before)
    defer {
      var none = timespec()
      if !wasPending { while sigtimedwait(&broken, nil, &none) < 0, errno == EINTR {} }
      pthread_sigmask(SIG_SETMASK, &before, nil)
    }
    var failure: WriteFailure?
    do throws(WriteFailure) {
      // Pieces that a pipe that is ready takes without waiting.
      for part in parts {
        for start in stride(from: 0, to: part.count, by: 4096) {
          while true {
            var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let count = poll(&ready, 1, 20)
            try pollForStop()
            if count > 0 { break }
          }
          try writeAll([Array(part[start..<min(start + 4096, part.count)])], to: descriptor, polls: true)
        }
      }
      // A pipe or a terminal cannot be flushed to a disk.
      if fsync(descriptor) != 0, ![EINVAL, EROFS, ENOTSUP, EBADF].contains(errno) { throw WriteFailure(errno) }
    } catch { failure = error }
    if close(descriptor) != 0, failure == nil { failure = WriteFailure(errno) }
    if let failure { throw failure }
  }

  private static func pollForStop() throws(WriteFailure) {
    do throws(CoreError) { try StopSignal.poll() } catch { throw WriteFailure(stop: error) }
  }

  private static func writeAll(_ parts: [[UInt8]], to descriptor: Int32, polls: Bool) throws(WriteFailure) {
    for part in parts {
      var done = 0
      while done < part.count {
        if polls { try pollForStop() }
        let count = min(part.count - done, 4 << 20)
        let put = part.withUnsafeBytes { buffer in buffer.baseAddress.map { write(descriptor, $0 + done, count) } ?? 0 }
        if put < 0, errno == EINTR { continue }
        if put < 0, errno == EAGAIN {
          var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          poll(&ready, 1, 20)
          continue
        }
        guard put > 0 else { throw WriteFailure(put < 0 ? errno : EIO) }
        done += put
      }
    }
  }
}

/// Why a file was not written.
struct WriteFailure: Error {
  var reason: String
  var hint: String?
  /// A reason to stop the whole run.
  var stop: CoreError?

  init(_ reason: String, hint: String? = nil) {
    self.reason = reason
    self.hint = hint
  }

  init(_ code: Int32) {
    reason = systemReason(code)
    switch code {
    case ENOSPC, EDQUOT: hint = "what was there before is as it was; make room, or write to another disk"
    case ENOENT, ENOTDIR, EACCES, EPERM: hint = "check that the folder exists and can be written to"
    case EROFS: hint = "write to another folder"
    default: hint = nil
    }
  }

  init(stop: CoreError) {
    reason = stop.message
    self.stop = stop
  }
}
