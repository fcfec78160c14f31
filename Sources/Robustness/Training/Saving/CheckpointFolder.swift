import Base
import Networks
import Platform
import Tensors

/// A folder in which a training run leaves itself every few steps, so that whatever ends the process, the same script
/// continues it bit for bit.
///
/// Each checkpoint is a file `step-00000120.safetensors` with all of `TrainingState`: it appears whole or not at all,
/// its digest tells whether a disk has lost a byte of it, and the newest few are kept. One process at a time works in a
/// folder, which an empty file `lock` shows that the system lets go of when the process ends in whatever way. The
/// weights of a checkpoint can be read as those of any model, since the file is of a common format.
public final class CheckpointFolder {
  /// Its path.
  public let path: String
  /// After how many steps a checkpoint is written; nil stands for each epoch. One is written after the last step too.
  public let every: Int?
  private let keep: Int
  private let lock: GrowingFile?
  /// Whether the last attempt to write failed, which is said once.
  private var isFailing = false
  /// The newest checkpoint that is on the disk.
  public private(set) var newest: String?

  /// The number of the form of the files; another one is refused.
  private static let form = "1"
  private static let beginning = "step-"
  private static let ending = ".safetensors"

  /// Opens a folder, or makes it.
  ///
  /// - Parameters:
  ///   - every: steps from one checkpoint to the next; nil for one after each epoch.
  ///   - keep: how many are kept, at least 1.
  ///   - isReader: whether another process of the same run writes to the folder, and this one only reads.
  /// - Throws: `value` for settings out of range; `io` where the folder cannot be made or written to, or another process
  ///   works in it.
  public init(_ path: String, every: Int? = nil, keep: Int = 2, isReader: Bool = false) throws(CoreError) {
    if let every {
      try SettingRule.int(1...1_000_000_000, hint: "every=100").check(.int(every), name: "every", of: "fit")
    }
    try SettingRule.int(1...1_000_000, hint: "keep=2").check(.int(keep), name: "keep", of: "fit")
    (self.path, self.every, self.keep) = (path, every, keep)
    guard !isReader else {
      lock = nil
      return
    }
    do throws(CoreError) {
      if let status = FileStatus(path), !status.isFolder {
        throw CoreError.file(path, "is not a folder", hint: "give the path of a folder of its own for each run")
      }
      try Folder.make(path)
      lock = try GrowingFile(Folder.joined(path, "lock"))
      for name in try Folder.names(in: path) where name.hasPrefix(Self.beginning) && name.hasSuffix(".tmp") {
        // What a process that was killed had begun to write.
        try? Folder.removeFile(Folder.joined(path, name))
      }
    } catch {
      var error = error
      if error.message.hasSuffix(GrowingFile.isTaken) {
        error = CoreError(
          .io, "another process trains in '\(path)'", hint: "wait until it is done, or give another folder")
      }
      error.argument = "checkpoint"
      throw error
    }
  }

  deinit { lock?.end() }

  // MARK: Reading

  /// The newest checkpoint that is whole; nil where there is none yet.
  ///
  /// - Parameter warn: told of each newer one that is not.
  /// - Throws: `io` where the folder cannot be read or none of its checkpoints is whole; `value` for checkpoints of
  ///   another version.
  func load(warn: (String) -> Void) throws(CoreError) -> TrainingState? {
    let names = try checkpoints()
    for name in names.reversed() {
      let file = Folder.joined(path, name)
      do throws(CoreError) {
        let (tensors, metadata) = try SafeTensors.readSealed(file)
        let state = try Self.state(tensors, metadata, file)
        newest = file
        if let build = metadata["ltd.build"], build != Build.digest ?? "" {
          warn(
            "the checkpoints in '\(path)' were written by another build of ltd \(Build.version) (\(build), this is "
              + "\(Build.digest ?? "unknown")): the run continues, and may end in other bits than it would have with that one"
          )
        }
        return state
      } catch {
        guard error.kind == .io, let at = names.firstIndex(of: name) else { throw error }
        let earlier = at > 0 ? "the one before it is taken" : "there is none before it"
        warn("\(error.message): \(earlier)")
      }
    }
    guard names.isEmpty else {
      throw CoreError(
        .io, "no checkpoint in '\(path)' can be read", hint: "remove them to begin anew, or give another folder",
        argument: "checkpoint")
    }
    return nil
  }

  /// The checkpoint of a file of the folder, which another process has found whole.
  func load(file: String) throws(CoreError) -> TrainingState {
    let (tensors, metadata) = try SafeTensors.readSealed(file)
    return try Self.state(tensors, metadata, file)
  }

  private static func state(
    _ tensors: NamedTensors, _ metadata: [String: String], _ file: String
  ) throws(CoreError) -> TrainingState {
    guard let form = metadata["ltd.training"], let version = metadata["ltd.version"] else {
      throw .file(file, "is no checkpoint of a training run")
    }
    guard form == Self.form, version == Build.version else {
      throw CoreError(
        .value, "'\(file)' was written by ltd \(version), which trains otherwise than this \(Build.version)",
        hint: "continue it with that version, or give another folder", argument: "checkpoint")
    }
    guard let text = metadata["ltd.description"], let json = try? JSON.parse(Array(text.utf8)),
      let description = TrainingDescription(json), let step = metadata["ltd.step"].flatMap({ Int($0) })
    else { throw .file(file, "is no checkpoint of a training run") }
    return TrainingState(
      description: description, tensors: tensors, step: step, isFinished: metadata["ltd.finished"] == "true")
  }

  private func checkpoints() throws(CoreError) -> [String] {
    try Folder.names(in: path).filter { $0.hasPrefix(Self.beginning) && $0.hasSuffix(Self.ending) }
  }

  // MARK: Writing

  /// Whether the newest checkpoint is that after this step, and nothing has failed since.
  func isWritten(_ step: Int) -> Bool {
    !isFailing && newest?.hasSuffix(Self.name(step)) == true
  }

  private static func name(_ step: Int) -> String {
    let digits = String(step)
    return beginning + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ending
  }

  /// Writes a checkpoint, and removes those that are no longer among the newest.
  ///
  /// - Parameter warn: told when it could not be written, once until it can again; the run goes on.
  func save(_ state: TrainingState, warn: (String) -> Void) {
    let name = Self.name(state.step)
    let file = Folder.joined(path, name)
    StopSignal.ignoring {
      do throws(CoreError) {
        try SafeTensors.writeSealed(
          file, tensors: state.tensors,
          metadata: [
            "ltd.training": Self.form, "ltd.version": Build.version, "ltd.build": Build.digest ?? "",
            "ltd.description": state.description.json.line, "ltd.step": "\(state.step)",
            "ltd.finished": state.isFinished ? "true" : "false",
          ])
        (newest, isFailing) = (file, false)
        for old in try checkpoints().filter({ $0 <= name }).dropLast(keep) {
          try Folder.removeFile(Folder.joined(path, old))
        }
      } catch {
        if !isFailing { warn("\(error.message); the training goes on without a checkpoint after step \(state.step)") }
        isFailing = true
      }
    }
  }
}
