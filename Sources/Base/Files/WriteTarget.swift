import Platform

/// What a path leads to when a file is to be written there.
///
/// Links are followed by hand, one at a time, because the file that they lead to is what a rename must replace:
/// renaming onto the link itself would leave the file as it was. A link in /proc that stands for an open file has no
/// path to follow and is written through. Everything that is refused is refused here, before a byte is written.
enum WriteTarget {
  /// An open descriptor of this process, as /dev/stdout and /dev/fd/N are.
  case descriptor(Int32)
  /// A pipe or a character device, or a file that another process holds open.
  case stream(String)
  /// Nothing is there yet. The path is where links lead to.
  case new(String)
  /// An ordinary file that may be written to. The path is where links lead to.
  case regular(String, stat)

  init(_ path: String) throws(WriteFailure) {
    let end = try Self.followLinks(path)
    if case .descriptor = end {
      self = end
      return
    }
    var status = stat()
    guard stat(path, &status) == 0 else {
      guard errno == ENOENT, case .new(let target) = end else { throw WriteFailure(errno) }
      guard !target.hasSuffix("/") else { throw WriteFailure("it is the name of a folder") }
      self = end
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      guard case .new(let target) = end else {
        self = .stream(path)
        return
      }
      // A rename would get past the mode.
      guard faccessat(AT_FDCWD, target, W_OK, AT_EACCESS) == 0 else {
        throw WriteFailure(
          "its mode protects it (\(systemReason()))",
          hint: "make it writable first, or write to another file")
      }
      self = .regular(target, status)
    case S_IFIFO, S_IFCHR: self = .stream(path)
    case S_IFDIR: throw WriteFailure("it is a folder", hint: "give the path of a file in it")
    case S_IFBLK: throw WriteFailure("it is a block device", hint: "give the path of a file")
    case S_IFSOCK: throw WriteFailure("it is a socket", hint: "give the path of a file")
    default: throw WriteFailure("it is neither a file, nor a pipe, nor a device")
    }
  }

  /// Where the last part of a path leads to, link by link: `.new`, whether there is something or not; `.descriptor` or
  /// `.stream` for a link in /proc that stands for an open file, whose text is not a path.
  private static func followLinks(_ path: String) throws(WriteFailure) -> WriteTarget {
    var path = path
    for _ in 0..<40 {
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return .new(path) }
      let folder = Folder.of(path)
      if let open = openFile(folder, name: String(path.dropFirst(folder == "./" ? 0 : folder.count))) { return open }
      var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX) + 1)
      let count = buffer.withUnsafeMutableBytes { bytes in
        bytes.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? -1
      }
      guard count >= 0, count <= PATH_MAX else { throw WriteFailure(count < 0 ? errno : ENAMETOOLONG) }
      guard let target = String(validating: buffer[..<count], as: UTF8.self) else {
        throw WriteFailure("it is a link to a path that is not UTF-8")
      }
      path = target.hasPrefix("/") || folder == "./" ? target : folder + target
    }
    throw WriteFailure(ELOOP)
  }

  private static func openFile(_ folder: String, name: String) -> WriteTarget? {
    guard let resolved = realpath(folder, nil) else { return nil }
    defer { free(resolved) }
    let parts = String(cString: resolved).split(separator: "/").map(String.init)
    guard parts.first == "proc", parts.last == "fd", parts.count >= 3, let number = Int32(name), number >= 0 else {
      return nil
    }
    return parts[1] == String(getpid()) ? .descriptor(number) : .stream("\(folder)\(name)")
  }
}

/// The name of the file that new content is written to before it is renamed: `NAME.PID.tmp`, in the folder of the file.
struct TemporaryName {
  private let folder: String
  private let base: String

  init(_ path: String) {
    folder = Folder.of(path)
    var base = folder == "./" ? path : String(path.dropFirst(folder.count))
    // A name of a file has at most 255 bytes.
    while base.utf8.count > 255 - ".2147483647.tmp".utf8.count { base.removeLast() }
    self.base = base
  }

  /// The temporary name of this process.
  var own: String { "\(folder)\(base).\(getpid()).tmp" }

  /// Removes the temporary files of this name that no process is writing any more: those of processes that are gone,
  /// and those that are older than the process that has their number now.
  func removeLeftovers() {
    guard let names = try? Folder.names(in: folder) else { return }
    for name in names {
      guard name.hasPrefix(base + "."), name.hasSuffix(".tmp") else { continue }
      let digits = name.utf8.dropFirst(base.utf8.count + 1).dropLast(4)
      guard !digits.isEmpty, digits.allSatisfy({ $0 &- 48 < 10 }), let process = pid_t(String(digits) ?? ""),
        process > 0
      else { continue }
      remove("\(folder)\(name)", ifLeftBy: process)
    }
  }

  private func remove(_ path: String, ifLeftBy process: pid_t) {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    // One of this process's own number cannot be in use: only one is written at a time.
    if process != getpid(), kill(process, 0) == 0 || errno != ESRCH {
      guard let started = startTime(of: process), Double(status.st_mtim.tv_sec) + 2 < started else { return }
    }
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    if descriptor >= 0 {
      defer { close(descriptor) }
      // Held by its writer, perhaps in another container, where processes have other numbers.
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else { return }
      unlink(path)
    } else {
      unlink(path)
    }
  }

  /// When a process started, in seconds since 1970; nil where that cannot be found out.
  private func startTime(of process: pid_t) -> Double? {
    guard let line = text(of: "/proc/\(process)/stat"), let close = line.lastIndex(of: ")"),
      let boot = text(of: "/proc/stat")?.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
      let booted = Double(boot.dropFirst(6))
    else { return nil }
    // The 22nd field; the second is in parentheses.
    let fields = line[close...].dropFirst().split(separator: " ")
    guard fields.count > 19, let ticks = Double(fields[19]) else { return nil }
    return booted + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  private func text(of path: String) -> String? {
    (try? FileReader.bytes(of: path, limit: 1 << 22)).map { String(decoding: $0, as: UTF8.self) }
  }
}
