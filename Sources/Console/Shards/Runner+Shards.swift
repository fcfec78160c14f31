import Base
import Builtins
import Interpreter
import Platform
import Runs

/// A script, and the folder that its shards share.
public struct ShardedScript: Sendable {
  /// The path of the script.
  public var path: String
  /// The folder; that of the usual name where none is given.
  public var folder: String
  /// Whether what the folder holds of another script is taken over, where it does not depend on that.
  public var acceptsScript = false

  /// The shards of a script.
  ///
  /// - Parameter folder: nil stands for `study.shards` beside `study.ltd`.
  public init(_ path: String, folder: String?) {
    self.path = path
    self.folder = folder ?? (path.hasSuffix(".ltd") ? String(path.dropLast(4)) : path) + ".shards"
  }
}

extension Runner {
  // MARK: One shard

  /// Does the share of one process in a script that several run.
  ///
  /// - Returns: the exit status: `ExitStatus.waiting` where the script needs what other shards have not finished.
  public func runShard(_ script: ShardedScript, _ shard: ShardNumber) -> Int32 {
    guard let text = text(ofScript: script.path, orCommand: true) else { return ExitStatus.failure }
    do throws(CoreError) {
      let bytes = Array(text.utf8)
      let folder = try ShardFolder(
        script.folder, of: ShardIdentity(script: script.path, text: bytes, arguments: session.arguments),
        acceptsScript: script.acceptsScript)
      if let other = folder.note(of: shard), other.isAliveHere {
        throw CoreError(
          .value, "shard \(shard) is worked on by process \(other.process) of this machine",
          hint: "wait until that has ended; ltd status \(folder.path) shows all")
      }
      let run = try ShardRun(folder, .shard(shard))
      share(run)
      let status = self.run(Source(name: script.path, text: text), in: run)
      switch status {
      case ExitStatus.waiting: run.end(.waiting, "for \(run.waits ?? "")")
      case ExitStatus.interrupted, ExitStatus.stopped: run.end(.stopped, "")
      case ExitStatus.success: run.end(.finished, "")
      default: run.end(.failed, "exit status \(status)")
      }
      return status
    } catch {
      report([LTDError.reporting(error).diagnostic])
      return ExitStatus.failure
    }
  }

  /// Gives the session its part in a run of shards: what it imports must be what the others import.
  private func share(_ run: ShardRun) {
    session.shardRun = run
    session.onImport = { path, bytes throws(LTDError) in
      do throws(CoreError) { try run.requireSameFile(path, bytes) } catch { throw LTDError.reporting(error) }
    }
  }

  private func run(_ source: Source, in run: ShardRun) -> Int32 {
    let outcome = session.run(source)
    guard case .failure(let diagnostics) = outcome, let waits = run.waits, let last = diagnostics.last,
      last.kind == .limit
    else {
      let status = finish(outcome)
      return status == ExitStatus.success && session.endedEarly ? ExitStatus.interrupted : status
    }
    StandardOutput.out.flush()
    if case .merge = run.role {
      report(diagnostics)
    } else {
      let place = last.place.map { " at \($0)" } ?? ""
      session.host.note("the share of this shard is done; the script ends\(place), where it needs \(waits)")
    }
    return ExitStatus.waiting
  }

  // MARK: The whole

  /// Runs the script of a folder of shards, all of whose work is done, for its tables, plots and ledgers.
  ///
  /// - Returns: the exit status: `ExitStatus.waiting` where cells are missing.
  ///
  /// - Parameter acceptsScript: whether the script may have changed.
  public func merge(_ path: String, acceptsScript: Bool = false) -> Int32 {
    do throws(CoreError) {
      let folder = try ShardFolder(at: Self.absolute(path))
      let identity = try folder.identity()
      // Relative paths of the script count from there.
      if FileStatus(identity.folder)?.isFolder == true { chdir(identity.folder) }
      guard let text = text(ofScript: identity.script) else { return ExitStatus.failure }
      _ = try ShardFolder(
        folder.path, of: ShardIdentity(script: identity.script, text: Array(text.utf8), arguments: identity.arguments),
        acceptsScript: acceptsScript)
      let foreign = try folder.foreign()
      guard foreign.isEmpty else {
        throw CoreError(
          .value,
          "'\(folder.path)/cells' has files that no shard of this run has written: \(foreign.prefix(3).joined(separator: ", "))",
          hint: "remove them")
      }
      let run = try ShardRun(folder, .merge)
      share(run)
      session.arguments = identity.arguments
      let status = self.run(Source(name: identity.script, text: text), in: run)
      if status == ExitStatus.success { try folder.noteMerged() }
      return status
    } catch {
      report([LTDError.reporting(error).diagnostic])
      return ExitStatus.failure
    }
  }

  static func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let here = realpath(".", nil) else { return path }
    defer { free(here) }
    return Folder.joined(String(cString: here), path)
  }

  // MARK: Where it stands

  /// Prints what is finished, who works, and what is missing.
  /// - Returns: the exit status.
  public func shardStatus(_ path: String) -> Int32 {
    do throws(CoreError) {
      let folder = try ShardFolder(at: path)
      let identity = try folder.identity()
      var lines = ["\(identity.script), ltd \(identity.version), \(identity.instructions)"]
      for list in try folder.lists() {
        let missing = list.missing.prefix(8).map { "\($0 + 1)" }.joined(separator: ", ")
        lines.append(
          "  \(list.cells - list.missing.count) of \(list.cells) cells of \(list.what)"
            + (list.missing.isEmpty ? "" : "; missing: \(missing)\(list.missing.count > 8 ? ", …" : "")"))
      }
      var notes = try folder.notes()
      let asksSlurm = notes.contains { $0.state == .running && $0.job != nil }
      let queued = asksSlurm ? Self.queuedJobs() : nil
      notes = notes.map { note in
        var note = note
        // A job that Slurm does not know any more does not run, on whatever machine it was.
        if note.state == .running, let job = note.job, let queued, !queued.contains(job) { note.state = .dead }
        return note
      }
      if !notes.isEmpty {
        let rows = notes.map { note in
          [
            "\(note.shard)", note.state.rawValue, "\(note.progress.done) of \(note.progress.total)", note.host,
            note.job ?? "\(note.process)", note.starts == 1 ? "" : "start \(note.starts)", note.message,
          ]
        }
        lines += AlignedText([["shard", "state", "cells", "host", "job", "", ""]] + rows, sides: [.left]).lines(
          indent: 2)
      }
      if folder.isMerged { lines.append("  it is merged") }
      let foreign = try folder.foreign()
      if !foreign.isEmpty { lines.append("  files of no shard: \(foreign.joined(separator: ", "))") }
      StandardOutput.out.write(lines.joined(separator: "\n") + "\n")
      return finishOutput(ExitStatus.success)
    } catch {
      report([LTDError.reporting(error).diagnostic])
      return ExitStatus.failure
    }
  }
}

extension Diagnostic {
  /// Where it arose: study.ltd:7.
  fileprivate var place: String? {
    guard let source, let span else { return nil }
    return "\(source.name):\(source.position(at: Int(span.start)).line)"
  }
}
