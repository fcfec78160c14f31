import Base
import Platform

/// A library of MPI, opened when a launcher has started the program: nothing of it is needed to build.
///
/// The libraries differ in what stands for the communicator of all processes and for a byte, and no more of their headers is
/// used: Open MPI has the addresses of symbols, MPICH and its kin fixed numbers, and the standard interface (MPI 5) small
/// ones. A handle is passed as a whole word, of which MPICH looks at the lower half. About a dozen functions are called.
final class MPILibrary: @unchecked Sendable {
  typealias Counts = UnsafePointer<Int32>
  typealias Status = UnsafeMutableRawPointer
  typealias Request = UnsafeMutablePointer<Int>
  typealias Number = UnsafeMutablePointer<Int32>
  typealias Initialise = @convention(c) (Number?, Status?, Int32, Number) -> Int32
  typealias Rank = @convention(c) (Int, Number) -> Int32
  typealias Size = @convention(c) (Int, Number) -> Int32
  typealias Exchange =
    @convention(c) (UnsafeRawPointer?, Counts, Counts, Int, Status?, Counts, Counts, Int, Int, Request) -> Int32
  typealias Gather = @convention(c) (UnsafeRawPointer?, Int32, Int, Status?, Counts, Counts, Int, Int, Request) -> Int32
  typealias Test = @convention(c) (Request, Number, Status) -> Int32
  typealias Abort = @convention(c) (Int, Int32) -> Int32
  typealias Finalise = @convention(c) () -> Int32

  /// The file that was opened.
  let path: String
  /// What the library says of itself, its first line.
  let version: String
  /// All processes, and a byte.
  let world, byte: Int
  /// Calls come from one thread at a time.
  let oneThreadAtATime: Int32

  let initialise: Initialise
  let rank: Rank
  let size: Size
  let exchange: Exchange
  let gather: Gather
  let test: Test
  let abort: Abort
  let finalise: Finalise

  /// Whether it is Open MPI, whatever its file is called.
  var isOpenMPI: Bool { version.hasPrefix("Open MPI") }

  /// Opens a library.
  ///
  /// - Throws: `io` where the file cannot be opened, `value` where it is no MPI that is known.
  init(_ path: String) throws(CoreError) {
    // Its parts find each other by their symbols.
    guard let handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL) else {
      throw CoreError(.io, dlerror().map { String(cString: $0) } ?? "'\(path)' cannot be opened")
    }
    func symbol(_ name: String) throws(CoreError) -> UnsafeMutableRawPointer {
      guard let found = dlsym(handle, name) else {
        throw CoreError(.value, "'\(path)' has no \(name): it is no library of MPI 3 or later")
      }
      return found
    }
    self.path = path
    let versionText = unsafeBitCast(
      try symbol("MPI_Get_library_version"),
      to: (@convention(c) (UnsafeMutablePointer<CChar>, Number) -> Int32).self)
    // Open MPI's may be 256 bytes long, those of the others 8192.
    var text = [CChar](repeating: 0, count: 1 << 14)
    var length: Int32 = 0
    _ = versionText(&text, &length)
    version = String(
      decoding: text.prefix(Int(max(0, length))).map { UInt8(bitPattern: $0) }.prefix { $0 != 0 && $0 != 10 },
      as: UTF8.self)
    if path.contains("mpi_abi") {
      (world, byte, oneThreadAtATime) = (0x101, 0x247, 2048)
    } else if let world = dlsym(handle, "ompi_mpi_comm_world") {
      (self.world, byte) = (Int(bitPattern: world), Int(bitPattern: try symbol("ompi_mpi_byte")))
      oneThreadAtATime = 2
    } else if version.hasPrefix("MPICH") || version.hasPrefix("Intel") || version.hasPrefix("MVAPICH")
      || dlsym(handle, "MPIR_Err_return_comm") != nil
    {
      (world, byte, oneThreadAtATime) = (0x4400_0000, 0x4c00_010d, 2)
    } else {
      throw CoreError(.value, "'\(path)' is an MPI whose interface is not known: \(version)")
    }
    initialise = unsafeBitCast(try symbol("MPI_Init_thread"), to: Initialise.self)
    rank = unsafeBitCast(try symbol("MPI_Comm_rank"), to: Rank.self)
    size = unsafeBitCast(try symbol("MPI_Comm_size"), to: Size.self)
    exchange = unsafeBitCast(try symbol("MPI_Ialltoallv"), to: Exchange.self)
    gather = unsafeBitCast(try symbol("MPI_Iallgatherv"), to: Gather.self)
    test = unsafeBitCast(try symbol("MPI_Test"), to: Test.self)
    abort = unsafeBitCast(try symbol("MPI_Abort"), to: Abort.self)
    finalise = unsafeBitCast(try symbol("MPI_Finalize"), to: Finalise.self)
  }

  /// The library that answers a launcher.
  ///
  /// - Parameter given: the file to open in place of the usual ones.
  /// - Throws: `io` where there is none.
  static func open(for launcher: Launcher, given: String?) throws(CoreError) -> MPILibrary {
    let openMPI = ["libmpi.so.40", "libmpi.so"]
    let mpich = ["libmpich.so.12", "libmpi.so.12", "libmpi.so"]
    let usual = launcher.kind == .pmi ? mpich + openMPI : openMPI + mpich
    var others: [MPILibrary] = []
    var reasons: [String] = []
    for name in given.map({ [$0] }) ?? ["libmpi_abi.so.0"] + usual {
      do throws(CoreError) {
        let library = try MPILibrary(name)
        if launcher.kind == .pmix || library.isOpenMPI == (launcher.kind == .openMPI) { return library }
        others.append(library)
      } catch { reasons.append(error.message) }
    }
    let way = "load the module of that MPI, or name its file: LTD_MPI=/path/to/libmpi.so"
    guard let other = others.first else {
      throw CoreError(
        .io,
        "mpirun has started this program (\(launcher.kind.name)), but there is no libmpi to talk to the other processes"
          + (given.map { ": '\($0)' cannot be used: \(reasons.first ?? "")" } ?? ""), hint: way)
    }
    throw CoreError(
      .io,
      "mpirun is that of another MPI: it is that of \(launcher.kind.name), while '\(other.path)' is \(other.version)",
      hint: way)
  }
}
