import Base
import CCurl

/// One answer of a server over HTTP or HTTPS, taken in steps of a few milliseconds (`CCurl`).
///
/// It knows nothing of files: a step hands out what has come, and whoever takes it decides whether to go on. Between
/// steps the caller looks at its `StopSignal`, so that no slow server and no unreachable one holds up Ctrl-C.
final class HTTPTransfer {
  /// How long a server may take.
  struct Patience: Sendable {
    /// Seconds until there must be a connection.
    var connect = 20
    /// Seconds that may pass without a byte.
    var stall = 60
  }

  private let transfer: OpaquePointer
  private let patience: Patience
  /// Whether more may come.
  private(set) var isRunning = true

  /// Begins to ask for what is at an address.
  ///
  /// - Parameter offset: the first byte that is wanted; a server may answer with all of them nevertheless.
  /// - Throws: `io` where libcurl is missing.
  init(_ address: String, from offset: Int, patience: Patience) throws(CoreError) {
    if let problem = ltd_transfer_prepare() {
      throw CoreError(
        .io, "nothing can be downloaded: \(String(cString: problem))",
        hint: "install the package libcurl4, or download the files by other means")
    }
    let options = ltd_transfer_options(
      connect_seconds: patience.connect, stall_seconds: patience.stall, offset: Int64(offset))
    guard let transfer = ltd_transfer_begin(address, options) else {
      throw CoreError(.memory, "not enough memory for a download")
    }
    self.transfer = transfer
    self.patience = patience
  }

  deinit { ltd_transfer_end(transfer) }

  /// Waits for something to come, for at most 50 ms, and hands it to `body`.
  func step<Failure>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
    isRunning = ltd_transfer_step(transfer, 50)
    var count = 0
    let bytes = ltd_transfer_bytes(transfer, &count)
    if count > 0 { try body(UnsafeRawBufferPointer(start: bytes, count: count)) }
  }

  /// The status of the answer, such as 200; 0 before there is one.
  var status: Int { ltd_transfer_status(transfer) }

  /// How many bytes the answer says it has.
  var length: Int? { stated(ltd_transfer_length(transfer)) }

  /// The first byte of the part that the answer says it is.
  var rangeStart: Int? { stated(ltd_transfer_range_start(transfer)) }

  /// The size of the file of which the answer says it is a part.
  var rangeSize: Int? { stated(ltd_transfer_range_size(transfer)) }

  private func stated(_ number: Int64) -> Int? { number < 0 ? nil : Int(number) }

  /// Why it has ended before all had come, in words; nil where it has not.
  var failure: String? {
    switch ltd_transfer_result_of(transfer) {
    case LTD_TRANSFER_DONE: return nil
    case LTD_TRANSFER_UNKNOWN_HOST: return "there is no such server, or no network"
    case LTD_TRANSFER_NO_CONNECTION: return "the server takes no connection"
    case LTD_TRANSFER_TIMEOUT:
      return "the server did not answer in time (\(patience.connect) s to connect, \(patience.stall) s without a byte)"
    case LTD_TRANSFER_CERTIFICATE:
      return "the certificate of the server cannot be verified (the package ca-certificates has the roots)"
    case LTD_TRANSFER_REDIRECTS: return "it redirects too often"
    case LTD_TRANSFER_CUT: return "the connection was cut"
    default:
      let reason = String(cString: ltd_transfer_reason(transfer))
      return reason.prefix(1).lowercased() + reason.dropFirst()
    }
  }
}
