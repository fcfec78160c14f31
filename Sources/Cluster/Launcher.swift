import CCPU
import Platform

/// The launcher that has started this process as one of several, as it shows in the environment: `mpirun` and `mpiexec` of
/// Open MPI and MPICH, and what speaks their protocols, such as `srun --mpi=…`.
public struct Launcher: Sendable, Equatable {
  /// Which protocol it speaks, and so which libraries can answer it.
  public enum Kind: Sendable, Equatable {
    /// Open MPI's own.
    case openMPI
    /// PMI: MPICH, Intel MPI, MVAPICH.
    case pmi
    /// PMIx by something else, such as Slurm, with which several libraries speak.
    case pmix

    /// What to call it.
    public var name: String {
      switch self {
      case .openMPI: "Open MPI"
      case .pmi: "MPICH, or one that speaks PMI"
      case .pmix: "one that speaks PMIx"
      }
    }
  }

  /// Which one.
  public var kind: Kind
  /// The number of this process, from 0.
  public var rank: Int
  /// How many it has started; nil where only the library can tell.
  public var size: Int?
  /// How many of them are on this machine; nil where it does not say.
  public var localSize: Int?

  /// The launcher that an environment tells of; nil where there is none, or it has started a single process.
  ///
  /// - Parameter variable: the value of a variable.
  public init?(_ variable: (String) -> String?) {
    func number(_ names: String...) -> Int? { names.compactMap { variable($0).flatMap { Int($0) } }.first }
    if let size = number("OMPI_COMM_WORLD_SIZE") {
      (kind, rank, self.size) = (.openMPI, number("OMPI_COMM_WORLD_RANK") ?? 0, size)
    } else if let size = number("PMI_SIZE"), let rank = number("PMI_RANK") {
      (kind, self.rank, self.size) = (.pmi, rank, size)
    } else if let rank = number("PMIX_RANK") {
      (kind, self.rank, size) = (.pmix, rank, number("SLURM_STEP_NUM_TASKS"))
    } else {
      return nil
    }
    localSize = number("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_LOCAL_SIZE")
    if size == 1 { return nil }
  }

  /// That of this process.
  public static var ofProcess: Launcher? { Launcher { name in getenv(name).map { String(cString: $0) } } }

  /// How many threads this process should have: the processors that it may use, shared with the others of this machine.
  public var threads: Int {
    let all = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    let own = Int(ltd_allowed_processors())
    return max(1, min(own > 0 ? own : all, all / max(1, localSize ?? 1)))
  }
}
