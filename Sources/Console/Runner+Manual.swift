import Builtins
import Help

extension Runner {
  /// Writes the manual's files below a folder.
  /// - Returns: the exit status.
  public func writeManual(to folder: String) -> Int32 {
    let files = Manual(session: session).files
    let root = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    for folder in [root, root + "/functions", root + "/modules"] {
      if let problem = makeFolders(folder, mode: 0o777) {
        report([Diagnostic(.io, "the folder cannot be made: \(problem)")])
        return ExitStatus.failure
      }
    }
    for file in files {
      if let problem = replaceFile("\(root)/\(file.path)", with: Array(file.text.utf8)) {
        report([Diagnostic(.io, "the manual cannot be written: \(problem)")])
        return ExitStatus.failure
      }
    }
    StandardOutput.out.write("\(files.count) files written to \(root)\n")
    StandardOutput.out.flush()
    return ExitStatus.success
  }
}
