import Base

/// Unpacks the expected files of an archive into a folder beside it, and nothing else.
///
/// Only ordinary files of the expected names in the expected folder are written, so that no name in an archive decides
/// where something goes. A file that is there already is compared with the archive and left alone: where it is the
/// same it counts as unpacked, where it is not the call ends with an error. A file has its name only once it is whole.
struct Unpacking {
  let archive: String
  /// The folder in the archive, and the folder that is made.
  let folder: String
  let names: [String]
  /// Told how many bytes of the unpacked files have passed.
  let onBytes: (Int) -> Void

  /// The bytes that are taken at a time.
  private static let piece = 1 << 20

  /// Unpacks what is not there yet.
  ///
  /// - Returns: the paths of the files, in the order of `names`.
  /// - Throws: `io` where the archive lacks one or is damaged, where a file is there with another content, and what the
  ///   disk throws.
  func run() throws(CoreError) -> [String] {
    let directory = Folder.joined(Folder.of(archive), folder)
    let tar = TarArchive(try FileReader(archive, expected: "a tar archive"))
    try Folder.make(directory)
    var missing = names
    var done = 0
    while let entry = try tar.next() {
      guard entry.kind == .file, entry.hasSafeName, let name = missing.first(where: { "\(folder)/\($0)" == entry.name })
      else { continue }
      missing.removeAll { $0 == name }
      let path = Folder.joined(directory, name)
      if FileStatus(path) != nil {
        try compare(path, tar, size: entry.size, &done)
      } else {
        try write(path, tar, &done)
      }
    }
    guard missing.isEmpty else {
      throw .file(archive, "lacks \(missing.joined(separator: ", "))", hint: downloadAgain)
    }
    return names.map { Folder.joined(directory, $0) }
  }

  private func write(_ path: String, _ tar: TarArchive, _ done: inout Int) throws(CoreError) {
    let part = try PartialFile(path)
    defer { part.end() }
    try part.restart()
    do throws(CoreError) {
      while tar.remaining > 0 {
        let bytes = try tar.read(Self.piece)
        try part.append(bytes)
        done += bytes.count
        onBytes(done)
      }
      try part.finish()
    } catch {
      // Nothing continues it.
      try? part.restart()
      throw error
    }
  }

  private func compare(_ path: String, _ tar: TarArchive, size: Int, _ done: inout Int) throws(CoreError) {
    let file = try FileReader(path, expected: "what '\(archive)' holds")
    var offset = 0
    var isSame = file.size == size
    while isSame, tar.remaining > 0 {
      let bytes = try tar.read(Self.piece)
      isSame = try file.read(at: offset, count: bytes.count) == bytes
      offset += bytes.count
      done += bytes.count
      onBytes(done)
    }
    guard isSame else {
      throw .file(
        path, "is there already and is not what '\(archive)' holds",
        hint: "remove it, or rename it, and call download again")
    }
  }
}
