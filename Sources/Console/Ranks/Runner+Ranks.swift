import Base
import Cluster
import Devices
import Interpreter
import Platform
import Runs

/// A script that `mpirun` has started as several processes.
///
/// All of them run the whole script. Training is shared (`TrainingRun`); everything else each does for itself and comes to
/// the same bits, so that nothing else has to be said between them. The first rank alone prints and writes. Ranks meet at
/// the start, where they compare what they are about to run, and at the end: where all have failed with the script the first
/// one says so, and one that fails alone says so itself, with its number, and ends the others.
extension Runner {
  /// How long a rank that has failed waits to hear whether all have, in seconds.
  private static let patience = 0.8

  /// Whether a launcher such as `mpirun` has started this process as one of several.
  public static var isLaunched: Bool { Launcher.ofProcess != nil }

  /// Joins the other processes of the launcher that has started this one.
  ///
  /// - Parameter options: set so that one process writes, and that they share the processors.
  /// - Returns: nil where there is no launcher, or it has started a single process.
  /// - Throws: `io` where there is no library of MPI to talk by.
  public static func joinRanks(_ options: inout RunnerOptions) throws(CoreError) -> Ranks? {
    guard let launcher = Launcher.ofProcess else { return nil }
    do throws(CoreError) {
      let mpi = try MPI(launcher)
      guard mpi.size > 1 else {
        mpi.finish()
        return nil
      }
      options.isSilent = !mpi.isFirst
      if !mpi.isFirst { silenceOutput() }
      if options.threads == nil, Terminal.environment("LTD_THREADS") == nil { options.threads = launcher.threads }
      return Ranks(mpi)
    } catch {
      // One of them says it; the launcher ends all when one has ended.
      if launcher.rank > 0 {
        usleep(500_000)
        options.isSilent = true
      }
      throw error
    }
  }

  /// What a rank prints that is not the first goes nowhere, by whatever way.
  private static func silenceOutput() {
    let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
    guard nowhere >= 0 else { return }
    dup2(nowhere, 1)
    close(nowhere)
  }

  // MARK: The beginning

  /// Compares what the ranks are about to run.
  ///
  /// - Returns: the exit status where they differ, which is said.
  func begin(_ source: Source) -> Int32? {
    guard let ranks = session.ranks?.communicator else { return nil }
    let identity = ShardIdentity(script: source.name, text: source.bytes, arguments: session.arguments)
    do throws(CoreError) {
      let said = try ranks.meet(.start, saying: identity.comparison)
      let first = Self.facts(said[0])
      for (rank, bytes) in said.enumerated() {
        let other = Self.facts(bytes)
        let differing = first.keys.sorted().filter { other[$0] != first[$0] }
        guard let name = differing.first else { continue }
        throw CoreError(
          .value,
          "the ranks do not run the same: \(name) is \(other[name] ?? "unknown") on rank \(rank) and "
            + "\(first[name] ?? "unknown") on rank 0",
          hint: name == "the instruction set"
            ? "LTD_SIMD=base, avx2 or avx512 sets an older one for all"
            : "all ranks need the same script and the same ltd")
      }
    } catch { return ended(ExitStatus.failure, [LTDError.reporting(error).diagnostic]) }
    session.onImport = { path, bytes throws(LTDError) in
      do throws(CoreError) {
        let digests = try ranks.meet(.importing, saying: Array(ShardIdentity.digest(of: bytes).utf8))
        if let rank = digests.firstIndex(where: { $0 != digests[0] }) {
          throw CoreError(
            .value, "'\(path)' is another file on rank \(rank) than on rank 0", hint: "all ranks need the same files")
        }
      } catch { throw LTDError.reporting(error) }
    }
    return nil
  }

  /// Refuses a prompt, and a script on standard input, which a launcher gives to the first rank alone.
  ///
  /// - Returns: the exit status.
  public func refuseStandardInput() -> Int32 {
    let error = CoreError(
      .value,
      "standard input reaches one of the processes that mpirun has started: there is no prompt, and no script on it",
      hint: "give the script as a file: mpirun -np 4 ltd train.ltd")
    return ended(ExitStatus.usage, [LTDError.reporting(error).diagnostic])
  }

  private static func facts(_ bytes: [UInt8]) -> [String: String] {
    guard let members = (try? JSON.parse(bytes))?.objectValue else { return [:] }
    return Dictionary(members.map { ($0.key, $0.value.stringValue ?? "") }) { first, _ in first }
  }

  // MARK: The end

  /// Waits for a launcher that ends all ranks because of another one; it asks first, and some kill a second later.
  ///
  /// - Returns: whether it has asked.
  @discardableResult
  private func waitForTheEnd(_ seconds: Double) -> Bool {
    let begin = monotonicSeconds()
    while monotonicSeconds() - begin < seconds {
      if Interrupts.isToldToStop { return true }
      usleep(5_000)
    }
    return false
  }

  /// The exit status of a run that has ended with this one: that of all ranks, which take leave of each other.
  ///
  /// - Parameter diagnostics: what it has failed with, which nobody has reported yet.
  func ended(_ status: Int32, _ diagnostics: [Diagnostic] = []) -> Int32 {
    guard let ranks = session.ranks?.communicator else { return status }
    session.ranks = nil
    var statuses: [Int32]?
    // One that has succeeded waits for the others however long they take.
    if let said = try? ranks.meet(
      .end, saying: Array("\(status)".utf8), within: status == ExitStatus.success ? nil : Self.patience)
    {
      statuses = said.map { Int32(String(decoding: $0, as: UTF8.self)) ?? ExitStatus.failure }
    }
    let stops = [ExitStatus.interrupted, ExitStatus.stopped]
    var diagnostics = diagnostics
    if statuses == nil, diagnostics.isEmpty {
      if status == ExitStatus.success {
        // The others are elsewhere, and one of them is about to say where.
        waitForTheEnd(4 * Self.patience)
      } else if !stops.contains(status) {
        diagnostics = [Diagnostic(.value, "the script has ended with status \(status), while the others have not")]
      }
    }
    let isCommon = statuses?.allSatisfy { $0 != ExitStatus.success } == true
    if statuses == nil, diagnostics.contains(where: { $0.message.hasPrefix("the ranks have come apart") }) {
      // Where another one has failed, it says so and ends this one.
      if waitForTheEnd(2 * Self.patience) { diagnostics = [] }
    }
    if !diagnostics.isEmpty {
      if isCommon {
        report(diagnostics)
      } else {
        var own = options
        own.isSilent = false
        ConsoleHost(own).report(
          diagnostics.map { diagnostic in
            var diagnostic = diagnostic
            diagnostic.message = "rank \(ranks.rank): \(diagnostic.message)"
            return diagnostic
          })
      }
    }
    StandardOutput.out.flush()
    guard let statuses else {
      ranks.abort(status: status == ExitStatus.success ? ExitStatus.failure : status)
      return status
    }
    (ranks as? MPI)?.finish()
    // A stop is common to all, though one alone may have been told.
    return stops.first { statuses.contains($0) } ?? (status != ExitStatus.success ? status : statuses.max() ?? status)
  }
}
