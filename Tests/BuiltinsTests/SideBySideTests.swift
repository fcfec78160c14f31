import Base
import Builtins
import Dispatch
import Foundation
import HostSupport
import Tensors
import Testing

/// Two sessions in one process, each with a host of its own and on a thread of its own: nothing of one reaches the other.
@Suite struct SideBySideTests {
  /// One session of a pair.
  private struct Side {
    let host: TestHost
    let session: Session

    /// The values that were printed, and the kinds of the errors that ended the run.
    func run(_ program: String) -> String {
      switch session.run(Source(name: "test.ltd", text: program)) {
      case .failure(let errors): host.printed + errors.map(\.kind.rawValue).joined(separator: " ")
      case .value, .exit: host.printed
      }
    }
  }

  /// Runs two programs at the same time. Each waits where it prints `meet` until the other does, or has ended.
  private func run(
    _ first: String, _ second: String, configure: @Sendable (Session) -> Void = { _ in }
  ) -> (Side, String, Side, String) {
    let meeting = Meeting()
    let sides = (0..<2).map { index in
      let host = TestHost { if $0 == "meet\n" { meeting.arrive(index) } }
      return Side(host: host, session: Session(table: .standard, host: host))
    }
    configure(sides[0].session)
    nonisolated(unsafe) let both = sides
    let answers = Locked(["", ""])
    DispatchQueue.concurrentPerform(iterations: 2) { index in
      let answer = both[index].run(index == 0 ? first : second)
      meeting.leave(index)
      answers.withLock { $0[index] = answer }
    }
    let texts = answers.withLock { $0 }
    return (sides[0], texts[0], sides[1], texts[1])
  }

  @Test func anInterruptStopsOne() {
    let stop = StopSignal()
    let (begun, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let answers = Locked(["", ""])
    DispatchQueue.concurrentPerform(iterations: 2) { index in
      if index == 0 {
        let host = TestHost { _ in begun.signal() }
        let side = Side(host: host, session: Session(table: .standard, host: host, stop: stop))
        answers.withLock { $0[0] = side.run("print(\"one\"); while true { sum(rand([1000], seed=1)) }") }
        ended.signal()
      } else {
        // It stops the other one half way, and continues after that has ended.
        let host = TestHost { text in
          guard text == "half\n" else { return }
          _ = begun.wait(timeout: .now() + 60)
          stop.raise(.interrupted)
          _ = ended.wait(timeout: .now() + 60)
        }
        let side = Side(host: host, session: Session(table: .standard, host: host))
        let answer = side.run("print(\"half\"); s = 0; for i in range(10_000) { s += i }; print(s, sum(ones([1000])))")
        answers.withLock { $0[1] = answer }
      }
    }
    #expect(answers.withLock { $0 } == ["one\ninterrupted", "half\n49995000 1000.0\n"])
  }

  @Test func outputProgressAndWarningsStayApart() {
    func program(_ name: String) -> String {
      """
      print("meet")
      for x in track([1, 2, 3], "\(name)") { print("\(name) {x}") }
      print("\(name)", to="error")
      net = mlp(hidden=[4])
      sgd(net, lr=1.0)(grad(m => sum(m(glyphs(n=8)[0].images)) * inf, net))
      save_model(net, "/tmp/ltd-\(name).safetensors")
      print("meet")
      """
    }
    let (first, _, second, _) = run(program("left"), program("right"))
    for (side, name) in [(first, "left"), (second, "right")] {
      #expect(side.host.printed == "meet\n\(name) 1\n\(name) 2\n\(name) 3\nmeet\n")
      #expect(side.host.errors == "\(name)\n")
      #expect(Set(side.host.notes) == [name])
      #expect(!side.host.warnings.isEmpty)
      #expect(side.host.warnings.allSatisfy { $0.contains("/tmp/ltd-\(name).safetensors") })
    }
  }

  /// Set from outside, and by the program itself.
  @Test(arguments: [true, false])
  func checksForNaNAreOfOneSession(fromOutside: Bool) {
    let program = """
      print("meet")
      x = try { log(tensor([1.0, 0.0]))[1] } catch e { e.kind }
      print("meet")
      print(x, check_finite())
      """
    let (first, left, _, right) = run((fromOutside ? "" : "check_finite(true);") + program, program) {
      if fromOutside { $0.checksFinite = true }
    }
    #expect(left == "meet\nmeet\nnumeric true\n")
    #expect(right == "meet\nmeet\n-inf false\n")
    #expect(first.session.checksFinite)
    #expect(!RunSettings.ofThread.checksFinite, "nor does it stay with a thread")
    #expect(first.run("print(check_finite())").hasSuffix("true\n"), "it stays with the session")
  }

  @Test(arguments: ["steps", "seconds", "memory", "files"])
  func limitsAreOfOneSession(_ name: String) {
    let endless = name == "files" ? "read_text(\"/dev/null\")" : "while true { sum(ones([1000])) }"
    let other = """
      print("meet")
      x = ones([16_000_000])
      s = 0
      for i in range(20_000) { s += i }
      print("meet")
      print(s, sum(x[0:10]), read_text("/dev/null"))
      """
    let (_, left, _, right) = run("print(\"meet\"); " + endless, other) { session in
      switch name {
      case "steps": session.limits.steps = 1_000
      case "seconds": session.limits.seconds = 0.01
      case "memory": session.limits.memoryBytes = 1 << 20
      default: session.limits.allowsFiles = false
      }
    }
    #expect(left.hasSuffix("limit"))
    #expect(right == "meet\nmeet\n199990000 10.0 \n")
  }

  @Test func aBoundOfTensorsIsOfOneThread() {
    /// The kind of error that four megabytes come to.
    @Sendable func kind() -> CoreError.Kind? {
      do throws(CoreError) { _ = try Tensor.zeros([1 << 20]) } catch { return error.kind }
      return nil
    }
    let elsewhere = Locked<CoreError.Kind?>(.value)
    RunSettings(memoryLimit: 1 << 20).carry {
      #expect(kind() == .limit)
      let done = DispatchSemaphore(value: 0)
      DispatchQueue.global().async {
        elsewhere.withLock { $0 = kind() }
        done.signal()
      }
      done.wait()
    }
    #expect(elsewhere.withLock { $0 } == nil)
    #expect(kind() == nil)
  }

  /// They wait for one another; a run that would wait for itself is told so.
  @Test func bothUpdateTheFilesOfOneFolder() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let program = """
      print("meet")
      for i in range(20) { update_text("\(folder.path)/n", t => "{if t == none { 0 } else { int(t) } + 1}") }
      """
    let (first, left, _, right) = run(program, program)
    #expect([left, right] == ["meet\n", "meet\n"])
    #expect(try String(contentsOf: folder.appending(path: "n"), encoding: .utf8) == "40")
    let inner = "update_text(\"\(folder.path)/a\", t => { update_text(\"\(folder.path)/b\", u => \"\"); \"\" })"
    #expect(first.run(inner).hasSuffix("value"))
  }
}

/// Two threads that wait for each other.
private final class Meeting: Sendable {
  private struct State {
    var arrivals = [0, 0]
    var hasLeft = [false, false]
  }
  private let state = Locked(State())

  /// Waits until the other thread has arrived as often, or has left; a minute at most.
  func arrive(_ index: Int) {
    state.withLock { $0.arrivals[index] += 1 }
    for _ in 0..<60_000 {
      let isMet = state.withLock { $0.hasLeft[1 - index] || $0.arrivals[1 - index] >= $0.arrivals[index] }
      if isMet { return }
      usleep(1_000)
    }
  }

  func leave(_ index: Int) { state.withLock { $0.hasLeft[index] = true } }
}
