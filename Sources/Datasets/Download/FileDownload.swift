import Base

/// Takes one official file from a server, so that a folder holds either all of it, verified, or a part to continue from.
///
/// What comes is written to `NAME.part`, and the file has its name when its size and hashes are right. A part that is
/// there is continued (HTTP ranges) and one that proves wrong is begun anew once. What is not the file is refused as
/// early as it shows: by the status, the length that the server states, the first bytes, and a byte too many. A
/// connection that is cut is taken up again as long as every try brings something.
struct FileDownload {
  let file: OfficialFile
  /// The path that the file is to have.
  let path: String
  var patience = HTTPTransfer.Patience()
  /// Told the size of the part whenever it has grown.
  let onBytes: (Int) -> Void
  /// Told how many bytes have been verified.
  let onVerified: (Int) -> Void

  /// What became of an attempt.
  enum Outcome {
    case complete
    /// The server is at fault: why, and whether the connection broke in the middle of the file.
    case failed(String, isCut: Bool)
  }

  /// Takes the file from the first address that has it.
  ///
  /// - Returns: how many bytes came over the network.
  /// - Throws: `io` where no address has it, with the reason for each; what the disk and `StopSignal.poll` throw.
  func run(from addresses: [String]) throws(CoreError) -> Int {
    let part = try PartialFile(path)
    defer { part.end() }
    var received = 0
    var failures: [(address: String, reason: String)] = []
    for address in addresses {
      guard let reason = try take(from: address, part, &received) else { return received }
      failures.append((address, reason))
    }
    let kept = part.size > 0 ? "'\(part.partPath)' keeps \(part.size) of \(file.size) bytes to continue from; " : ""
    let reasons = failures.map { "\(withoutPassword($0.address)): \($0.reason)" }.joined(separator: "; ")
    throw CoreError(
      .io, "cannot download \(file.name) from \(reasons)",
      hint: kept + "LTD_MIRROR=https://… names another server with the official files; ?download tells more")
  }

  /// Takes the file from one address.
  ///
  /// - Returns: nil where it is complete, else why it is not.
  private func take(from address: String, _ part: PartialFile, _ received: inout Int) throws(CoreError) -> String? {
    var isFromEarlier = part.size > 0
    var mayBeginAnew = true
    while true {
      if part.size > file.size { try part.restart() }
      while part.size < file.size {
        let before = part.size
        switch try request(address, part, &received) {
        case .complete: break
        case .failed(_, isCut: true) where part.size > before: isFromEarlier = true
        case .failed(let reason, _): return reason
        }
      }
      let digest = try part.digest(md5: true, onPiece: onVerified)
      if file.matches(digest) {
        try part.finish()
        return nil
      }
      try part.restart()
      guard isFromEarlier, mayBeginAnew else {
        return "it sent \(file.size) bytes that are not the official file (SHA-256 \(digest.sha256Text.prefix(12))… "
          + "instead of \(file.sha256.prefix(12))…)"
      }
      // What was there before may have been of another file.
      mayBeginAnew = false
    }
  }

  /// Asks once for what is missing.
  private func request(_ address: String, _ part: PartialFile, _ received: inout Int) throws(CoreError) -> Outcome {
    let transfer = try HTTPTransfer(address, from: part.size, patience: patience)
    /// The first bytes of an answer with the whole file, until there are enough to tell what they are.
    var head: [UInt8]? = []
    var isAccepted = false
    var refusal: String?
    while transfer.isRunning, refusal == nil {
      try StopSignal.poll()
      try transfer.step { (bytes) throws(CoreError) in
        // Why a redirect is not followed is known at its end.
        if (300..<400).contains(transfer.status) { return }
        if !isAccepted {
          refusal = try refusalOfAnswer(transfer, part)
          isAccepted = refusal == nil
          if part.size > 0 { head = nil }
        }
        guard refusal == nil else { return }
        received += bytes.count
        guard var beginning = head else {
          refusal = try append(bytes, to: part)
          return
        }
        beginning += bytes
        head = beginning
        if beginning.count >= FileKind.prefixSize {
          head = nil
          refusal = try begin(beginning, transfer, part)
        }
      }
    }
    if let refusal { return .failed(refusal, isCut: false) }
    if !isAccepted, let failure = transfer.failure { return .failed(failure, isCut: false) }
    // An answer may have no content at all.
    if !isAccepted, let refusal = try refusalOfAnswer(transfer, part) {
      return .failed(refusal, isCut: false)
    }
    if let beginning = head, !beginning.isEmpty, let refusal = try begin(beginning, transfer, part) {
      return .failed(refusal, isCut: false)
    }
    if let failure = transfer.failure { return .failed(failure, isCut: true) }
    guard part.size == file.size else {
      return .failed("what it sends ends after \(part.size) of \(file.size) bytes", isCut: true)
    }
    return .complete
  }

  /// Why an answer is not the file, by its head; where the server sends all of it the part is begun anew.
  private func refusalOfAnswer(_ transfer: HTTPTransfer, _ part: PartialFile) throws(CoreError) -> String? {
    switch transfer.status {
    case 200:
      if part.size > 0 { try part.restart() }
    case 206:
      guard transfer.rangeStart == part.size, transfer.rangeSize.map({ $0 == file.size }) ?? true else {
        try part.restart()
        return "it answers with another part than was asked for"
      }
    case 416:
      try part.restart()
      return "its file is shorter than what is here already"
    case 401, 403, 407: return "the server refuses it (status \(transfer.status))"
    case 404, 410: return "the server has no such file (status \(transfer.status))"
    case 429, 503: return "the server is too busy (status \(transfer.status)): try again later"
    case 500...: return "the server has a problem (status \(transfer.status))"
    default: return "the server answers with the status \(transfer.status)"
    }
    return nil
  }

  /// Writes the first bytes of the file, unless they show that it is something else.
  private func begin(_ head: [UInt8], _ transfer: HTTPTransfer, _ part: PartialFile) throws(CoreError) -> String? {
    guard FileKind(head[...], size: nil) == .gzip else {
      let kind = FileKind(head[...], size: transfer.length)
      return "it sends \(kind?.rawValue ?? "something else") instead of the file"
    }
    if let length = transfer.length, length != file.size {
      return "its file has \(length) bytes, the official one \(file.size)"
    }
    if let refusal = try refusal(ofMore: head.count, part) { return refusal }
    try part.append(head)
    onBytes(part.size)
    return nil
  }

  private func append(_ bytes: UnsafeRawBufferPointer, to part: PartialFile) throws(CoreError) -> String? {
    if let refusal = try refusal(ofMore: bytes.count, part) { return refusal }
    try part.append(bytes)
    onBytes(part.size)
    return nil
  }

  private func refusal(ofMore count: Int, _ part: PartialFile) throws(CoreError) -> String? {
    guard count > file.size - part.size else { return nil }
    try part.restart()
    return "it sends more than the \(file.size) bytes of the official file"
  }
}

/// An address without the name and password that may stand in it, for messages.
func withoutPassword(_ address: String) -> String {
  guard let scheme = address.firstRange(of: "://") else { return address }
  let rest = address[scheme.upperBound...]
  let host = rest.prefix { $0 != "/" }
  guard let at = host.lastIndex(of: "@") else { return address }
  return "\(address[..<scheme.upperBound])\(rest[rest.index(after: at)...])"
}
