import Base
import Datasets
import Interpreter
import Networks
import Robustness
import Runs

/// What built-ins do with their work where several processes run one script (`ltd --shard`).
///
/// An evaluation is shared by its examples, other work by values: a cell is then the value of a function, with all that
/// it holds, in a file as those of sessions are.
extension Session {
  /// The part of this session in a run of shards; nil where it is alone.
  public var shardRun: ShardRun? {
    get { companions.lazy.compactMap { $0 as? ShardRun }.first }
    set {
      companions.removeAll { $0 is ShardRun }
      if let newValue { companions.append(newValue) }
    }
  }

  /// The run whose work is to be shared here; nil where the session is alone, and within a cell.
  var sharing: ShardRun? { shardRun.flatMap { $0.isWithinCell ? nil : $0 } }
}

extension Session {
  /// Whether this process prints, saves and logs: the only one, or the first of several ranks.
  var isFirstRank: Bool { ranks?.communicator.isFirst != false }

  /// What the first of several ranks makes, nil on the others; where it fails, all of them do.
  func onFirstRank<Made>(_ meeting: Meeting = .records, _ body: () throws -> Made?) throws -> Made? {
    guard let ranks = ranks?.communicator else { return try body() }
    return try ranks.together(meeting) { try ranks.isFirst ? RunSettings.alone(body) : nil }
  }

  /// A number that the first of several ranks knows.
  func told(_ number: Int?) throws -> Int? {
    try ranks.map { try $0.communicator.told(number) } ?? number
  }

  /// Has one of several ranks do what the others would only do again, such as changing a file; all of them wait for it, and
  /// what it fails with is the error of all.
  func once(_ body: () throws -> Void) throws { try onFirstRank(.writing, body) }
}

extension Call {
  /// An evaluation of which this session does its share.
  ///
  /// - Returns: nil where there is nothing to share: the session is alone.
  func sharedEvaluation(
    _ model: Model, _ data: Dataset, _ plan: EvaluationPlan, _ files: EvaluationFiles?, quiet: Bool
  ) throws -> EvaluationObject? {
    guard let run = session.sharing else {
      if session.shardRun != nil, files != nil { throw refusedInACell("save and keep") }
      return nil
    }
    let shared = try SharedEvaluation(run, model, on: data, plan)
    let progress = session.progress(quiet: quiet)
    if run.role == .merge {
      // Before a ledger is begun.
      try run.requireAll(shared.list)
      // Without a ledger of its own the evaluation is kept in the folder of the shards.
      let ledger = try files?.open(quiet: quiet) ?? SQLiteLedger(run.folder.file("runs.sqlite"), argument: "data")
      var evaluation = try shared.whole(ledger, progress: progress)
      let kept = try files?.writeKept(of: evaluation, model)
      if files == nil { evaluation.number = nil }
      return EvaluationObject(evaluation, kept: kept)
    }
    try shared.workOut(progress)
    return EvaluationObject(PendingEvaluation(shared, run, model: model.name, n: data.count, isRecorded: files != nil))
  }

  /// The value of a function that one shard works out for all of them.
  ///
  /// - Parameter facts: all that decides it, with names for a person.
  func shared(
    _ kind: String, _ facts: [(name: String, value: String)], what: String, _ body: () throws -> Value
  ) throws -> Value {
    guard let run = session.sharing else { return try body() }
    let list = try run.list(kind, facts, what: what, count: 1, ending: ".cell")
    return try session.shared(run, list, keys: [list.name]) { _ in try body() }[0]
  }

  /// What a function returns for chunks of a data set, in their order, each worked out by one shard.
  ///
  /// - Parameters:
  ///   - settings: what decides the values besides the model and the data.
  ///   - isWhole: whether all examples are one chunk.
  /// - Returns: nil where the session is alone.
  func sharedByExamples(
    _ kind: String, _ model: Model, _ data: Dataset, _ settings: [String], isWhole: Bool = false,
    _ body: (Dataset) throws -> Value
  ) throws -> [Value]? {
    guard let run = session.sharing else { return nil }
    let size = isWhole ? max(1, data.count) : SharedEvaluation.size
    let list = try run.list(
      kind, facts(model, data, settings.joined(separator: "\n")),
      what: "the rows of \(kind)() for \(model.name) on \(data.name)",
      count: max(1, (data.count + size - 1) / size), ending: ".cell")
    return try session.shared(run, list, keys: (0..<list.count).map { list.file($0) }) { cell in
      try body(data.subset(cell * size..<min((cell + 1) * size, data.count)))
    }
  }

  /// What decides what is computed of a model and a data set, with names for a person.
  func facts(_ model: Model, _ data: Dataset, _ settings: String) throws(CoreError) -> [(name: String, value: String)] {
    [("the weights of the model", model.fingerprint), ("the data", try data.identity), ("its settings", settings)]
  }

  /// Refuses a training that each shard would write into the same files.
  func requireTrainingAlone(_ settings: String) throws {
    guard case .shard(let shard) = session.sharing?.role else { return }
    throw error(
      .value, "each of the \(shard.count) shards would train here, and write what \(settings) names",
      hint: "train in a script of its own, or within a cell of grids.sweep")
  }

  func refusedInACell(_ settings: String) -> LTDError {
    error(
      .value, "within a cell of a shard, \(settings) would write what other shards write too",
      hint: "leave it out: the cell itself is kept")
  }
}

extension Session {
  /// The values of cells, after this session has done its share of them.
  ///
  /// - Parameter keys: what decides each value: another one in its file is refused.
  /// - Throws: `limit` where cells are not finished.
  func shared(
    _ run: ShardRun, _ list: CellList, keys: [String], _ body: (Int) throws -> Value
  ) throws -> [Value] {
    try run.workOut(list) { cell, path in
      let value = try body(cell)
      // What Ctrl-C has ended early is no whole value.
      try StopSignal.poll()
      let graph = try saved(
        namesNeeded(by: [value]), extras: [("key", Value(keys[cell])), ("value", value)])
      if let first = graph.omitted.first {
        throw CoreError(
          .value, "cell \(cell + 1) of \(list.what) cannot be kept for other shards: \(first.reason)",
          hint: "return numbers, strings, tensors, lists and records")
      }
      try SessionFile.write(graph, to: path, mode: 0o666)
    }
    try run.requireAll(list)
    return try (0..<list.count).map { cell in
      let path = run.folder.cell(list.file(cell))
      let found = try adopt(try SessionFile.read(path))
      guard found["key"]?.asString == keys[cell], let value = found["value"] else {
        throw CoreError(
          .value, "'\(path)' is not cell \(cell + 1) of \(list.what)",
          hint: "remove it, and start the shards again")
      }
      return value
    }
  }
}

/// An evaluation that is known as a whole when all shards have done their share.
final class PendingEvaluation {
  private let shared: SharedEvaluation
  private let run: ShardRun
  private let isRecorded: Bool
  private var whole: Evaluation?
  let model: String
  let n: Int

  init(_ shared: SharedEvaluation, _ run: ShardRun, model: String, n: Int, isRecorded: Bool) {
    (self.shared, self.run, self.model, self.n, self.isRecorded) = (shared, run, model, n, isRecorded)
  }

  /// The whole; it ends the script where that is not known yet.
  func evaluation() throws -> Evaluation {
    if let whole { return whole }
    let found = try shared.whole()
    whole = found
    return found
  }

  /// The whole where it is known.
  var known: Evaluation? {
    if let whole { return whole }
    guard (try? shared.isWhole()) == true else { return nil }
    return try? evaluation()
  }

  /// The evaluations of what is finished, with the position of their first example.
  func parts() throws -> [(first: Int, evaluation: Evaluation)] { try shared.parts() }

  /// What it prints as until then.
  var text: String {
    let cells = shared.list.count
    let missing = (try? run.unfinished(shared.list).count) ?? cells
    return "<part of an evaluation of \(model) on \(n) examples: \(cells - missing) of \(cells) cells are finished>"
  }

  /// Ends the script where something is asked for that is known when there is a ledger.
  func requireRecord(_ what: String) throws {
    if isRecorded { try run.requireMerge("\(what) of an evaluation with save= or keep= is known") }
  }
}

extension Dataset {
  /// What decides what is computed of it: its images, and the ids that random numbers are keyed by.
  var identity: String {
    get throws(CoreError) { "\(try fingerprint) \(ids.map { String($0) }.joined(separator: " "))" }
  }
}

extension BuiltinTable {
  /// Work that the shards of a run divide.
  static let sharedWork: [Builtin] = [
    Builtin(
      "shared(keys: list, f: function) -> list",
      "Within shards of a run, what a function returns for each key, each worked out by one shard; elsewhere a list of none.",
      details: """
        `ltd study.ltd --shard 3/16` is the third of sixteen processes that run one script, on one machine or on many. \
        `evaluate`, `certify`, `diagnose` and `grids.sweep` divide their work among them; `shared` is for functions of \
        one's own. What needs the values of other shards ends the script until they are finished, so that no part is taken \
        for the whole. Alone, nothing is known beforehand and the function is not called: work out what is none.

        - keys: what tells one call from another, such as its settings; a value that is kept under another one is refused.
        - f: takes the index of a key, and returns what can be saved.
        """,
      examples: [Example("shared([1, 2], i => i)", "[none, none]")],
      seeAlso: ["grids.sweep", "evaluate"], search: ["shard", "cluster", "slurm", "array", "parallel", "distribute"],
      family: "system"
    ) { call in
      let keys = try call.list("keys")
      let session = call.session
      guard let run = session.sharing else { return Value(keys.map { _ in Value.none }) }
      let texts = try keys.map { key in try session.text(of: key) { value, options in value.text(options) } }
      let f = try call["f"]
      let list = try run.list(
        "sweep", [("its keys", texts.joined(separator: "\n"))],
        what: "the sweep over \(keys.count.of("setting"))", count: keys.count, ending: ".cell",
        isUnique: false)
      return Value(try session.shared(run, list, keys: texts) { try call.invoke(f, [Value($0)]) })
    }
  ]
}
