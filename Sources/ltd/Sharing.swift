import ArgumentParser
import Runs

/// Whether a script is one of several processes that share its work, and which.
struct Sharing {
  var shard: String?
  var jobs: Int?
  var folder: String?
  var acceptsScript = false

  /// Takes the options that stand right after the script, where they are easily added to a command.
  mutating func take(from words: inout [String]) throws {
    while words.count > 1 {
      if words[1] == "--changed-script" {
        acceptsScript = true
        words.remove(at: 1)
        continue
      }
      let parts = words[1].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard ["--shard", "--jobs", "--dir"].contains(parts[0]) else { return }
      guard parts.count == 2 || words.count > 2 else { throw ValidationError("Missing value for '\(parts[0])'") }
      let value = parts.count == 2 ? parts[1] : words[2]
      switch parts[0] {
      case "--shard": shard = value
      case "--dir": folder = value
      default:
        guard let number = Int(value) else { throw ValidationError("--jobs must be a number, not '\(value)'") }
        jobs = number
      }
      words.removeSubrange(1...(parts.count == 2 ? 1 : 2))
    }
  }

  /// The part that is asked for; nil for none, or for all of them.
  var shardNumber: ShardNumber? { shard.flatMap { ShardNumber($0) } }

  /// Whether the script is to be shared; settings that would not be used are refused.
  func isAsked(script: String?, interactive: Bool, noFiles: Bool) throws -> Bool {
    guard shard != nil || jobs != nil else {
      guard folder == nil else { throw ValidationError("--dir is for --shard and --jobs") }
      guard !acceptsScript else { throw ValidationError("--changed-script is for --shard and --jobs") }
      return false
    }
    let option = shard == nil ? "--jobs" : "--shard"
    guard shard == nil || jobs == nil else { throw ValidationError("--shard and --jobs exclude each other") }
    guard let script, script != "-" else { throw ValidationError("\(option) needs the file of a script") }
    guard !interactive else { throw ValidationError("\(option) opens no prompt: leave -i out") }
    guard !noFiles else { throw ValidationError("\(option) writes files: leave --no-files out") }
    if let shard, shardNumber == nil {
      throw ValidationError("--shard must be K/N with K from 1 to N, such as 3/16, not '\(shard)'")
    }
    if let jobs, !(1...256).contains(jobs) { throw ValidationError("--jobs must be from 1 to 256, not \(jobs)") }
    return true
  }
}
