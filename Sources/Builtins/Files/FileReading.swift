import Base
import Platform
import Tensors

/// Why a file could not be used, in words.
public struct FileProblem: Error, Equatable, Sendable {
  public var message: String

  public init(message: String) { self.message = message }
}

/// Reads a whole file, `-` being standard input.
/// - Parameters:
///   - limit: the most bytes that are taken; a longer file is a problem.
///   - isStopped: asked while nothing comes from a pipe or device, and between pieces; true ends the reading.
package func readFileBytes(
  _ path: String, limit: Int = 1 << 30, isStopped: () -> Bool = { false }
) -> Result<[UInt8], FileProblem> {
  func problem(_ text: String) -> Result<[UInt8], FileProblem> { .failure(FileProblem(message: text)) }
  if path.isEmpty || path.utf8.contains(0) { return problem("'\(path)' is not a path") }
  // Without waiting: opening a pipe that nobody writes to would otherwise hang.
  let descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  if descriptor < 0 { return problem("\(path): \(reason())") }
  defer { if descriptor != 0 { close(descriptor) } }
  var status = stat()
  if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return problem("\(path): it is a folder") }
  var bytes: [UInt8] = []
  let chunk = 1 << 16
  while true {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let ready = poll(&waiting, 1, 100)
    if isStopped() { return problem("\(path): interrupted") }
    if ready == 0 || ready < 0 && errno == EINTR { continue }
    let count = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: chunk))
    let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress.map { $0 + count }, chunk) }
    if got < 0, errno == EINTR || errno == EAGAIN {
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
package func readText(
  _ path: String, limit: Int = 1 << 30, isStopped: () -> Bool = { false }
) -> Result<String, FileProblem> {
  readFileBytes(path, limit: limit, isStopped: isStopped).flatMap { bytes in
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

/// Makes a folder and those above it.
/// - Parameter mode: permissions of new folders, less the process's mask; private to the user when left out.
/// - Returns: what went wrong, if anything.
package func makeFolders(_ path: String, mode: mode_t = 0o700) -> String? {
  var made = ""
  for part in path.split(separator: "/", omittingEmptySubsequences: false) {
    made += made.isEmpty && part.isEmpty ? "/" : made.isEmpty || made.hasSuffix("/") ? "\(part)" : "/\(part)"
    if mkdir(made, mode) != 0, errno != EEXIST, access(made, F_OK) != 0 { return "\(made): \(reason())" }
  }
  return nil
}

package func reason() -> String {
  switch errno {
  case ENOENT: "there is no such file"
  case EACCES, EPERM: "it may not be opened (permission denied)"
  default: String(cString: strerror(errno)).lowercased()
  }
}
