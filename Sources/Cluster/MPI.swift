import Base
import Platform

/// The processes that `mpirun` has started, which talk by MPI.
///
/// Only bytes travel, and all calls are those that begin something and are asked whether it is done: a rank works meanwhile,
/// or gives its processor away, so that more ranks than processors get along, and can stop waiting. What MPI itself finds
/// wrong ends all ranks, as it does in any program.
public final class MPI: Communicator, @unchecked Sendable {
  private let library: MPILibrary
  /// The number of this process.
  public let rank: Int
  /// How many there are.
  public let size: Int

  /// What the library says of itself.
  public var version: String { library.version }

  /// Joins the other processes of a launcher.
  ///
  /// - Throws: `io` where no library of MPI can be opened, or it belongs to another launcher.
  public init(_ launcher: Launcher) throws(CoreError) {
    let given = getenv("LTD_MPI").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    library = try MPILibrary.open(for: launcher, given: given)
    var provided: Int32 = 0
    var (rank, size): (Int32, Int32) = (0, 1)
    guard library.initialise(nil, nil, library.oneThreadAtATime, &provided) == 0,
      library.rank(library.world, &rank) == 0, library.size(library.world, &size) == 0
    else { throw CoreError(.io, "'\(library.path)' (\(library.version)) cannot begin") }
    (self.rank, self.size) = (Int(rank), Int(size))
    if let expected = launcher.size, expected != self.size {
      throw CoreError(
        .io,
        "mpirun has started \(expected) processes, but '\(library.path)' (\(library.version)) knows of \(size): it belongs "
          + "to another mpirun", hint: "use the mpirun of that library, or name the other's: LTD_MPI=/path/to/libmpi.so"
      )
    }
  }

  public func beginExchange(
    _ own: Message, _ sizes: [Int], into all: Message, _ counts: [Int]
  ) throws(CoreError) -> any Delivery {
    let (sizes, counts) = (try Block(sizes), try Block(counts))
    var request = 0
    let code = library.exchange(
      own.bytes.baseAddress, sizes.counts, sizes.starts, library.byte, all.bytes.baseAddress, counts.counts,
      counts.starts, library.byte, library.world, &request)
    return try MPIDelivery(library, code, request, [own, all, sizes, counts])
  }

  public func beginGather(_ own: Message, into all: Message, _ counts: [Int]) throws(CoreError) -> any Delivery {
    let counts = try Block(counts)
    var request = 0
    let code = library.gather(
      own.bytes.baseAddress, Int32(clamping: own.bytes.count), library.byte, all.bytes.baseAddress, counts.counts,
      counts.starts, library.byte, library.world, &request)
    return try MPIDelivery(library, code, request, [own, all, counts])
  }

  /// A launcher that is told to end all may throw away what it has not read yet, the reason among it: it is let read first.
  public func abort(status: Int32) {
    for _ in 0..<50 where unreadBytes(STDOUT_FILENO) > 0 || unreadBytes(STDERR_FILENO) > 0 { usleep(10_000) }
    usleep(100_000)
    _ = library.abort(library.world, status)
    // Whatever the library makes of it.
    _exit(status)
  }

  /// Takes leave of the others; nothing can be said afterwards.
  public func finish() { _ = library.finalise() }
}

/// A request of MPI.
private final class MPIDelivery: Delivery {
  private let library: MPILibrary
  /// MPI writes into it where it is, until it is done.
  private let request = UnsafeMutablePointer<Int>.allocate(capacity: 1)
  private var held: [AnyObject]

  init(_ library: MPILibrary, _ code: Int32, _ request: Int, _ held: [AnyObject]) throws(CoreError) {
    (self.library, self.held) = (library, held)
    self.request.initialize(to: request)
    guard code == 0 else {
      self.held = []
      throw CoreError(.io, "\(library.version) cannot send: error \(code)")
    }
  }

  func isDone() throws(CoreError) -> Bool {
    if held.isEmpty { return true }
    var isDone: Int32 = 0
    // As long as any library's.
    var status = (0, 0, 0, 0, 0, 0, 0, 0)
    let code = withUnsafeMutableBytes(of: &status) { status in
      status.baseAddress.map { library.test(request, &isDone, $0) } ?? 1
    }
    guard code == 0 else { throw CoreError(.io, "another rank is gone: error \(code) of \(library.version)") }
    if isDone != 0 { held = [] }
    return isDone != 0
  }

  deinit {
    // What has not come yet may still come: its memory is left where it is.
    for object in held { _ = Unmanaged.passRetained(object) }
    request.deallocate()
  }
}

/// How much of what was written to a stream its reader has not taken; 0 for what is not a pipe, socket or terminal.
private func unreadBytes(_ stream: Int32) -> Int32 {
  var (about, count) = (stat(), Int32(0))
  guard fstat(stream, &about) == 0 else { return 0 }
  let isPipe = about.st_mode & S_IFMT == S_IFIFO
  return ioctl(stream, UInt(isPipe ? FIONREAD : TIOCOUTQ), &count) == 0 ? count : 0
}

/// Sizes of pieces that lie one after the other, and where each begins.
private final class Block {
  let counts: UnsafeMutablePointer<Int32>
  let starts: UnsafeMutablePointer<Int32>

  init(_ sizes: [Int]) throws(CoreError) {
    guard sizes.reduce(0, +) <= Int32.max else { throw CoreError(.memory, "a message of more than 2 GB") }
    counts = .allocate(capacity: max(1, sizes.count))
    starts = .allocate(capacity: max(1, sizes.count))
    var start = 0
    for (i, size) in sizes.enumerated() {
      (counts[i], starts[i]) = (Int32(size), Int32(start))
      start += size
    }
  }

  deinit {
    counts.deallocate()
    starts.deallocate()
  }
}
