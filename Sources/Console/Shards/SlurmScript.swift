import Base
import Builtins
import Platform
import Runs

/// The job script of an array of shards, and of the merge that follows it.
///
/// A task runs one shard. Slurm's signal before the end of the time, and that of a preemption, reach the shard, which ends
/// with `ExitStatus.stopped`; then the task asks to be queued again. What a shard has finished is in the folder, so that it
/// goes on where it was, on whatever machine.
struct SlurmScript {
  var script: ShardedScript
  var arguments: [String]
  /// How many shards the run is cut into, and which of them are to be started.
  var count: Int
  var shards: [Int]
  /// The time limit of a task as Slurm takes it; nil for the cluster's own.
  var time: String?
  /// Further options for sbatch, a line each.
  var options: [String]

  private var program: String { ChildProcess.ownPath.quotedForShell }

  private func head(_ name: String, _ further: [String]) -> String {
    var lines = ["#!/bin/bash", "#SBATCH --job-name=\(name)"] + further.map { "#SBATCH \($0)" }
    lines += options.map { "#SBATCH \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private var name: String { "ltd-" + (script.path.split(separator: "/").last.map(String.init) ?? "study") }

  /// The script of the array.
  var array: String {
    let log = Folder.joined(Runner.absolute(script.folder), "log/%a-of-\(count).txt")
    let ranges = Self.ranges(shards)
    var settings = ["--array=\(ranges)", "--output=\(log)", "--open-mode=append", "--requeue", "--signal=B:USR1@60"]
    if let time { settings.append("--time=\(time)") }
    let words = ([script.path] + arguments).map(\.quotedForShell).joined(separator: " ")
    return head(name, settings) + """
      # The shard of this task; a signal of Slurm is handed on, and a shard that was told to stop is queued again.
      \(program) --shard "$SLURM_ARRAY_TASK_ID/\(count)" --dir \(script.folder.quotedForShell) \\
        --threads "${SLURM_CPUS_PER_TASK:-1}" \(words) &
      shard=$!
      trap 'kill -USR1 "$shard"' USR1 TERM
      wait "$shard"; status=$?
      while kill -0 "$shard" 2>/dev/null; do wait "$shard"; status=$?; done
      if [ "$status" -eq \(ExitStatus.stopped) ]; then
        scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
      fi
      # A shard that waits for others has done what it could.
      [ "$status" -eq \(ExitStatus.waiting) ] && exit 0
      exit "$status"

      """
  }

  /// The script of the merge.
  var merge: String {
    let log = Folder.joined(Runner.absolute(script.folder), "log/merge.txt")
    return head(name + "-merge", ["--output=\(log)", "--open-mode=append"])
      + "exec \(program) merge \(script.folder.quotedForShell)\n"
  }

  /// Shards as the beginning of a sentence: "shard 2 is", "shards 1-3 are".
  static func named(_ numbers: [Int]) -> String {
    numbers.count == 1 ? "shard \(ranges(numbers)) is" : "shards \(ranges(numbers)) are"
  }

  /// Numbers as Slurm takes them: 1-3,7.
  static func ranges(_ numbers: [Int]) -> String {
    var parts: [ClosedRange<Int>] = []
    for number in numbers.sorted() {
      if let last = parts.last, last.upperBound + 1 == number {
        parts[parts.count - 1] = last.lowerBound...number
      } else {
        parts.append(number...number)
      }
    }
    return parts.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
  }
}

extension Runner {
  /// Submits the shards of a script that have something to do, and the merge that follows them, to Slurm.
  ///
  /// - Parameters:
  ///   - count: how many shards.
  ///   - isPrinted: whether the scripts are printed instead.
  /// - Returns: the exit status.
  public func submit(
    _ script: ShardedScript, count: Int, time: String?, options: [String], isPrinted: Bool
  ) -> Int32 {
    guard let text = text(ofScript: script.path) else { return ExitStatus.failure }
    do throws(CoreError) {
      let folder = try ShardFolder(
        script.folder,
        of: ShardIdentity(script: script.path, text: Array(text.utf8), arguments: session.arguments),
        acceptsScript: script.acceptsScript)
      guard isPrinted || !folder.isMerged else {
        session.host.note("'\(folder.path)' is merged: nothing is left to do")
        return ExitStatus.success
      }
      let submitted = isPrinted ? [] : try folder.submittedJobs(of: count)
      let queued = isPrinted || submitted.isEmpty ? [] : Self.queuedJobs() ?? []
      var (shards, busy): ([Int], [Int]) = ([], [])
      for index in 1...count {
        let note = ShardNumber(index, of: count).flatMap { folder.note(of: $0) }
        // Tasks that have not begun yet have said nothing of themselves.
        let isQueued = ([note?.job].compactMap { $0 } + submitted.map { "\($0)_\(index)" }).contains(
          where: queued.contains)
        if note?.isAliveHere == true || isQueued {
          busy.append(index)
        } else if note?.state != .finished {
          shards.append(index)
        }
      }
      if !busy.isEmpty {
        session.host.note("\(SlurmScript.named(busy)) being worked on or queued, and not submitted again")
      }
      guard !shards.isEmpty else {
        session.host.note(
          busy.isEmpty
            ? "all \(count) shards are finished: ltd merge \(script.folder)" : "nothing else is left to submit")
        return ExitStatus.success
      }
      let slurm = SlurmScript(
        script: script, arguments: session.arguments, count: count, shards: shards, time: time, options: options)
      if isPrinted {
        StandardOutput.out.write(slurm.array)
        return finishOutput(ExitStatus.success)
      }
      let array = try Self.sbatch(["--parsable"], slurm.array)
      try folder.noteSubmitted(array, of: count)
      let merge = try Self.sbatch(["--parsable", "--dependency=afterany:\(array)"], slurm.merge)
      StandardOutput.out.write(
        "\(SlurmScript.named(shards)) job \(array), the merge is job \(merge)\n")
      return finishOutput(ExitStatus.success)
    } catch {
      report([LTDError.reporting(error).diagnostic])
      return ExitStatus.failure
    }
  }

  /// Hands a script to sbatch.
  /// - Returns: the number of the job.
  private static func sbatch(_ words: [String], _ script: String) throws(CoreError) -> String {
    let child = ChildProcess.run("/usr/bin/env", ["sbatch"] + words, input: script, seconds: 60)
    switch child.ending {
    case .exited(0): break
    case .exited(127):
      throw CoreError(
        .value, "there is no sbatch on this machine",
        hint: "run it where Slurm is; --print shows the script, and --jobs 4 runs on this machine alone")
    default:
      throw CoreError(
        .io,
        "sbatch did not take the script: \(child.errorOutput.split(separator: "\n").first ?? "no reason was given")",
        hint: "--print shows the script")
    }
    let number = child.output.split(whereSeparator: { $0 == ";" || $0.isNewline }).first.map(String.init) ?? ""
    guard !number.isEmpty, number.allSatisfy(\.isNumber) else {
      throw CoreError(.io, "sbatch has answered '\(child.output.prefix(80))', not the number of a job", hint: nil)
    }
    return number
  }

  /// The tasks of arrays that Slurm knows of; nil where there is none, or it does not answer.
  static func queuedJobs() -> Set<String>? {
    let child = ChildProcess.run("/usr/bin/env", ["squeue", "--me", "-h", "-r", "-o", "%F_%K"], seconds: 30)
    guard child.ending == .exited(0) else { return nil }
    return Set(child.output.split(whereSeparator: \.isNewline).map(String.init))
  }
}

extension String {
  /// As one word of a shell.
  fileprivate var quotedForShell: String {
    "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}
