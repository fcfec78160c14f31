import Base
import Platform

/// A program run to its end, or to its time limit, with its output caught.
///
/// Its input is a temporary file and its outputs are pipes, which are read as they fill, so that neither side can wait for
/// the other for ever. It runs in a process group of its own, which is killed as a whole at the end, so that nothing it
/// started stays behind. What it writes is bounded in bytes, and its run in seconds. Programs that shall have the terminal,
/// such as an editor, run in the foreground instead (`foreground`), and Ctrl-C goes to them alone.
package struct ChildProcess: Sendable {
  /// How a run ended.
  package enum Ending: Equatable, Sendable {
    /// By itself, with an exit status from 0 to 255.
    case exited(Int32)
    /// Ended by a signal, such as 11 for a memory fault.
    case signalled(Int32)
    /// Stopped because its time was up.
    case timedOut
    /// It wrote more than is taken in.
    case tooMuchOutput
    /// It did not start; the string says why.
    case notStarted(String)
  }

  /// How the run ended.
  package var ending: Ending
  /// What it wrote to standard output, bytes that are no UTF-8 replaced.
  package var output: String
  /// What it wrote to standard error.
  package var errorOutput: String

  /// The file this program was started from.
  package static var ownPath: String {
    guard let resolved = realpath("/proc/self/exe", nil) else { return CommandLine.arguments.first ?? "ltd" }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Runs a program in a process group of its own, which is killed as a whole when the time is up.
  /// - Parameters:
  ///   - path: the file of the program.
  ///   - arguments: its words, without its name.
  ///   - input: what it reads from standard input.
  ///   - environment: variables added to those of this process.
  ///   - seconds: the time limit.
  ///   - outputLimit: the most bytes taken in from each of its outputs.
  package static func run(
    _ path: String, _ arguments: [String], input: String = "", environment: [String: String] = [:],
    seconds: Double, outputLimit: Int = 16 << 20
  ) -> ChildProcess {
    // One start at a time: another child must not inherit the pipes of this one, or their end is never seen.
    do throws(CoreError) {
      let child = try starting.withLock { _ throws(CoreError) in try start(path, arguments, input, environment) }
      defer {
        close(child.out)
        close(child.err)
      }
      return gather(child.process, child.out, child.err, seconds: seconds, outputLimit: outputLimit)
    } catch {
      return ChildProcess(ending: .notStarted(error.message), output: "", errorOutput: "")
    }
  }

  /// Held while a child starts. It belongs to the process, as the descriptors that a child inherits do.
  private static let starting = Locked(())

  private static func start(
    _ path: String, _ arguments: [String], _ input: String, _ environment: [String: String]
  ) throws(CoreError) -> (process: pid_t, out: Int32, err: Int32) {
    func failed(_ what: String, _ code: Int32 = errno) -> CoreError {
      CoreError(.io, "\(what): \(systemReason(code))")
    }
    // A file, not a pipe: a program that does not read its input cannot hold us up.
    guard let inputFile = temporaryFile(holding: Array(input.utf8)) else { throw failed("no temporary file") }
    defer { close(inputFile) }
    var out: [Int32] = [-1, -1]
    var err: [Int32] = [-1, -1]
    guard privatePipe(&out) else { throw failed("no pipe") }
    guard privatePipe(&err) else {
      let error = failed("no pipe")
      for end in out { close(end) }
      throw error
    }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, inputFile, 0)
    posix_spawn_file_actions_adddup2(&actions, out[1], 1)
    posix_spawn_file_actions_adddup2(&actions, err[1], 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
    posix_spawnattr_setpgroup(&attributes, 0)
    // What the calling thread has blocked is its own affair.
    var nothing = sigset_t()
    sigemptyset(&nothing)
    posix_spawnattr_setsigmask(&attributes, &nothing)

    var process: pid_t = 0
    var variables = inheritedEnvironment()
    for (name, value) in environment { variables[name] = value }
    let status = withCStrings([path] + arguments) { argumentPointers in
      withCStrings(variables.map { "\($0.key)=\($0.value)" }) { variablePointers in
        posix_spawn(&process, path, &actions, &attributes, argumentPointers, variablePointers)
      }
    }
    close(out[1])
    close(err[1])
    guard status == 0 else {
      close(out[0])
      close(err[0])
      throw failed(path, status)
    }
    return (process, out[0], err[0])
  }

  private static func gather(
    _ process: pid_t, _ out: Int32, _ err: Int32, seconds: Double, outputLimit: Int
  ) -> ChildProcess {
    var texts: [[UInt8]] = [[], []]
    var polled = [
      pollfd(fd: out, events: Int16(POLLIN), revents: 0), pollfd(fd: err, events: Int16(POLLIN), revents: 0),
    ]
    let end = monotonicSeconds() + seconds
    var ending: Ending?
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while ending == nil, polled.contains(where: { $0.fd >= 0 }) {
      let left = end - monotonicSeconds()
      if left <= 0 {
        ending = .timedOut
        break
      }
      if poll(&polled, nfds_t(polled.count), Int32(min(left * 1000 + 1, 1000))) <= 0 { continue }
      for index in polled.indices where polled[index].fd >= 0 && polled[index].revents != 0 {
        let got = read(polled[index].fd, &chunk, chunk.count)
        if got < 0, errno == EINTR { continue }
        if got <= 0 { polled[index].fd = -1 } else { texts[index].append(contentsOf: chunk[..<got]) }
        if texts[index].count > outputLimit { ending = .tooMuchOutput }
      }
    }
    // Its outputs may be closed while it still runs.
    var status: Int32 = 0
    while ending == nil {
      let done = waitpid(process, &status, WNOHANG)
      if done == process {
        let signal = status & 0x7F
        ending = signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal)
      } else if done < 0, errno != EINTR {
        ending = .notStarted(systemReason())
      } else if monotonicSeconds() > end {
        ending = .timedOut
      } else {
        usleep(1000)
      }
    }
    kill(-process, SIGKILL)
    waitpid(process, &status, 0)
    return ChildProcess(
      ending: ending ?? .timedOut, output: String(decoding: texts[0], as: UTF8.self),
      errorOutput: String(decoding: texts[1], as: UTF8.self))
  }

  private static func temporaryFile(holding bytes: [UInt8]) -> Int32? {
    let folder = Terminal.environment("TMPDIR") ?? "/tmp"
    var template = Array("\(folder)/ltd-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { return nil }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    unlink(template)
    var done = 0
    while done < bytes.count {
      let wrote = bytes.withUnsafeBytes { writeSome(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done) }
      if wrote <= 0 {
        close(descriptor)
        return nil
      }
      done += wrote
    }
    lseek(descriptor, 0, SEEK_SET)
    return descriptor
  }
}

private func privatePipe(_ ends: inout [Int32]) -> Bool {
  guard pipe(&ends) == 0 else { return false }
  for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  return true
}

private func inheritedEnvironment() -> [String: String] {
  var variables: [String: String] = [:]
  var pointer = environ
  while let entry = pointer.pointee {
    let text = String(cString: entry)
    if let equals = text.firstIndex(of: "=") {
      variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
    }
    pointer += 1
  }
  return variables
}

private func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  return pointers.withUnsafeMutableBufferPointer { buffer in
    guard let base = buffer.baseAddress else { preconditionFailure("the list has at least its end mark") }
    return body(base)
  }
}

extension ChildProcess {
  /// Starts a program that writes both its outputs to the end of a file, reads nothing, and answers to this terminal's
  /// Ctrl-C.
  /// - Returns: its process, which the caller waits for.
  static func begin(_ path: String, _ arguments: [String], output: String) throws(CoreError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o666)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var process: pid_t = 0
    let status = starting.withLock { _ in
      withCStrings([path] + arguments) { posix_spawn(&process, path, &actions, nil, $0, environ) }
    }
    guard status == 0 else { throw CoreError(.io, "\(path): \(systemReason(status))") }
    return process
  }

  /// Runs a program on this terminal and waits for it. Ctrl-C goes to it alone.
  /// - Returns: its exit status; 127 when it could not be started.
  static func foreground(_ path: String, _ arguments: [String]) -> Int32 {
    var actions = posix_spawnattr_t()
    posix_spawnattr_init(&actions)
    defer { posix_spawnattr_destroy(&actions) }
    var usual = sigset_t()
    sigemptyset(&usual)
    sigaddset(&usual, SIGINT)
    posix_spawnattr_setsigdefault(&actions, &usual)
    posix_spawnattr_setflags(&actions, Int16(POSIX_SPAWN_SETSIGDEF))
    signal(SIGINT, SIG_IGN)
    defer { Interrupts.install() }
    var process: pid_t = 0
    let started = withCStrings([path] + arguments) { posix_spawn(&process, path, nil, &actions, $0, environ) }
    guard started == 0 else { return 127 }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
  }
}
