import Builtins
import Platform

/// `write(2)`, by a name that methods called `write` do not hide.
func writeSome(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, bytes, count) }

/// The scripts a path stands for: a file as it is, a folder with all `.ltd` files below it in the order of their names.
/// Names that begin with a dot are left out, and links are not followed.
/// - Parameter includingHidden: with names that begin with an underscore.
public func findScripts(_ path: String, includingHidden: Bool = false) -> Result<[String], FileProblem> {
  if path == "-" { return .success([path]) }
  var status = stat()
  guard stat(path, &status) == 0 else { return .failure(FileProblem(message: "\(path): \(reason())")) }
  guard status.st_mode & S_IFMT == S_IFDIR else { return .success([path]) }
  var found: [String] = []
  var folders = [path]
  while let folder = folders.popLast() {
    guard let handle = opendir(folder) else { return .failure(FileProblem(message: "\(folder): \(reason())")) }
    defer { closedir(handle) }
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasPrefix(".") || name.hasPrefix("_") && !includingHidden { continue }
      let child = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
      guard lstat(child, &status) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR { folders.append(child) }
      if status.st_mode & S_IFMT == S_IFREG, name.hasSuffix(".ltd") { found.append(child) }
    }
  }
  return .success(found.sorted())
}
