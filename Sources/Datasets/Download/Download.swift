import Base

/// What a download has left in its folder.
public struct DownloadReport: Sendable {
  /// The folder that is to be given to the function that reads the data set.
  public let folder: String
  /// The files in it.
  public let files: [String]
  /// How many bytes came over the network.
  public let received: Int
  /// Whether all official files were there already.
  public let wasThere: Bool
}

/// Puts the official files of a data set into a folder, verified, and unpacks what stands in an archive.
///
/// What is there already and right is not taken again, and nothing is written over: a file of the same name that is
/// another one is an error. A download that was stopped continues where it ended.
///
/// - Parameters:
///   - directory: the folder of the files, made where it is missing; an archive's content goes into the folder in it
///     that the archive names.
///   - mirror: the address of a server to take the files from instead of the official ones. Under it each file has its
///     official name, in a folder called as the data set (`cifar10/cifar-10-binary.tar.gz`), or without one.
/// - Throws: `io` where the files cannot be had, with the reason of every address, or cannot be written; `interrupted`,
///   the part being kept.
public func download(
  _ set: OfficialFiles, to directory: String, mirror: String? = nil, progress: any Progress = SilentProgress()
) throws(CoreError) -> DownloadReport {
  try download(set, to: directory, mirror: mirror, patience: HTTPTransfer.Patience(), progress: progress)
}

func download(
  _ set: OfficialFiles, to directory: String, mirror: String?, patience: HTTPTransfer.Patience, progress: any Progress
) throws(CoreError) -> DownloadReport {
  defer { progress.finish() }
  let mirror = try mirror.map { (address) throws(CoreError) in try checkedMirror(address) }
  try Folder.make(directory)
  guard FileStatus(directory)?.isFolder == true else {
    throw .file(directory, "is not a folder", hint: "give the folder that the files are to be put into")
  }
  let meter = DownloadMeter(total: set.size, progress: progress)
  var received = 0
  var wasThere = true
  for file in set.files {
    let path = Folder.joined(directory, file.name)
    if FileStatus(path) != nil {
      try verify(path, file, set, meter)
    } else {
      wasThere = false
      let addresses =
        mirror.map { ["\($0)/\(set.name)/\(file.name)", "\($0)/\(file.name)"] } ?? set.addresses.map { $0 + file.name }
      meter.begin(file.name)
      let fetch = FileDownload(
        file: file, path: path, patience: patience, onBytes: { meter.show($0) },
        onVerified: { meter.show($0, of: file.size, doing: "verifying \(file.name)") })
      do throws(CoreError) {
        received += try fetch.run(from: addresses)
      } catch {
        progress.finish()
        if error.kind == .interrupted || error.kind == .limit, let part = FileStatus(path + ".part") {
          progress.note(
            "'\(path).part' keeps \(part.size) of \(file.size) bytes: the same call continues there")
        }
        throw error
      }
    }
    meter.finish(file.size)
  }
  guard let (folder, names) = set.content, let archive = set.files.first else {
    let files = set.files.map { Folder.joined(directory, $0.name) }
    return DownloadReport(folder: directory, files: files, received: received, wasThere: wasThere)
  }
  let unpacking = Unpacking(
    archive: Folder.joined(directory, archive.name), folder: folder, names: names,
    onBytes: { meter.show($0, of: nil, doing: "unpacking \(archive.name)") })
  return DownloadReport(
    folder: Folder.joined(directory, folder), files: try unpacking.run(), received: received, wasThere: wasThere)
}

/// Holds a file that is there against the official one.
private func verify(
  _ path: String, _ file: OfficialFile, _ set: OfficialFiles, _ meter: DownloadMeter
) throws(CoreError) {
  let reader = try FileReader(path, expected: "\(file.name) of \(set.title), \(file.size) bytes")
  let digest = try FileDigest.of(reader, md5: true) { meter.show($0, of: file.size, doing: "verifying \(file.name)") }
  if file.matches(digest) { return }
  let sha256 = digest.sha256Text
  let other = OfficialFiles.all.first { $0.files.contains { $0.sha256 == sha256 } }
  let unknown = "another one, with \(reader.size) bytes and the SHA-256 \(sha256.prefix(12))…"
  let found = other.map { "that of \($0.title)" } ?? unknown
  throw .file(
    path, "is there already and is not the official file of \(set.title): it is \(found)",
    hint: other == nil
      ? "remove or rename it, and call download again" : "give another folder: their files have the same names")
}

/// The address of a mirror without slashes at its end.
private func checkedMirror(_ address: String) throws(CoreError) -> String {
  let start = address.lowercased()
  let scheme = ["http://", "https://"].first(where: start.hasPrefix)
  guard let scheme, address.utf8.count > scheme.utf8.count, address.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
    throw CoreError(
      .value, "LTD_MIRROR must be an address that begins with http:// or https://, not '\(withoutPassword(address))'",
      hint: "for instance LTD_MIRROR=https://mirror.example/data; unset it to use the official addresses")
  }
  var address = address
  while address.hasSuffix("/") { address.removeLast() }
  return address
}

/// Shows how far a download is, in all of its files together.
private final class DownloadMeter {
  private let progress: any Progress
  private let total: Int
  private var title = ""
  /// Bytes of the files that are done.
  private var before = 0
  /// Of the current file, where it began in this run.
  private var first: Int?
  private var start = 0.0

  init(total: Int, progress: any Progress) {
    self.total = total
    self.progress = progress
  }

  func begin(_ name: String) {
    title = name
    first = nil
    start = monotonicSeconds()
  }

  func show(_ size: Int) {
    let first = first ?? size
    self.first = first
    let seconds = monotonicSeconds() - start
    let rate = seconds > 0.2 ? Double(size - first) / seconds : 0
    let done = before + size
    progress.update(
      title: title, done: done, total: total, fields: [("MB", Double(done) / 1e6), ("MB/s", rate / 1e6)],
      secondsLeft: rate > 0 ? Double(total - done) / rate : nil)
  }

  func show(_ done: Int, of total: Int?, doing title: String) {
    progress.update(
      title: title, done: done, total: total ?? 0, fields: [("MB", Double(done) / 1e6)], secondsLeft: nil)
  }

  func finish(_ size: Int) { before += size }
}
