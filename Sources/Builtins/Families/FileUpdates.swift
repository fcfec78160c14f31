import Base
import Interpreter
import Platform
import Runs
import Tensors

extension BuiltinTable {
  /// A function that changes a file which others may change at the same time.
  static let fileUpdates: [Builtin] = [
    Builtin(
      "update_text(path: string, f: function, repeatable: bool = false) -> none",
      "Replaces the text of a file with what a function returns for it, while other runs that do the same wait.",
      details: """
        No change is lost when several programs update one file: each sees what the one before it wrote. The file is \
        replaced as a whole, as by write_text.

        - path: the file.
        - f: takes the text, or none where there is no file yet, and returns the new text; none leaves the file as it is.
        - repeatable: whether a second call changes nothing, so that every shard of a run (`ltd --shard`) may make it; else \
        shards leave it to `ltd merge`.
        """,
      examples: [
        Example(
          "update_text(\"/tmp/ltd-example-log.txt\", text => \"one run more\"); "
            + "read_text(\"/tmp/ltd-example-log.txt\")", "\"one run more\"")
      ],
      seeAlso: ["write_text", "read_text", "grids.sweep"], search: ["lock", "append", "flock", "concurrent", "merge"],
      family: "files"
    ) { call in
      try call.requireFiles()
      if try !call.bool("repeatable") {
        try call.session.shardRun?.requireMerge("what update_text makes of a file is known")
      }
      let path = try call.string("path")
      let lock = try FolderLock(of: path, call)
      defer { lock.release() }
      var old = Value.none
      if FileStatus(path) != nil {
        old = Value(try FileReader.text(of: path, limit: call.session.limits.largestString))
      }
      let new = try call.invoke(call["f"], [old])
      if case .none = new { return .none }
      guard let text = new.asString else {
        throw call.error(
          .type, "the function of update_text must return the new text as a string, or none, not \(new.described)",
          at: "f")
      }
      try AtomicFile.replace(path, parts: [Array(text.utf8)])
      return .none
    }
  ]
}

/// A lock on the folder of a file, which the system gives up when the process ends, however it ends. File systems that
/// have no locks do without.
private struct FolderLock {
  private let descriptor: Int32
  private let folder: String
  private unowned let session: Session

  init(of path: String, _ call: Call) throws {
    folder = FolderLock.folder(of: path)
    session = call.session
    // A run that asked for a folder twice would wait for itself for ever.
    guard session.lockedFolders.insert(folder).inserted else {
      throw call.error(.value, "the function of update_text must not update files of the same folder", at: "path")
    }
    // The first of several ranks has it for all, and writes when all have read.
    descriptor = session.isFirstRank ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1
    guard descriptor >= 0 else { return }
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK || errno == EINTR {
      usleep(1_000)
      do { try call.poll() } catch {
        release()
        throw error
      }
    }
  }

  func release() {
    if descriptor >= 0 { close(descriptor) }
    session.lockedFolders.remove(folder)
  }

  /// Where the file is, or would be, links followed.
  private static func folder(of path: String) -> String {
    if path.utf8.contains(0) { return "." }
    var name = path
    if let real = realpath(path, nil) {
      name = String(cString: real)
      free(real)
    }
    guard let slash = name.lastIndex(of: "/") else { return "." }
    return slash == name.startIndex ? "/" : String(name[..<slash])
  }
}
