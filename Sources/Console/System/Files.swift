import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Why a file could not be used, in words.
public struct FileProblem: Error, Equatable, Sendable {
  public var message: String
}

/// Reads a whole file, `-` being standard input.
/// - Parameter limit: the most bytes that are taken; a longer file is a problem.
package func readFileBytes(_ path: String, limit: Int = 1 << 30) -> Result<[UInt8], FileProblem> {
  func problem(_ text: String) -> Result<[UInt8], FileProblem> { .failure(FileProblem(message: text)) }
  let descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
  if descriptor < 0 { return problem("\(path): \(reason())") }
  defer { if descriptor != 0 { close(descriptor) } }
  var status = stat()
  if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return problem("\(path): it is a folder") }
  var bytes: [UInt8] = []
  let chunk = 1 << 16
  while true {
    let count = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: chunk))
    let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress.map { $0 + count }, chunk) }
    if got < 0, errno == EINTR {
      bytes.removeLast(chunk)
      continue
    }
    if got < 0 { return problem("\(path): \(reason())") }
    bytes.removeLast(chunk - got)
    if got == 0 { return .success(bytes) }
    if bytes.count > limit { return problem("\(path): it is longer than \(limit >> 20) MiB") }
  }
}

/// Reads a whole file as text; one that is not UTF-8 is a problem that names the line.
package func readText(_ path: String, limit: Int = 1 << 30) -> Result<String, FileProblem> {
  readFileBytes(path, limit: limit).flatMap { bytes in
    if let text = String(validating: bytes, as: UTF8.self) { return .success(text) }
    let good = validPrefix(bytes)
    let line = bytes[..<good].reduce(into: 1) { if $1 == UInt8(ascii: "\n") { $0 += 1 } }
    let name = path == "-" ? "standard input" : path
    return .failure(FileProblem(message: "\(name): line \(line) is not UTF-8 text (byte \(good))"))
  }
}

/// How many bytes at the start are well-formed UTF-8.
private func validPrefix(_ bytes: [UInt8]) -> Int {
  var decoder = UTF8()
  var iterator = bytes.makeIterator()
  var good = 0
  while case .scalarValue(let scalar) = decoder.decode(&iterator) { good += UTF8.width(scalar) }
  return min(good, bytes.count)
}

/// Replaces a file as a whole.
/// - Returns: what went wrong, if anything.
package func replaceFile(_ path: String, with bytes: [UInt8], mode: mode_t = 0o666) -> String? {
  do throws(CoreError) {
    try AtomicFile.replace(path, parts: [bytes], mode: mode)
    return nil
  } catch {
    return error.message
  }
}

/// Makes a folder and those above it, private to the user.
/// - Returns: what went wrong, if anything.
package func makeFolders(_ path: String) -> String? {
  var made = ""
  for part in path.split(separator: "/", omittingEmptySubsequences: false) {
    made += made.isEmpty && part.isEmpty ? "/" : made.isEmpty || made.hasSuffix("/") ? "\(part)" : "/\(part)"
    if mkdir(made, 0o700) != 0, errno != EEXIST, access(made, F_OK) != 0 { return "\(made): \(reason())" }
  }
  return nil
}

func reason() -> String {
  switch errno {
  case ENOENT: "there is no such file"
  case EACCES, EPERM: "it may not be opened (permission denied)"
  default: String(cString: strerror(errno)).lowercased()
  }
}

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
