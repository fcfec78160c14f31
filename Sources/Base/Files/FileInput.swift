import Platform

/// The descriptor of an open file and the bytes read ahead from it: all reads of files go through here.
///
/// Opening never waits: a pipe that nobody writes to would otherwise hang. Where nothing comes from a pipe or device
/// the reader waits in short pieces, and looks at the `StopSignal` of its thread between them.
struct FileInput {
  /// The path as it was given, for messages; `-` is standard input.
  let path: String
  /// How many bytes it has on the disk; 0 for a stream.
  let size: Int
  /// Whether it is a pipe, a device or standard input, which have neither a size nor parts.
  let isStream: Bool
  private(set) var buffer: [UInt8] = []
  /// What of the buffer has not been taken yet.
  private(set) var available = 0..<0
  private let descriptor: Descriptor
  private let version: [Int]

  private final class Descriptor {
    let number: Int32
    init(_ number: Int32) { self.number = number }
    // Standard input stays open.
    deinit { if number != 0 { close(number) } }
  }

  init(_ path: String, hint: String? = nil) throws(CoreError) {
    try CoreError.checkPath(path)
    let number = path == "-" ? 0 : open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    guard number >= 0 else { throw .cannot("read", path, hint: hint) }
    descriptor = Descriptor(number)
    var status = stat()
    guard fstat(number, &status) == 0 else { throw .cannot("read", path, hint: hint) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw .cannot("read", path, code: EISDIR, hint: hint) }
    self.path = path
    isStream = status.st_mode & S_IFMT != S_IFREG
    size = isStream ? 0 : Int(status.st_size)
    version = Self.version(status)
  }

  /// The bytes of a part of a regular file.
  func part(at offset: Int, count: Int) throws(CoreError) -> [UInt8] {
    try [UInt8](filling: count) { (buffer, done) throws(CoreError) in
      try fill(from: offset, UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]))
      done = count
    }
  }

  /// Fills memory with a part of a regular file.
  ///
  /// - Throws: `io` also where the file has changed since it was opened.
  func fill(from offset: Int, _ target: UnsafeMutableRawBufferPointer) throws(CoreError) {
    var done = 0
    while done < target.count, let base = target.baseAddress {
      let got = pread(descriptor.number, base + done, min(target.count - done, 16 << 20), off_t(offset + done))
      if got < 0, errno == EINTR { continue }
      guard got > 0 else {
        throw got == 0 ? .file(path, "became shorter while it was read", hint: "try again") : .cannot("read", path)
      }
      done += got
      try StopSignal.poll()
    }
    var status = stat()
    guard fstat(descriptor.number, &status) == 0 else { throw .cannot("read", path) }
    if Self.version(status) != version { throw .file(path, "changed while it was read", hint: "try again") }
  }

  /// The size of a file and when it was last changed: what tells that somebody writes to it.
  private static func version(_ status: stat) -> [Int] {
    [Int(status.st_size), Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec)]
  }

  /// Adds the next bytes to `content`, at least one unless the end is reached.
  mutating func readSome(into content: inout [UInt8], atMost count: Int) throws(CoreError) {
    if available.isEmpty { try refill() }
    let part = available.prefix(max(0, count))
    content += buffer[part]
    take(part.count)
  }

  mutating func isAtEnd() throws(CoreError) -> Bool {
    if available.isEmpty { try refill() }
    return available.isEmpty
  }

  mutating func take(_ count: Int) { available = available.lowerBound + count..<available.upperBound }

  /// Reads ahead; nothing is available afterwards only at the end.
  mutating func refill() throws(CoreError) {
    if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: 1 << 16) }
    while true {
      if isStream {
        var waiting = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        let ready = poll(&waiting, 1, 100)
        try StopSignal.poll()
        if ready == 0 || ready < 0 && errno == EINTR { continue }
      } else {
        try StopSignal.poll()
      }
      let got = read(descriptor.number, &buffer, buffer.count)
      if got < 0, errno == EINTR || errno == EAGAIN { continue }
      guard got >= 0 else { throw .cannot("read", path) }
      available = 0..<got
      return
    }
  }
}
