import Base
import Foundation

/// A server for HTTP on this machine alone, for one test: it answers each request as the test says, and is gone with
/// the test.
///
/// It closes the connection after each answer, takes no request longer than 16 KiB, and ends by itself after a minute.
public final class LoopbackServer: Sendable {
  /// What was asked for.
  public struct Request: Sendable {
    public let path: String
    /// The first byte that is wanted; nil where all are.
    public let offset: Int?
  }

  /// What is answered.
  public struct Answer: Sendable {
    public var status = 200
    public var headers: [String] = []
    public var body: [UInt8] = []
    /// What the answer says of its length; nil where it says nothing.
    public var length: Int?
    /// After how many bytes of the body the connection is closed.
    public var cut = Int.max
    /// How many bytes are sent at a time, and how long is waited after them.
    public var piece = 1 << 16
    public var pause = 0.0
    /// How long is waited before anything is said.
    public var silence = 0.0

    public init(_ body: [UInt8] = [], status: Int = 200, headers: [String] = []) {
      self.body = body
      self.status = status
      self.headers = headers
      length = body.count
    }

    /// A file, or the part of it that is asked for.
    public static func file(_ content: [UInt8], _ request: Request) -> Answer {
      guard let offset = request.offset else { return Answer(content) }
      guard offset < content.count else { return Answer(status: 416) }
      let range = "Content-Range: bytes \(offset)-\(content.count - 1)/\(content.count)"
      return Answer(Array(content[offset...]), status: 206, headers: [range])
    }
  }

  private struct State {
    var requests: [Request] = []
    var isOver = false
  }

  /// What goes before the path: `http://127.0.0.1:PORT`.
  public let address: String
  private let state = Locked(State())
  private let answer: @Sendable (Request, Int) -> Answer

  /// A server that answers with the function, which is given the request and how many there were before.
  public init(_ answer: @escaping @Sendable (Request, Int) -> Answer) throws {
    self.answer = answer
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, size) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &size) == 0
      }
    }
    guard listener >= 0, isBound else { throw CocoaError(.fileReadUnknown) }
    address = "http://127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
    let state = state
    Thread.detachNewThread {
      let end = Date(timeIntervalSinceNow: 60)
      while Date() < end, !state.withLock({ $0.isOver }) {
        var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, 20) > 0 else { continue }
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { continue }
        Thread.detachNewThread {
          Self.serve(connection, state, answer)
          close(connection)
        }
      }
      close(listener)
    }
  }

  /// A server of files by their paths, which can send parts.
  public convenience init(files: [String: [UInt8]]) throws {
    try self.init { request, _ in files[request.path].map { .file($0, request) } ?? Answer(status: 404) }
  }

  deinit { state.withLock { $0.isOver = true } }

  /// What was asked for so far.
  public var requests: [Request] { state.withLock { $0.requests } }

  private static func serve(
    _ connection: Int32, _ state: Locked<State>, _ answer: @Sendable (Request, Int) -> Answer
  ) {
    guard let request = receive(connection) else { return }
    let count = state.withLock { state in
      state.requests.append(request)
      return state.requests.count - 1
    }
    let answer = answer(request, count)
    func wait(_ seconds: Double) -> Bool {
      let end = Date(timeIntervalSinceNow: seconds)
      while Date() < end, !state.withLock({ $0.isOver }) { usleep(5000) }
      return !state.withLock { $0.isOver }
    }
    guard wait(answer.silence) else { return }
    let length = answer.length.map { ["Content-Length: \($0)"] } ?? []
    let lines = ["HTTP/1.1 \(answer.status) -"] + answer.headers + length + ["Connection: close", "", ""]
    guard put(connection, Array(lines.joined(separator: "\r\n").utf8)) else { return }
    let body = answer.body.prefix(answer.cut)
    for start in stride(from: 0, to: body.count, by: max(1, answer.piece)) {
      guard put(connection, Array(body[start..<min(start + answer.piece, body.count)])), wait(answer.pause) else {
        return
      }
    }
  }

  private static func receive(_ connection: Int32) -> Request? {
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while text.count < 1 << 14, String(decoding: text.suffix(4), as: UTF8.self) != "\r\n\r\n" {
      var waiting = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 5000) > 0 else { return nil }
      let got = recv(connection, &buffer, buffer.count, 0)
      guard got > 0 else { return nil }
      text += buffer[..<got]
    }
    let lines = String(decoding: text, as: UTF8.self).components(separatedBy: "\r\n")
    guard let path = lines.first?.split(separator: " ").dropFirst().first else { return nil }
    let range = lines.first { $0.lowercased().hasPrefix("range: bytes=") }
    let offset = range.flatMap { Int($0.dropFirst("range: bytes=".count).prefix { $0.isNumber }) }
    return Request(path: String(path), offset: offset)
  }

  private static func put(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
    var done = 0
    while done < bytes.count {
      let sent = bytes.withUnsafeBytes {
        send(connection, $0.baseAddress.map { $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { return false }
      done += sent
    }
    return true
  }
}
