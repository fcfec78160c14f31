import Base

/// A zip archive of files compressed with deflate, as `zipfile` writes it.
public func deflatedArchive(_ files: [(String, [UInt8])]) -> [UInt8] {
  var (body, directory): ([UInt8], [UInt8]) = ([], [])
  for (name, content) in files {
    // A gzip member without its head of 10 bytes and its end of 8 is raw deflate.
    let packed = Array(gzip(content).dropFirst(10).dropLast(8))
    let common =
      little(20, 2) + little(0, 2) + little(8, 2) + little(0, 4) + little(Int(checksum(content)), 4)
      + little(packed.count, 4) + little(content.count, 4) + little(name.utf8.count, 2) + little(0, 2)
    directory += [0x50, 0x4B, 1, 2] + little(20, 2) + common + little(0, 10) + little(body.count, 4) + Array(name.utf8)
    body += [0x50, 0x4B, 3, 4] + common + Array(name.utf8) + packed
  }
  let end =
    [0x50, 0x4B, 5, 6] + little(0, 4) + little(files.count, 2) + little(files.count, 2) + little(directory.count, 4)
    + little(body.count, 4) + little(0, 2)
  return body + directory + end
}
