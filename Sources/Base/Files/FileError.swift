import Platform

// Errors about files have one form, which is made here. A message names the path in quotes and says in words what is
// wrong: either what could not be done and why, "cannot read 'a.csv': permission denied", or what is wrong with the
// content, "'a.gz' is cut short". The system's reasons have the same words wherever they arise, the argument at fault
// is always `path`, and standard input, whose path is `-`, is called by its name.

extension CoreError {
  /// A file that is there but cannot be used: `'PATH' PROBLEM`.
  ///
  /// - Parameters:
  ///   - problem: what is wrong with it, such as "is cut short".
  ///   - hint: what to do about it.
  package static func file(_ path: String, _ problem: String, hint: String? = nil) -> CoreError {
    CoreError(.io, "\(shown(path)) \(problem)", hint: hint, argument: "path")
  }

  /// Something that could not be done with a file or folder: `cannot ACTION 'PATH': REASON`.
  ///
  /// - Parameters:
  ///   - action: a verb, such as "read".
  ///   - reason: why, in words.
  package static func cannot(_ action: String, _ path: String, _ reason: String, hint: String? = nil) -> CoreError {
    CoreError(.io, "cannot \(action) \(shown(path)): \(reason)", hint: hint, argument: "path")
  }

  /// Something that the system refused to do with a file or folder.
  ///
  /// - Parameter code: the system's reason, by default that of its last call that failed.
  package static func cannot(
    _ action: String, _ path: String, code: Int32 = errno, hint: String? = nil
  ) -> CoreError {
    cannot(action, path, systemReason(code), hint: hint)
  }

  /// Refuses what the system would read as another path: an empty one, and one with a zero byte, after which it does
  /// not look.
  ///
  /// - Throws: `io`.
  package static func checkPath(_ path: String) throws(CoreError) {
    guard path.isEmpty || path.utf8.contains(0) else { return }
    throw CoreError(.io, "'\(path)' is not a path", argument: "path")
  }

  private static func shown(_ path: String) -> String { path == "-" ? "standard input" : "'\(path)'" }
}

/// Why a call of the system failed, in words: the same for the same reason, wherever it arises.
///
/// - Parameter code: by default the reason of the last call that failed.
package func systemReason(_ code: Int32 = errno) -> String {
  switch code {
  case ENOENT: "there is no such file or folder"
  case ENOTDIR: "a part of the path is not a folder"
  case EISDIR: "it is a folder"
  case EACCES, EPERM: "permission denied"
  default: String(cString: strerror(code)).lowercased()
  }
}
