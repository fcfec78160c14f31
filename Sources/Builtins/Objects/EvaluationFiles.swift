import Base
import Interpreter
import Networks
import Platform
import Robustness
import Runs
import Tensors

/// The files that a call of `evaluate` asks for: the ledger in which verdicts are kept, and the archive of adversarial
/// images.
///
/// Images come into the ledger batch by batch, with the verdicts, so that they are not lost either, and from there into
/// the archive. Where no ledger was asked for there is one until the archive is written: `NAME.npz.part`.
struct EvaluationFiles {
  /// The usual name of a ledger.
  static let usualLedger = "runs.sqlite"
  /// The usual name of an archive of images.
  static let usualArchive = "adversarial.npz"

  /// The path of the archive of images; nil for none.
  let kept: String?
  private let ledger: String
  private let isTemporary: Bool
  private let session: Session
  /// What names the ledger in the call.
  private var argument: String { isTemporary ? "keep" : "save" }

  /// The files of a call; nil where it asks for none.
  init?(_ call: Call) throws {
    let save = try call["save"]
    switch try call["keep"] {
    case .bool(let isKept): kept = isKept ? Self.usualArchive : nil
    default: kept = try call.string("keep")
    }
    session = call.session
    if let kept, TensorFile.Form(kept) != .npz {
      throw call.error(
        .value, "keep must be the path of an .npz file, not '\(kept)'", hint: "keep=\"adversarial.npz\"", at: "keep")
    }
    switch save {
    case .bool(true): (ledger, isTemporary) = (Self.usualLedger, false)
    case .bool(false):
      guard let kept else { return nil }
      (ledger, isTemporary) = (kept + ".part", true)
    default: (ledger, isTemporary) = (try call.string("save"), false)
    }
    try call.prepareToWrite()
  }

  /// Opens the ledger; what it does with the run is said.
  func open(quiet: Bool) throws(CoreError) -> any RunLedger {
    let (host, ledger) = (session.host, ledger)
    @Sendable func say(_ run: Int, _ how: SQLiteLedger.Beginning) {
      guard !quiet else { return }
      switch how {
      case .new(nil): break
      case .new(let (other, differences)?):
        host.note(
          "begins run \(run) of '\(ledger)': run \(other), which is not complete, differs in \(differences.inWords)")
      case .continued: host.note("continues run \(run) of '\(ledger)'")
      case .complete:
        host.note("run \(run) of '\(ledger)' is complete: its verdicts are read, nothing is computed again")
      }
    }
    return try SQLiteLedger(ledger, argument: argument, onBegin: say)
  }

  /// Writes the archive, where one was asked for, and asks the model about what was written.
  ///
  /// - Returns: what the model makes of the images; nil where none were asked for.
  func writeKept(of evaluation: Evaluation, _ model: Model) throws -> KeptCheck? {
    guard let kept, let run = evaluation.number else { return nil }
    let found = try RunReader(ledger, argument: argument).images(of: run)
    let images = try found?.images ?? Tensor.zeros([0] + model.architecture.input)
    let (positions, attacks) = (found?.positions ?? [], found?.attacks ?? [])
    func column(_ numbers: [Int]) throws -> Tensor { try Tensor(ints: numbers, shape: [numbers.count]) }
    let distances = zip(attacks, positions).map {
      Float(evaluation.attacks[$0].verdicts[$1]?.distance ?? .nan)
    }
    try TensorFile.write(
      kept,
      tensors: [
        ("images", images), ("labels", column(positions.map { evaluation.labels[$0] })),
        ("ids", column(positions.map { evaluation.ids[$0] })), ("positions", column(positions)),
        ("attacks", column(attacks)), ("distances", Tensor(distances, shape: [distances.count])),
      ])
    let file = try openWeights(kept)
    let check = try KeptCheck(
      model, file.tensor("images", in: ""), labels: file.tensor("labels", in: "").ints())
    if isTemporary, evaluation.isComplete { unlink(ledger) }
    return check
  }
}

extension [String] {
  /// "a, b and c".
  fileprivate var inWords: String {
    count < 2 ? first ?? "nothing" : dropLast().joined(separator: ", ") + " and " + self[count - 1]
  }
}
