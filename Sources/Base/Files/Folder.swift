import Platform

/// What is at a path.
package struct FileStatus: Sendable {
  /// How many bytes it has on the disk.
  package let size: Int
  /// When its content was last changed, in seconds since 1970.
  package let modified: Double
  /// Whether it is a folder.
  package let isFolder: Bool
  /// Whether it is an ordinary file: no folder, pipe, device or socket.
  package let isRegular: Bool

  /// Looks at what is at a path.
  ///
  /// - Parameter followsLinks: whether a link stands for what it leads to.
  /// - Returns: nil where there is nothing, or nothing that can be looked at.
  package init?(_ path: String, followsLinks: Bool = true) {
    var status = stat()
    guard !path.utf8.contains(0), (followsLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
    size = Int(status.st_size)
    modified = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
    isFolder = status.st_mode & S_IFMT == S_IFDIR
    isRegular = status.st_mode & S_IFMT == S_IFREG
  }
}

/// Folders: what is in them, and making them.
package enum Folder {
  /// The names in a folder in the order of their bytes, without `.` and `..`.
  ///
  /// - Throws: `io` where it cannot be read; what `StopSignal.poll` throws.
  package static func names(in path: String) throws(CoreError) -> [String] {
    try CoreError.checkPath(path)
    guard let handle = opendir(path) else { throw .cannot("list", path) }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
      try StopSignal.poll(at: names.count)
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Makes a folder and those above it; one that is there stays.
  ///
  /// - Parameter mode: permissions of new folders, less the process's mask.
  /// - Throws: `io`, naming the folder that cannot be made.
  package static func make(_ path: String, mode: mode_t = 0o777) throws(CoreError) {
    try CoreError.checkPath(path)
    var made = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      made += made.isEmpty && part.isEmpty ? "/" : made.isEmpty || made.hasSuffix("/") ? "\(part)" : "/\(part)"
      if mkdir(made, mode) != 0 {
        let code = errno
        if code != EEXIST, FileStatus(made) == nil { throw .cannot("make the folder", made, code: code) }
      }
    }
  }

  /// The scripts that a path stands for: a file as it is, a folder with all `.ltd` files below it in the order of their
  /// names, standard input (`-`) as it is. Names that begin with a dot are left out, and links are not followed.
  ///
  /// - Parameter includingHidden: whether names that begin with an underscore, which are for `import`, are listed too.
  /// - Throws: `io` where there is nothing, and where a folder cannot be read.
  package static func scripts(_ path: String, includingHidden: Bool = false) throws(CoreError) -> [String] {
    if path == "-" { return [path] }
    try CoreError.checkPath(path)
    guard let status = FileStatus(path) else { throw .cannot("read", path) }
    guard status.isFolder else { return [path] }
    var found: [String] = []
    var folders = [path]
    while let folder = folders.popLast() {
      for name in try names(in: folder) where !name.hasPrefix(".") && (includingHidden || !name.hasPrefix("_")) {
        let child = joined(folder, name)
        guard let status = FileStatus(child, followsLinks: false) else { continue }
        if status.isFolder { folders.append(child) }
        if status.isRegular, name.hasSuffix(".ltd") { found.append(child) }
      }
    }
    return found.sorted()
  }

  /// Removes a file; a folder is refused.
  ///
  /// - Throws: `io` where it cannot be removed.
  package static func removeFile(_ path: String) throws(CoreError) {
    try CoreError.checkPath(path)
    guard unlink(path) == 0 else { throw .cannot("remove", path) }
  }

  /// The folder of a path with its slash; `./` for a name alone.
  package static func of(_ path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./" }

  /// The path of a name in a folder.
  package static func joined(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }
}
