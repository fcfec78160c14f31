import Base
import Help
import Interpreter

extension Runner {
  /// Writes the manual's files below a folder.
  /// - Returns: the exit status.
  public func writeManual(to folder: String) -> Int32 {
    let files = Manual(session: session).files
    let root = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    do throws(CoreError) {
      for folder in [root, root + "/functions", root + "/modules"] { try Folder.make(folder) }
      for file in files { try AtomicFile.replace("\(root)/\(file.path)", parts: [Array(file.text.utf8)]) }
    } catch {
      report([LTDError.reporting(error).diagnostic])
      return ExitStatus.failure
    }
    StandardOutput.out.write("\(files.count) files written to \(root)\n")
    StandardOutput.out.flush()
    return ExitStatus.success
  }
}
