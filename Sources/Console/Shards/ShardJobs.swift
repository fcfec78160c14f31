import Base
import Builtins
import Platform
import Runs

/// All shards of a script as processes of this machine: `ltd study.ltd --jobs 4`.
///
/// What a child finds reaches the others through the folder alone, as on a cluster. A child that a signal has ended is
/// started again, twice at most; the others go on meanwhile. Where the script needs the whole of something, its shards end
/// and are started again once all have come there. In the end this process merges.
final class ShardJobs {
  private let script: ShardedScript
  private let count: Int
  private let options: RunnerOptions
  private let arguments: [String]
  private let stop: StopSignal
  private let folder: ShardFolder
  private let log: any Progress
  /// The processes that run, by the number of the shard.
  private var running: [Int: pid_t] = [:]
  private var restarts: [Int: Int] = [:]
  private var failed: [(shard: Int, why: String)] = []
  private var waiting: Set<Int> = []
  private var shownAt = -Double.infinity
  /// What was finished when it was looked at first.
  private var before: (done: Int, time: Double)?

  /// How often a child that a signal has ended is started again.
  static let restartsAtMost = 2

  init(
    _ script: ShardedScript, count: Int, _ folder: ShardFolder, options: RunnerOptions, arguments: [String],
    stop: StopSignal, progress: any Progress
  ) {
    (self.script, self.count, self.folder, self.options) = (script, count, folder, options)
    (self.arguments, self.stop, log) = (arguments, stop, progress)
  }

  /// Runs all shards until there is nothing left for them.
  ///
  /// - Returns: nil where all is done; else the exit status.
  func run() throws(CoreError) -> Int32? {
    defer { log.finish() }
    var next = Array(1...count)
    while !next.isEmpty {
      let known = try folder.finished().count
      waiting = []
      for shard in next { try start(shard) }
      while !running.isEmpty {
        if stop.isRaised { return end() }
        try look()
        usleep(20_000)
      }
      // Failed shards are not started again: what they would have done is missing.
      let isFurther = try folder.finished().count > known
      next = failed.isEmpty && isFurther ? waiting.sorted() : []
    }
    guard failed.isEmpty else {
      failed.sort { $0.shard < $1.shard }
      // Mostly they all fail for one reason.
      if let (shard, _) = failed.first, let text = try? FileReader.text(of: logPath(shard)) {
        for line in text.split(separator: "\n").suffix(12) { log.note("  \(line)") }
      }
      for (shard, why) in failed { log.note("shard \(shard)/\(count) \(why); its output is in \(logPath(shard))") }
      return ExitStatus.failure
    }
    return nil
  }

  private func logPath(_ shard: Int) -> String { folder.file("log/\(shard)-of-\(count).txt") }

  private func start(_ shard: Int) throws(CoreError) {
    var words = ["--shard", "\(shard)/\(count)", "--dir", script.folder, "--threads", "\(threads)"]
    if options.checksFinite { words.append("--check-finite") }
    if let seconds = options.limits.seconds { words += ["--max-seconds", "\(seconds)"] }
    if let steps = options.limits.steps { words += ["--max-steps", "\(steps)"] }
    if let bytes = options.limits.memoryBytes { words += ["--max-memory", "\(bytes >> 20)"] }
    let process = try ChildProcess.begin(
      ChildProcess.ownPath, words + [script.path] + arguments, output: logPath(shard))
    running[shard] = process
  }

  /// The processors are divided among the children.
  private var threads: Int { max(1, (options.threads ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) / count) }

  /// Sees which children have ended, and shows how far all are.
  private func look() throws(CoreError) {
    for (shard, process) in running {
      var status: Int32 = 0
      guard waitpid(process, &status, WNOHANG) == process else { continue }
      running[shard] = nil
      let signal = status & 0x7F
      let code = status >> 8 & 0xFF
      switch (signal, code) {
      case (0, ExitStatus.success): break
      case (0, ExitStatus.waiting): waiting.insert(shard)
      case (0, let code) where code != ExitStatus.stopped: failed.append((shard, "failed with exit status \(code)"))
      default:
        let what = signal == 0 ? "was told to stop" : "was ended by signal \(signal)"
        let number = restarts[shard, default: 0] + 1
        restarts[shard] = number
        if number > Self.restartsAtMost {
          failed.append((shard, "\(what), and was started again \(Self.restartsAtMost) times"))
        } else {
          log.note("shard \(shard)/\(count) \(what), and is started again")
          try start(shard)
        }
      }
    }
    let now = monotonicSeconds()
    guard now - shownAt > 0.25 else { return }
    shownAt = now
    // As far as the script has come: what it has not met yet is not known.
    let lists = try folder.lists()
    let cells = lists.reduce(0) { $0 + $1.cells }
    let done = cells - lists.reduce(0) { $0 + $1.missing.count }
    let began = before ?? (done, now)
    before = began
    let rate = Double(done - began.done) / max(now - began.time, 0.001)
    log.update(
      title: "\(count) jobs, \(done) of \(cells) cells", done: done, total: cells, fields: [],
      secondsLeft: rate > 0 ? Double(cells - done) / rate : nil)
  }

  /// Asks the children to end, and waits until they have: what they have finished stays.
  private func end() -> Int32 {
    for process in running.values { kill(process, SIGTERM) }
    for process in running.values {
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }
    log.note("stopped: what is finished is kept, and the same call continues")
    return Interrupts.pending ? ExitStatus.interrupted : ExitStatus.stopped
  }
}

extension Runner {
  /// Runs a script as several processes of this machine, and then merges what they found.
  /// - Returns: the exit status.
  public func runJobs(_ script: ShardedScript, count: Int) -> Int32 {
    guard let text = text(ofScript: script.path, orCommand: true) else { return ExitStatus.failure }
    do throws(CoreError) {
      let folder = try ShardFolder(
        script.folder,
        of: ShardIdentity(script: script.path, text: Array(text.utf8), arguments: session.arguments),
        acceptsScript: script.acceptsScript)
      // All that is left to do is to print it.
      if folder.isMerged { return merge(script.folder) }
      let jobs = ShardJobs(
        script, count: count, folder, options: options, arguments: session.arguments, stop: session.stop,
        progress: session.host.progress())
      if let status = try jobs.run() { return status }
    } catch {
      report([LTDError.reporting(error).diagnostic])
      return ExitStatus.failure
    }
    return merge(script.folder)
  }
}
