import Base
import Devices
import Platform

/// What all shards of a run must have in common: else what they find is not of one run.
public struct ShardIdentity: Sendable, Equatable {
  /// The path of the script as it was given, and a digest of its text.
  public var script, digest: String
  /// The words after the script.
  public var arguments: [String]
  /// The version and the build of ltd, and the instruction set of its kernels, which decides how sums are rounded.
  public var version, build, instructions: String
  /// The folder in which the script was run, from which relative paths count.
  public var folder: String

  /// What a run of a script by this program is.
  public init(script: String, text: [UInt8], arguments: [String]) {
    (self.script, self.arguments) = (script, arguments)
    digest = Self.digest(of: text)
    (version, build, instructions) = (Build.version, Build.digest ?? "", Compute.instructions)
    folder =
      realpath(".", nil).map { pointer in
        defer { free(pointer) }
        return String(cString: pointer)
      } ?? "."
  }

  /// What ranks of one run must have alike, with names for a person, as JSON. Folders may differ: disks are mounted anywhere.
  package var comparison: [UInt8] {
    let facts = JSON.object([
      .init("the script", .string("\(script) (\(digest))")),
      .init("what follows it", .string(arguments.isEmpty ? "nothing" : arguments.joined(separator: " "))),
      .init("the version of ltd", .string(version)), .init("the build of ltd", .string(build)),
      .init("the instruction set", .string(instructions)),
    ])
    return Array(facts.line.utf8)
  }

  init?(_ json: JSON) {
    func text(_ key: String) -> String? { json[key]?.stringValue }
    guard json["form"]?.intValue == 1, let script = text("script"), let digest = text("digest"),
      let arguments = json["arguments"]?.arrayValue?.compactMap(\.stringValue), let version = text("version"),
      let build = text("build"), let instructions = text("instructions"), let folder = text("folder")
    else { return nil }
    (self.script, self.digest, self.arguments, self.folder) = (script, digest, arguments, folder)
    (self.version, self.build, self.instructions) = (version, build, instructions)
  }

  var json: JSON {
    .object([
      .init("form", .int(1)), .init("script", .string(script)), .init("digest", .string(digest)),
      .init("arguments", .array(arguments.map { .string($0) })), .init("version", .string(version)),
      .init("build", .string(build)), .init("instructions", .string(instructions)), .init("folder", .string(folder)),
    ])
  }

  /// 16 hexadecimal digits for the content of a file.
  package static func digest(of bytes: [UInt8]) -> String {
    var hash = Hash64()
    for byte in bytes { hash.absorb(UInt64(byte)) }
    return hash.digits
  }

  /// Whether it is computed by the same build for the same instruction set.
  func isSameProgram(as other: ShardIdentity) -> Bool {
    (version, build, instructions) == (other.version, other.build, other.instructions)
  }

  /// What work is keyed by that its settings do not tell from other work: the script and its words.
  var scriptKey: String { "\(digest) \(JSON.array(arguments.map { .string($0) }).line)" }

  /// In what another run differs, in words.
  func differences(from other: ShardIdentity) -> [String] {
    var found: [String] = []
    if digest != other.digest { found.append("the script ('\(script)' there)") }
    if arguments != other.arguments { found.append("its words (\(arguments) there, \(other.arguments) here)") }
    if version != other.version {
      found.append("the version of ltd (\(version) there, \(other.version) here)")
    } else if build != other.build {
      found.append("the build of ltd")
    }
    if instructions != other.instructions {
      found.append("the instruction set (\(instructions) there, \(other.instructions) here)")
    }
    return found
  }
}

/// The folder that the shards of a run share: `plan.json` says of which run, `lists` which cells there are, `cells` holds
/// those that are finished, `work` those under way, `shards` what each process says of itself.
///
/// A cell is a piece of work of one process. Its file has one writer, and comes into `cells` by a rename once all of it is
/// on the disk; afterwards nobody changes it. So processes on machines that know of each other by a shared disk alone see
/// of others only what is finished, no lock is needed, and no clock is compared. What all must agree on is a file too: the
/// first writes it, by a link, which one process alone can make, and the others compare.
public struct ShardFolder: Sendable {
  /// The path of the folder.
  public let path: String

  /// The folder of a run.
  ///
  /// - Parameter acceptsScript: whether another script or other words take the place of those that the folder is of. What
  ///   is compared by weights, images and settings is then used again, and what the script alone decides is not.
  /// - Throws: `io` where it cannot be made or read; `value` where it is that of another run.
  public init(_ path: String, of identity: ShardIdentity, acceptsScript: Bool = false) throws(CoreError) {
    self.path = path
    for name in ["cells", "imports", "lists", "log", "order", "shards", "work"] {
      try Folder.make(Folder.joined(path, name))
    }
    var other = try plan(identity)
    if other.differences(from: identity).isEmpty { return }
    if let busy = try notes().first(where: \.isAliveHere) {
      throw CoreError(
        .value, "'\(path)' holds shards of another run, of which process \(busy.process) works on shard \(busy.shard)",
        hint: "wait until it has ended, or give another folder with --dir")
    }
    // Nothing is lost where nothing is finished, as after a script that did not parse.
    let isNew = try finished().isEmpty
    if isNew || acceptsScript && other.isSameProgram(as: identity) {
      for name in ["order", "imports"] + (isNew ? ["lists", "work"] : []) {
        for file in try Folder.names(in: file(name)) { unlink(self.file("\(name)/\(file)")) }
      }
      for name in ["merged", "plan.json"] { unlink(file(name)) }
      other = try plan(identity)
    }
    let differences = other.differences(from: identity)
    guard differences.isEmpty else {
      throw CoreError(
        .value, "'\(path)' holds shards of another run: \(differences.joined(separator: ", ")) is not the same",
        hint: other.isSameProgram(as: identity)
          ? "--changed-script takes over what does not depend on the script; else give another folder with --dir"
          : "give another folder with --dir, or remove it, and with it what is finished")
    }
  }

  /// Whether the whole was put together.
  public var isMerged: Bool { FileStatus(file("merged")) != nil }

  /// Notes that the whole was put together.
  public func noteMerged() throws(CoreError) { try AtomicFile.replace(file("merged"), parts: []) }

  /// The plan that is there, or this one.
  private func plan(_ identity: ShardIdentity) throws(CoreError) -> ShardIdentity {
    guard let plan = ShardIdentity(try agree(on: "plan.json", identity.json)) else { throw notAPlan() }
    return plan
  }

  /// A folder that is there.
  ///
  /// - Throws: `io` or `value` where it is none of shards.
  public init(at path: String) throws(CoreError) { self.path = path }

  /// Which run it is of.
  public func identity() throws(CoreError) -> ShardIdentity {
    guard FileStatus(file("plan.json")) != nil else {
      throw CoreError(
        .value, "'\(path)' is no folder of shards: it has no plan.json",
        hint: "ltd study.ltd --shard 1/4 makes study.shards")
    }
    guard let identity = try ShardIdentity(json("plan.json")) else { throw notAPlan() }
    return identity
  }

  private func notAPlan() -> CoreError {
    .file(file("plan.json"), "is damaged, or was written by another version of ltd", hint: "give another folder")
  }

  package func file(_ name: String) -> String { Folder.joined(path, name) }

  func json(_ name: String) throws(CoreError) -> JSON {
    do throws(CoreError) { return try JSON.parse(FileReader.bytes(of: file(name))) } catch {
      throw error.kind == .io ? error : .file(file(name), "is damaged: \(error.message)", hint: "remove it")
    }
  }

  /// Writes a file that no process has written yet; else the content that it has.
  package func agree(on name: String, _ content: JSON) throws(CoreError) -> JSON {
    let final = file(name)
    if FileStatus(final) == nil {
      let own = file("work/\(name.split(separator: "/").last ?? "").\(Machine.host).\(getpid())")
      try AtomicFile.replace(own, parts: [Array((try content.text(indent: 0) + "\n").utf8)])
      defer { unlink(own) }
      if link(own, final) != 0, errno != EEXIST {
        // A file system without links.
        guard FileStatus(final) != nil || rename(own, final) == 0 else { throw .cannot("write", final) }
      }
    }
    return try json(name)
  }

  // MARK: Cells

  /// Names among the finished cells that are none of this run.
  public func foreign() throws(CoreError) -> [String] {
    let lists = try Set(Folder.names(in: file("lists")).map { $0.hasSuffix(".json") ? String($0.dropLast(5)) : $0 })
    return try Folder.names(in: file("cells")).filter { name in
      guard let dash = name.lastIndex(of: "-"), let dot = name.lastIndex(of: "."), dash < dot else { return true }
      // SQLite may leave a journal where it was not let go on.
      return !lists.contains(String(name[..<dash])) || Int(name[name.index(after: dash)..<dot]) == nil
        || ![".sqlite", ".cell"].contains(name[dot...])
    }
  }

  /// The finished cells, by the names of their files.
  package func finished() throws(CoreError) -> Set<String> { Set(try Folder.names(in: file("cells"))) }

  package func isFinished(_ name: String) -> Bool { FileStatus(cell(name)) != nil }

  package func cell(_ name: String) -> String { file("cells/\(name)") }

  /// Gives the file of a cell its place, when all of it is on the disk.
  package func publish(_ work: String, as name: String) throws(CoreError) {
    guard rename(work, cell(name)) == 0 else { throw .cannot("write", cell(name)) }
    let folder = open(file("cells"), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }
}

/// What a process says of where it runs.
package enum Machine {
  package static let host: String = {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, 255) == 0 else { return "unknown" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      .replacing("/", with: "-")
  }()

  /// When a process of this machine began, in ticks since the system did: with it a number that is used again is not taken
  /// for the process that had it before. Nil where there is no such process.
  package static func start(of process: Int) -> Int? {
    guard
      let bytes = StopSignal.ignoring({ try? FileReader.bytes(of: "/proc/\(process)/stat", limit: 1 << 16) }),
      let end = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = String(decoding: bytes[(end + 1)...], as: UTF8.self).split(separator: " ")
    // A process that has ended and that nobody has asked for.
    guard fields.count > 19, fields[0] != "Z" else { return nil }
    return Int(fields[19])
  }
}
