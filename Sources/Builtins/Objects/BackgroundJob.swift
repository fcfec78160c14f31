import Base
import Interpreter
import Networks
import Platform

/// A function that runs in a session of its own on a thread of its own, while the session that began it goes on.
///
/// It works on copies of all that it speaks of, made when it begins: numbers of tensors are shared, for they are copied
/// before they are written, and everything else is written and read as for a saved session. So nothing that either side
/// does is seen by the other, and a job has the bits that its function has in the foreground. Models are the exception
/// that makes this useful: when the job is joined, models that it has trained hand their weights to those that they are
/// copies of, unless these have changed meanwhile.
package final class BackgroundJob: @unchecked Sendable {
  private struct State {
    var isRunning = true
    var outcome: Result<SavedGraph, LTDError>?
    /// The models that the job has changed, by their place among those that it was given.
    var changed: [(place: Int, held: Model.Held)] = []
    var printed = ""
    var title = ""
    var done = 0
    var total = 0
    var seconds = 0.0
  }

  /// Its number in the session, from 1.
  package let number: Int
  /// What it runs, as it was written.
  package let text: String
  /// What ends it.
  package let stop = StopSignal()
  private let began = monotonicSeconds()
  private let state = Locked(State())
  private let graph: SavedGraph
  private let table: BuiltinTable
  private let limits: Limits
  private let host: any Host
  /// The models that it was given, with their weights then. They belong to the thread of the session that began it.
  private let models: [(model: Model, held: Model.Held)]
  /// The value, once it has been taken over.
  private var taken: Result<Value, LTDError>?

  init(_ function: Value, _ session: Session) throws(CoreError) {
    guard session.ranks == nil else {
      throw CoreError(
        .value, "nothing runs in the background of a script that mpirun has started: the ranks would come apart",
        hint: "call the function itself")
    }
    number = session.companions.count + 1
    if case .function(let value) = function { text = value.text ?? value.name } else { text = "" }
    let owners = session.owners(in: [function] + session.namesNeeded(by: [function]).compactMap { session[$0] })
      .compactMap { ($0 as? ModelObject)?.model }
    models = owners.map { ($0, $0.held) }
    graph = try session.handedOver(
      function, extras: [("models", Value(owners.map { Value(ModelObject($0)) }))])
    table = session.table
    limits = session.limits
    host = session.host
  }

  /// Begins.
  func start() throws(CoreError) {
    guard startDetachedThread({ self.work() }) else {
      throw CoreError(.memory, "the system has no thread left for a job", hint: "wait for a job that runs")
    }
  }

  private func work() {
    let session = Session(table: table, host: JobHost(self, host), stop: stop)
    session.limits = limits
    var changed: [(place: Int, held: Model.Held)] = []
    let outcome: Result<SavedGraph, LTDError>
    do {
      let extras = try session.restore(graph)
      let own = (extras["models"]?.asList ?? []).map { ($0.asObject as? ModelObject)?.model }
      let before = own.map { $0?.held }
      defer {
        for (place, model) in own.enumerated() {
          guard let model, let held = before[place], !model.isStill(held) else { continue }
          changed.append((place, model.held))
        }
      }
      let value = try session.invoke(extras["function"] ?? .none, [])
      outcome = .success(try session.saved(session.namesNeeded(by: [value]), extras: [("result", value)]))
    } catch {
      outcome = .failure(LTDError.reporting(error))
    }
    nonisolated(unsafe) let result = outcome
    let weights = changed
    state.withLock { state in
      state.outcome = result
      state.changed = weights
      state.isRunning = false
      state.seconds = monotonicSeconds() - began
    }
  }

  // MARK: From the session that began it

  /// Whether it has not ended yet.
  package var isRunning: Bool { state.withLock { $0.isRunning } }
  /// How long it has run.
  package var seconds: Double { state.withLock { $0.isRunning ? monotonicSeconds() - began : $0.seconds } }
  /// What it has printed.
  package var printed: String { state.withLock { $0.printed } }
  /// What is being done, and how far it is.
  package var progress: (title: String, done: Int, total: Int) {
    state.withLock { ($0.title, $0.done, $0.total) }
  }
  /// In a word.
  package var condition: String {
    state.withLock { state in
      if state.isRunning { return "runs" }
      switch state.outcome {
      case .failure(let error): return error.diagnostic.kind == .interrupted ? "stopped" : "failed"
      default: return "done"
      }
    }
  }

  /// The value, and the weights of the models that it trained; for a job that has ended.
  ///
  /// - Throws: the error that it ended with.
  func join(_ session: Session) throws -> Value {
    if let taken { return try taken.get() }
    nonisolated(unsafe) let outcome = state.withLock { $0.outcome }
    let changed = state.withLock { $0.changed }
    guard let outcome else {
      throw LTDError(.value, "job \(number) has not ended yet", hint: "wait(job) waits for it")
    }
    for (place, held) in changed where models.indices.contains(place) {
      let (model, before) = models[place]
      if model.isStill(before) {
        model.held = held
      } else {
        session.host.warn(
          "\(model.name) has changed while job \(number) ran, and keeps its own weights: those of the job are lost")
      }
    }
    let result: Result<Value, LTDError>
    do {
      let graph = try outcome.get()
      if let first = graph.omitted.first {
        throw LTDError(.value, "the result of the job cannot be handed over: \(first.reason)")
      }
      result = .success(try session.adopt(graph)["result"] ?? .none)
    } catch {
      result = .failure(LTDError.reporting(error))
    }
    taken = result
    state.withLock { $0.outcome = nil }
    return try result.get()
  }

  // MARK: From the job

  fileprivate func print(_ text: String) {
    state.withLock { if $0.printed.utf8.count < 1 << 20 { $0.printed += text } }
  }

  fileprivate func note(_ title: String, _ done: Int, _ total: Int) {
    state.withLock { ($0.title, $0.done, $0.total) = (title, done, total) }
  }
}

/// The host of a job: what it prints is kept, how far it is can be asked for, and nothing disturbs the prompt.
private final class JobHost: Host {
  private let job: BackgroundJob
  private let inner: any Host

  init(_ job: BackgroundJob, _ inner: any Host) { (self.job, self.inner) = (job, inner) }

  func write(_ text: String) throws(LTDError) { job.print(text) }
  func writeError(_ text: String) throws(LTDError) { job.print(text) }
  func warn(_ sentence: String) { job.print("warning: \(sentence)\n") }
  func note(_ sentence: String) { job.print("note: \(sentence)\n") }
  func progress() -> any Progress { JobProgress(job) }
  func read(_ path: String) throws(LTDError) -> [UInt8] { try inner.read(path) }
  func module(_ name: String) -> String? { inner.module(name) }
  var moduleNames: [String] { inner.moduleNames }
}

private final class JobProgress: Progress {
  private let job: BackgroundJob
  init(_ job: BackgroundJob) { self.job = job }
  func update(title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?) {
    job.note(title, done, total)
  }
  func note(_ line: String) { job.print(line + "\n") }
  func finish() {}
}

/// A job as the language sees it.
final class JobObject: HostObject {
  let job: BackgroundJob
  private unowned let session: Session

  init(_ job: BackgroundJob, _ session: Session) { (self.job, self.session) = (job, session) }

  override class var typeName: String { "job" }
  override class var typeSummary: String { "A function that runs in the background." }
  override class var members: [Member] { own }
  private static let own = [
    Member("condition", "string", "\"runs\", \"done\", \"failed\" or \"stopped\".") { (object: JobObject) in
      Value(object.job.condition)
    },
    Member("printed", "string", "What it has printed so far.") { (object: JobObject) in Value(object.job.printed) },
    Member("result", "any", "What its function has returned; an error while it runs, see wait.") {
      (object: JobObject) in
      try object.job.join(object.session)
    },
    Member("seconds", "float", "How long it has run.") { (object: JobObject) in Value(object.job.seconds) },
  ]

  override func save(to out: ObjectWriter) throws(CoreError) {
    throw CoreError(.value, "a job in the background cannot be kept; its result can: wait(job)")
  }

  override func shortText(_ options: PrintOptions) -> String { "<job \(job.number), \(job.condition)>" }
}

extension BackgroundJob {
  /// The job that a value is, if it is one.
  package static func of(_ value: Value) -> BackgroundJob? { (value.asObject as? JobObject)?.job }

  /// Waits until it has ended, and shows how far it is. Ctrl-C ends the job and then the waiting.
  package func wait(in session: Session, quiet: Bool = false) throws {
    let progress = session.progress(quiet: quiet)
    defer { progress.finish() }
    while isRunning {
      let (title, done, total) = self.progress
      if total > 0 { progress.update(title: title, done: done, total: total, fields: [], secondsLeft: nil) }
      if session.isStopped { stop.raise(.interrupted) }
      usleep(2000)
    }
  }
}

extension BuiltinTable {
  /// Functions that run beside the session.
  static let jobs: [Builtin] = [
    Builtin(
      "background(f: function) -> job", "Runs a function in the background; wait(job) returns what it returned.",
      details: """
        The function takes nothing, and works on copies of all that it speaks of, as they are now: what happens afterwards, \
        here or there, the other side does not see. So it returns the same, to the last bit, as it would have at once. What it \
        prints is kept in `job.printed`. A model that it trains is such a copy too; `wait` hands its weights to the model it is \
        a copy of, unless that one has changed meanwhile, which is a warning. Optimisers and random streams stay where they \
        were. Return what you want to look at: `() => fit(net, train)`.

        - f: a function without parameters.
        """,
      examples: [Example("job = background(() => sum(1..100)); wait(job)", "5050")],
      seeAlso: ["wait", "collect"], search: ["thread", "async", "parallel", "job", "spawn"], family: "system"
    ) { call in
      let job = try BackgroundJob(call[0], call.session)
      try job.start()
      call.session.companions.append(job)
      return .object(JobObject(job, call.session))
    },
    Builtin(
      "wait(job: job, quiet: bool = false) -> any", "Waits for a job in the background and returns what it returned.",
      details: """
        Models that the job has trained get their weights. An error of the job is an error here. Ctrl-C ends the job; what it \
        had so far, such as the report of a fit, is then in `job.result`.

        - job: what background has returned.
        """,
      examples: [Example("wait(background(() => [1, 2]))", "[1, 2]")],
      seeAlso: ["background"], search: ["join", "await", "result"], family: "system"
    ) { call in
      guard let job = BackgroundJob.of(call[0]) else { return .none }
      try job.wait(in: call.session, quiet: try call.bool("quiet"))
      let value = try job.join(call.session)
      if call.session.isStopped { try call.session.poll() }
      return value
    },
  ]
}
