import Base
import Platform

/// How far a shard is: cells of its own, of those that it has met.
public struct ShardProgress: Sendable {
  /// Cells that this start of it has finished.
  public var done = 0
  /// Cells that this start of it has to work out, as far as it has come in the script.
  public var total = 0
  /// What it works on.
  public var what = ""
}

/// What a process says of itself in the folder of its run: `ltd status` and `ltd submit` read it. It is replaced whole, by
/// the one process that it is about.
public struct ShardNote: Sendable {
  /// Where a shard stands.
  public enum State: String, Sendable {
    /// It works, unless its process is dead.
    case running
    /// Its script has come to its end.
    case finished
    /// Its share is done up to where its script needs those of others.
    case waiting
    /// It was asked to stop, and continues when it is started again.
    case stopped
    /// Its script ended with an error.
    case failed
    /// It says that it runs, but its process is not there any more.
    case dead
  }

  public var shard: ShardNumber
  public var state: State
  /// The machine, the process and when that began (`Machine.start`).
  public var host: String
  public var process: Int
  public var processStart: Int
  /// The job of Slurm; nil for none.
  public var job: String?
  /// How often it was started, with this time.
  public var starts: Int
  /// When it was begun first, in UTC; for a person, nothing is decided by it.
  public var began: String
  public var progress = ShardProgress()
  /// Why it ended, where there is something to say.
  public var message = ""

  /// A note of this process, at its start.
  public init(_ shard: ShardNumber, in folder: ShardFolder) {
    self.shard = shard
    let before = folder.note(of: shard)
    state = .running
    (host, process) = (Machine.host, Int(getpid()))
    processStart = Machine.start(of: process) ?? 0
    func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
    job =
      variable("SLURM_ARRAY_JOB_ID").map { "\($0)_\(variable("SLURM_ARRAY_TASK_ID") ?? "")" }
      ?? variable("SLURM_JOB_ID")
    starts = (before?.starts ?? 0) + 1
    began = before?.began ?? timeText(secondsSince1970())
  }

  init?(_ json: JSON) {
    guard let shard = json["shard"]?.stringValue.flatMap({ ShardNumber($0) }),
      let state = json["state"]?.stringValue.flatMap({ State(rawValue: $0) }), let host = json["host"]?.stringValue,
      let process = json["process"]?.intValue, let processStart = json["process_start"]?.intValue,
      let starts = json["starts"]?.intValue, let began = json["began"]?.stringValue
    else { return nil }
    (self.shard, self.state, self.host, self.process) = (shard, state, host, process)
    (self.processStart, self.starts, self.began) = (processStart, starts, began)
    job = json["job"]?.stringValue
    progress.done = json["done"]?.intValue ?? 0
    progress.total = json["of"]?.intValue ?? 0
    progress.what = json["what"]?.stringValue ?? ""
    message = json["message"]?.stringValue ?? ""
    if state == .running, host == Machine.host, Machine.start(of: process) != processStart { self.state = .dead }
  }

  /// Whether a process of this machine works on it.
  public var isAliveHere: Bool { state == .running && host == Machine.host && process != Int(getpid()) }

  private var json: JSON {
    .object([
      .init("shard", .string("\(shard)")), .init("state", .string(state.rawValue)), .init("host", .string(host)),
      .init("process", .int(process)), .init("process_start", .int(processStart)),
      .init("job", job.map { .string($0) } ?? .null), .init("starts", .int(starts)), .init("began", .string(began)),
      .init("done", .int(progress.done)), .init("of", .int(progress.total)), .init("what", .string(progress.what)),
      .init("message", .string(message)),
    ])
  }

  /// Writes it. Where that cannot be done, as on a full disk, the work does not stop for it.
  public func write(to folder: ShardFolder) {
    StopSignal.ignoring {
      try? AtomicFile.replace(folder.file("shards/\(shard.fileName).json"), parts: [Array((json.line + "\n").utf8)])
    }
  }
}

extension ShardFolder {
  /// What a shard has said last; nil where it has said nothing that can be read.
  public func note(of shard: ShardNumber) -> ShardNote? {
    guard FileStatus(file("shards/\(shard.fileName).json")) != nil else { return nil }
    return (try? json("shards/\(shard.fileName).json")).flatMap { ShardNote($0) }
  }

  /// What all shards have said, in their order.
  public func notes() throws(CoreError) -> [ShardNote] {
    var found: [ShardNote] = []
    for name in try Folder.names(in: file("shards")) where name.hasSuffix(".json") {
      if let note = try ShardNote(json("shards/\(name)")) { found.append(note) }
    }
    return found.sorted { ($0.shard.count, $0.shard.index) < ($1.shard.count, $1.shard.index) }
  }

  /// Notes that an array of this many shards was submitted.
  public func noteSubmitted(_ job: String, of count: Int) throws(CoreError) {
    try AtomicFile.replace(file("shards/job-\(job)-of-\(count)"), parts: [])
  }

  /// The arrays of this many shards that were submitted.
  public func submittedJobs(of count: Int) throws(CoreError) -> [String] {
    try Folder.names(in: file("shards")).compactMap { name in
      let parts = name.split(separator: "-").map(String.init)
      return parts.count == 4 && parts[0] == "job" && parts[3] == "\(count)" ? parts[1] : nil
    }
  }

  /// The lists of cells that shards have met: what they are, how many cells, and how many of them are finished.
  public func lists() throws(CoreError) -> [(what: String, cells: Int, missing: [Int])] {
    let there = try finished()
    var found: [(what: String, cells: Int, missing: [Int])] = []
    for name in try Folder.names(in: file("lists")) where name.hasSuffix(".json") {
      let json = try json("lists/\(name)")
      guard let what = json["what"]?.stringValue, let count = json["cells"]?.intValue, (0...1 << 24).contains(count),
        let ending = json["ending"]?.stringValue
      else { throw .file(file("lists/\(name)"), "is damaged", hint: "remove it: a shard writes it again") }
      let list = CellList(name: String(name.dropLast(5)), what: what, count: count, ending: ending, offset: 0)
      found.append((what, count, (0..<count).filter { !there.contains(list.file($0)) }))
    }
    return found
  }
}
