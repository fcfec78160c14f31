import Base
import Tensors

/// What an evaluation is a record of: all that decides its verdicts, and what a reader has to know to believe them.
///
/// Two evaluations of the same identity have the same verdicts, so that one continues the other. A record outlives the
/// process: models and data are told apart by fingerprints, attacks by all of their settings.
public struct RunDescription: Sendable, Equatable, Codable {
  /// One attack at one radius; of an attack that consists of several, one of its stages.
  public struct Round: Sendable, Equatable, Codable {
    /// The call that makes the attack; the second of two equal attacks ends in " #2", so that no name comes twice.
    public var attack: String
    /// All settings of the attack, as JSON.
    public var settings: String
    /// The norm of the attack.
    public var norm: Norm
    /// The radius, in units of the [0, 1] image.
    public var eps: Double
    /// The key of the random numbers; nil where nothing is drawn.
    public var seed: UInt64?
    /// Whether it attacks only what the round before it leaves: a stage of an attack, but for the first.
    public var continues: Bool
    /// Whether the attack looks for the nearest image at any distance.
    public var isMinimal: Bool
    /// Whether results depend on how examples are put into batches: where a reference's random numbers are repeated.
    public var dependsOnBatches: Bool

    /// A round with all that it says; see the properties.
    public init(
      attack: String, settings: String, norm: Norm, eps: Double, seed: UInt64?, continues: Bool, isMinimal: Bool,
      dependsOnBatches: Bool
    ) {
      (self.attack, self.settings, self.norm, self.eps, self.seed) = (attack, settings, norm, eps, seed)
      (self.continues, self.isMinimal, self.dependsOnBatches) = (continues, isMinimal, dependsOnBatches)
    }
  }

  /// The name of the model.
  public var model: String
  /// The fingerprint of its weights, architecture and temperature; nil where nobody asked for it.
  public var modelFingerprint: String?
  /// The file that its weights were read from last; nil for none. They may have changed since.
  public var modelFile: String?
  /// The name of the data set.
  public var data: String
  /// The fingerprint of its images, labels and classes; nil where nobody asked for it.
  public var dataFingerprint: String?
  /// The name of each class, in the order of the labels.
  public var classNames: [String]
  /// How many examples there are.
  public var n: Int
  /// The attacks, in the order in which they are run.
  public var rounds: [Round]
  /// How many examples are worked on at a time.
  public var batch: Int
  /// Whether adversarial images are kept.
  public var keepsImages: Bool
  /// How the answers of a model that answers at random are drawn and judged; nil for one that answers alike each time.
  public var answers: RandomAnswers?
  /// What to type for the same evaluation; nil where that cannot be said.
  public var command: String?
  /// Whether a later evaluation of the same identity has the same verdicts: an attack that is a function of a program is
  /// known by its name alone, and its verdicts are never taken over.
  public var canBeContinued: Bool
  /// The version of ltd that computes it.
  public var version: String
  /// Which build of ltd computes it; nil where nobody asked for it, or it cannot be read.
  public var build: String?
  /// The processor, and how many threads share the work.
  public var machine: String

  /// A description with all that it says; see the properties.
  ///
  /// - Parameters:
  ///   - version: by default the running one.
  ///   - build: by default the running one.
  ///   - machine: by default this one.
  public init(
    model: String, modelFingerprint: String?, modelFile: String?, data: String, dataFingerprint: String?,
    classNames: [String], n: Int, rounds: [Round], batch: Int, keepsImages: Bool = false, answers: RandomAnswers? = nil,
    command: String? = nil, canBeContinued: Bool = true, version: String = Build.version,
    build: String? = Build.digest,
    machine: String = RunDescription.thisMachine
  ) {
    (self.model, self.modelFingerprint, self.modelFile) = (model, modelFingerprint, modelFile)
    (self.data, self.dataFingerprint, self.classNames, self.n) = (data, dataFingerprint, classNames, n)
    (self.rounds, self.batch, self.keepsImages) = (rounds, batch, keepsImages)
    (self.answers, self.command, self.canBeContinued) = (answers, command, canBeContinued)
    (self.version, self.build, self.machine) = (version, build, machine)
  }

  /// The processor of this machine, and how many threads share the work.
  public static var thisMachine: String {
    "\(Build.processor), \(Compute.threads.of("thread"))"
  }

  /// What tells one run from another, as JSON. Sizes of batches are part of it only where results depend on them.
  package var identity: JSON {
    let answers: [JSON.Member] =
      answers.map { [.init("forwards", .int($0.forwards)), .init("noise_seed", .string(String($0.seed)))] } ?? []
    return .object(
      [
        .init("model", .string("\(model)#\(modelFingerprint ?? "")")),
        .init("data", .string("\(data)#\(dataFingerprint ?? "")")), .init("n", .int(n)),
        .init(
          "attacks",
          .array(
            rounds.map { round in
              .object(
                [
                  .init("settings", .string(round.settings)), .init("norm", .string(round.norm.rawValue)),
                  .init("eps", .number(round.eps)), .init("seed", round.seed.map { .string(String($0)) } ?? .null),
                  .init("continues", .bool(round.continues)),
                ] + (round.dependsOnBatches ? [.init("batch", .int(batch))] : []))
            })), .init("keeps_images", .bool(keepsImages)), .init("build", build.map { .string($0) } ?? .null),
      ] + answers)
  }

  /// In what two descriptions differ, in words for a person; empty for one that continues the other.
  public func differences(from other: RunDescription) -> [String] {
    var found: [String] = []
    if model != other.model || modelFingerprint != other.modelFingerprint { found.append("the model") }
    if data != other.data || n != other.n || dataFingerprint != other.dataFingerprint { found.append("the data") }
    if rounds.map(\.settings) != other.rounds.map(\.settings) { found.append("the attacks") }
    if rounds.map(\.eps) != other.rounds.map(\.eps) { found.append("the radius") }
    if rounds.map(\.seed) != other.rounds.map(\.seed) || answers?.seed != other.answers?.seed {
      found.append("the seed")
    }
    if answers?.forwards != other.answers?.forwards { found.append("the number of answers to an image") }
    if rounds.contains(where: \.dependsOnBatches), batch != other.batch { found.append("the size of batches") }
    if keepsImages != other.keepsImages { found.append("whether images are kept") }
    if build != other.build { found.append("the build of ltd") }
    if !canBeContinued { found.append("the functions of its attacks, which cannot be compared") }
    return found
  }
}

/// Where the evidence of evaluations is kept.
public protocol RunLedger: AnyObject, Sendable {
  /// Begins a run, or continues the latest one of the same identity.
  func begin(_ description: RunDescription) throws -> any RunRecord
}

/// The record of one evaluation. What is handed to it is kept at once, whole or not at all, so that nothing is lost when
/// the process ends in whatever way.
///
/// Only examples that were attacked have verdicts under an attack: those that the model already misclassifies, or that
/// an earlier stage has broken, have none.
public protocol RunRecord: AnyObject, Sendable {
  /// The number of the run in its ledger.
  var number: Int { get }
  /// What is known of the examples as they are, in their order: of all, or of the first.
  func natural() throws -> [NaturalVerdict]
  /// Adds what is known of the next examples.
  ///
  /// - Parameters:
  ///   - first: the position of the first of them.
  ///   - labels: their classes.
  ///   - ids: their ids, as in `Dataset.ids`.
  ///   - seconds: how long they took.
  func record(natural: [NaturalVerdict], from first: Int, labels: [Int], ids: [Int], seconds: Double) throws
  /// The verdicts of a round so far with the positions of their examples, in the order in which they were recorded.
  func verdicts(of round: Int) throws -> [(position: Int, verdict: Verdict)]
  /// Adds verdicts to a round.
  ///
  /// - Parameters:
  ///   - images: adversarial images [k, c, h, w] and the positions of their examples, where they are to be kept.
  ///   - seconds: how long they took.
  func record(
    _ verdicts: [Verdict], at positions: [Int], images: (positions: [Int], images: Tensor)?, of round: Int,
    seconds: Double) throws
  /// How long a round has taken so far, in seconds.
  func seconds(of round: Int) throws -> Double
  /// How long all of it has taken so far, in seconds.
  func seconds() throws -> Double
  /// Notes that the evaluation has ended for now.
  ///
  /// - Parameters:
  ///   - isComplete: whether nothing of it is left to do.
  ///   - warnings: what should make one doubt the numbers.
  func end(isComplete: Bool, warnings: [String]) throws
}
