import Base
import Platform

/// Cells that come from one piece of a program, such as the chunks of an evaluation or the combinations of a sweep.
public struct CellList: Sendable {
  /// The beginning of the names of their files.
  public let name: String
  /// What they are, for a person.
  public let what: String
  /// How many there are.
  public let count: Int
  /// How names end, with a point.
  let ending: String
  /// Which shard has the first: lists of few cells are not all those of the first shard.
  let offset: Int

  /// The name of the file of a cell.
  public func file(_ cell: Int) -> String {
    let digits = String(cell)
    return "\(name)-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits)\(ending)"
  }
}

/// What a session does that runs a script together with others.
///
/// Every shard runs the whole script. Where it comes to work that can be shared (`evaluate`, `certify`, `diagnose`,
/// `grids.sweep`), it does the cells that are its own and not finished yet. Where the script then needs what only all cells
/// together say, it continues if all of them are finished, and else ends (`waiting`): no number of a part can be taken
/// for one of the whole. Started again later it comes farther. A merge runs the same script, computes no cell, and refuses to
/// go on where one is missing. Whatever the number of shards, it meets the same cells.
public final class ShardRun {
  /// Which part a session has.
  public enum Role: Sendable, Equatable {
    /// It works out its own cells.
    case shard(ShardNumber)
    /// It puts together what shards have found.
    case merge
  }

  public let folder: ShardFolder
  public let role: Role
  private let scriptKey: String
  /// What the script needs that is not finished, where it ended for that.
  public private(set) var waits: String?
  /// Whether the session works on a cell: then all of it is its own.
  public private(set) var isWithinCell = false
  /// What the process says of itself, for ledgers and whoever asks for the status; nil for a merge.
  public private(set) var note: ShardNote?
  private var occurrences: [String: Int] = [:]

  /// A session's part of a run.
  ///
  /// - Throws: `io` where its plan cannot be read.
  public init(_ folder: ShardFolder, _ role: Role) throws(CoreError) {
    (self.folder, self.role) = (folder, role)
    scriptKey = try folder.identity().scriptKey
    if case .shard(let shard) = role {
      note = ShardNote(shard, in: folder)
      note?.write(to: folder)
    }
  }

  /// Says how the process has ended.
  public func end(_ state: ShardNote.State, _ message: String) {
    note?.state = state
    note?.message = message
    note?.write(to: folder)
  }

  private func progress(done: Int, of new: Int) {
    note?.progress.done += done
    note?.progress.total += new
    note?.write(to: folder)
  }

  /// Checks that a file that the script imports is the same for all shards.
  ///
  /// - Throws: `value` where it is not.
  public func requireSameFile(_ path: String, _ bytes: [UInt8]) throws(CoreError) {
    var hash = Hash64()
    hash.absorb(path)
    let digest = ShardIdentity.digest(of: bytes)
    let content = JSON.object([.init("import", .string(path)), .init("digest", .string(digest))])
    guard try folder.agree(on: "imports/\(hash.digits).json", content) == content else {
      throw CoreError(
        .value, "'\(path)' is not what the other shards in '\(folder.path)' have imported",
        hint: "give another folder with --dir, or remove it, and with it what is finished")
    }
  }

  // MARK: Lists of cells

  /// The cells of a piece of work.
  ///
  /// All shards must come to the same work in the same order: one that has found other weights or other images says so at
  /// once, instead of working on cells that nobody will ask for.
  ///
  /// - Parameters:
  ///   - kind: a word for file names.
  ///   - facts: all that decides what the cells hold, each with a name for a person.
  ///   - isUnique: whether the facts tell it from all other work; else the script and the place in it do.
  /// - Throws: `value` where another shard has other facts there.
  public func list(
    _ kind: String, _ facts: [(name: String, value: String)], what: String, count: Int, ending: String,
    isUnique: Bool = true
  ) throws(CoreError) -> CellList {
    let number = occurrences[kind, default: 0] + 1
    occurrences[kind] = number
    var hash = Hash64()
    for fact in facts { hash.absorb(fact.value) }
    if !isUnique {
      hash.absorb(UInt64(number))
      hash.absorb(scriptKey)
    }
    let digests = facts.map { fact in
      var hash = Hash64()
      hash.absorb(fact.value)
      return (name: fact.name, digits: hash.digits)
    }
    let found = try folder.agree(
      on: "order/\(kind)-\(number).json", .object(digests.map { .init($0.name, .string($0.digits)) }))
    let others = digests.filter { found[$0.name]?.stringValue != $0.digits }
    guard others.isEmpty else {
      throw CoreError(
        .value,
        "where this shard finds \(what), another one has found something else: \(others.map(\.name).joined(separator: ", "))",
        hint:
          "all must read the same files; if they have changed, remove '\(folder.path)' or give another folder with --dir"
      )
    }
    let digits = hash.digits
    let list = CellList(
      name: "\(kind)-\(digits)", what: what, count: count, ending: ending,
      offset: Int(UInt64(digits, radix: 16).map { $0 % 1009 } ?? 0))
    let content = JSON.object([
      .init("what", .string(what)), .init("cells", .int(count)), .init("ending", .string(ending)),
    ])
    let kept = try folder.agree(on: "lists/\(list.name).json", content)
    guard kept["cells"]?.intValue == count else {
      throw CoreError(
        .value, "'\(folder.path)' has another number of cells for \(what)",
        hint: "something that the script reads has changed: give another folder with --dir")
    }
    note?.progress.what = what
    return list
  }

  /// The cells that are not finished.
  public func unfinished(_ list: CellList) throws(CoreError) -> [Int] {
    let there = try folder.finished()
    return (0..<list.count).filter { !there.contains(list.file($0)) }
  }

  /// Works out the cells of a list that are this session's and not finished.
  ///
  /// - Parameter work: writes the cell to a path that is its own; what an earlier start has left there may be continued.
  public func workOut(_ list: CellList, _ work: (_ cell: Int, _ path: String) throws -> Void) throws {
    guard case .shard(let shard) = role else { return }
    let own = try unfinished(list).filter { ($0 + list.offset) % shard.count == shard.index - 1 }
    progress(done: 0, of: own.count)
    for cell in own {
      try StopSignal.poll()
      // With another number of shards somebody else may have had it meanwhile.
      if !folder.isFinished(list.file(cell)) {
        let path = folder.file("work/\(list.file(cell)).\(shard.fileName)")
        isWithinCell = true
        defer { isWithinCell = false }
        try work(cell, path)
        try folder.publish(path, as: list.file(cell))
      }
      progress(done: 1, of: 0)
    }
  }

  /// Ends the script where cells of a list are not finished.
  public func requireAll(_ list: CellList) throws(CoreError) {
    let missing = try unfinished(list)
    if case .merge = role, !missing.isEmpty { waits = list.what }
    guard let first = missing.first else { return }
    let names = missing.prefix(8).map { "\($0 + 1)" }.joined(separator: ", ") + (missing.count > 8 ? ", …" : "")
    guard case .shard(let shard) = role else {
      throw CoreError(
        .limit,
        "\(missing.count) of \(list.count) cells of \(list.what) are missing: \(names)",
        hint:
          "ltd status \(folder.path) tells who works on them; shards that are started again work out what is missing")
    }
    // With other shards than those that began, its own may be at work elsewhere.
    let isOwn = (first + list.offset) % shard.count == shard.index - 1
    throw stopped(
      "\(list.what), of which \(missing.count) of \(list.count) cells are not finished\(isOwn ? "" : " by other shards")",
      hint: "start it again when they are, or run ltd merge \(folder.path)")
  }

  /// Ends the script of a shard where something can be known after a merge alone; a merge continues.
  public func requireMerge(_ what: String) throws(CoreError) {
    guard case .shard = role, !isWithinCell else { return }
    throw stopped("\(what), which only ltd merge knows", hint: "ltd merge \(folder.path)")
  }

  /// An error that no `try` of a script holds up.
  private func stopped(_ what: String, hint: String) -> CoreError {
    waits = what
    return CoreError(.limit, "this shard has done its share, and its script needs \(what)", hint: hint)
  }
}
