import Base
import Builtins
import Interpreter
import LongCalls
import Platform
import TestSupport
import Testing

/// Every built-in with arguments that are large looks at the signal that ends runs again and again, with little work between
/// two looks, and ends with an error when it is raised: by Ctrl-C or by a limit, which raise the same signal.
///
/// The calls are those of `LongCalls`. A new built-in that has neither call nor reason fails the test.
@Suite(.serialized) struct BuiltinStoppingTests {
  /// These end with the results so far.
  private static let keepers: Set = ["collect", "fit"]
  /// These do so once there are some, and are errors before.
  private static let keepersOfParts: Set = ["evaluate", "perturb", "whatif"]

  /// Between two looks of a call of this size; a call of no size looks at most `usual` times.
  private static let (usual, least) = (8, 16)

  @Test func everyBuiltinStops() throws {
    let session = Session(table: .standard)
    let watch = Watch(session.stop)
    guard case .value = session.run(Source(name: "variables", text: LongCalls.variables)) else {
      Issue.record("the variables are not made")
      return
    }
    for name in LongCalls.strangers(to: session.table) {
      Issue.record("\(name) is not a built-in: take it out of the tables of LongCalls")
    }
    for (name, call) in LongCalls.all(of: session.table) {
      guard let call else {
        Issue.record("\(name): say how it is called so that it takes long, or why it cannot")
        continue
      }
      let source = Source(name: name, text: "result = \(call);")
      watch.begin(raisingAt: nil)
      let whole = session.run(source)
      guard case .value = whole else {
        Issue.record("\(call) is an error: \(whole)")
        continue
      }
      #expect(watch.looks >= Self.usual + Self.least, "\(call) looked \(watch.looks) times")
      // A machine that is short of memory takes its time for new pages; not three times in a row.
      var longest = watch.longest
      let most = isSanitized ? 4 : 0.2
      for _ in 0..<2 where longest >= most {
        watch.begin(raisingAt: nil)
        _ = session.run(source)
        longest = min(longest, watch.longest)
      }
      #expect(longest < most, "\(call) worked for \(longest) s between two looks")
      watch.begin(raisingAt: Self.usual + Self.least / 2)
      let stopped = session.run(source)
      if Self.keepersOfParts.contains(name), session.endedEarly { continue }
      if Self.keepers.contains(name) {
        #expect(session.endedEarly, "\(call) kept no results")
      } else if case .failure(let errors) = stopped {
        #expect(errors.map(\.kind) == [.interrupted], "\(call)")
      } else {
        Issue.record("\(call) went on to its end")
      }
    }
    watch.begin(raisingAt: nil)
  }
}

/// Counts looks, and the processor time between those of one thread.
private final class Watch: Sendable {
  private struct State: Sendable {
    var looks = 0
    var longest = 0.0
    var last: [UInt: Double] = [:]
    var raisingAt: Int?
  }
  private let state = Locked(State())
  private let stop: StopSignal

  init(_ stop: StopSignal) {
    self.stop = stop
    stop.atEveryLook { [unowned self, unowned stop] in
      let raises = state.withLock { state in
        state.looks += 1
        let thread = UInt(pthread_self())
        let now = threadSeconds()
        if let last = state.last[thread] { state.longest = max(state.longest, now - last) }
        state.last[thread] = now
        return state.looks == state.raisingAt
      }
      if raises { stop.raise(.interrupted) }
    }
  }

  func begin(raisingAt look: Int?) {
    stop.clearInterrupt()
    state.withLock {
      $0 = State()
      $0.raisingAt = look
    }
  }

  var looks: Int { state.withLock { $0.looks } }
  var longest: Double { state.withLock { $0.longest } }
}
