import Base

// What tells the content of one data set from that of another where images stay in files. Decoding all of them would take
// as long as an epoch, so that the files themselves are compared: their paths, sizes and bytes.

extension Dataset {
  /// 16 hexadecimal digits made of the classes, the labels and all images: of every pixel where they are in memory
  /// (`fingerprint`); of the path, size and bytes of every file, and of how it is prepared, where they are read when they
  /// are needed. Of more than 4 GiB of files, the bytes of 4,096 of them are taken, evenly spread, beside path and size of
  /// all.
  ///
  /// - Throws: what reading the images throws, `interrupted`.
  package var contentDigits: String {
    get throws(CoreError) {
      guard let files = source as? ImageFiles else { return try fingerprint }
      var hash = Hash64()
      for size in imageShape { hash.absorb(UInt64(size)) }
      for name in classNames { hash.absorb(name) }
      for (label, id) in zip(labels, ids) {
        hash.absorb(UInt64(label))
        hash.absorb(UInt64(bitPattern: Int64(id)))
      }
      for value in targetValues ?? [] { hash.absorb(UInt64(value.bitPattern)) }
      hash.absorb(try files.digits(of: positions))
      return hash.digits
    }
  }
}

extension ImageFiles {
  /// The most bytes of files of which every one is read, and how many files are read where there are more.
  private static let mostRead = 4 << 30
  private static let sample = 4096

  /// Digits of the files of these positions, in their order.
  ///
  /// A run asks for them when it begins, when it is continued and for its record, so that those of the last selections are
  /// kept, together with what the files looked like then.
  fileprivate func digits(of positions: [Int]) throws(CoreError) -> String {
    var look = Hash64()
    look.absorb(preparation.call)
    var (bytes, statuses) = (0, [FileStatus]())
    statuses.reserveCapacity(positions.count)
    for (i, position) in positions.enumerated() {
      if i % 1024 == 0 { try StopSignal.poll() }
      let path = Folder.joined(folder, names[position])
      guard let status = FileStatus(path) else {
        throw .cannot("read", path, hint: "was it there when the folder was read?")
      }
      look.absorb(names[position])
      look.absorb(UInt64(clamping: status.size))
      look.absorb(UInt64(status.modified.bitPattern))
      bytes += status.size
      statuses.append(status)
    }
    if let known = kept(look.digits) { return known }
    var hash = Hash64()
    hash.absorb(preparation.call)
    let step = bytes > Self.mostRead ? max(1, positions.count / Self.sample) : 1
    for (i, position) in positions.enumerated() {
      try StopSignal.poll()
      hash.absorb(names[position])
      hash.absorb(UInt64(clamping: statuses[i].size))
      guard i % step == 0 else { continue }
      let content = try FileReader.bytes(of: Folder.joined(folder, names[position]))
      content.withUnsafeBytes { content in
        var i = 0
        while i + 8 <= content.count {
          hash.absorb(UInt64(littleEndian: content.loadUnaligned(fromByteOffset: i, as: UInt64.self)))
          i += 8
        }
        for byte in content[i...] { hash.absorb(UInt64(byte)) }
      }
    }
    keep(hash.digits, for: look.digits)
    return hash.digits
  }
}

extension ImagePreparation {
  /// What decides the bytes of a prepared image.
  fileprivate var call: String {
    "resize \(resize ?? 0) crop \(crop ?? 0) \(interpolation) \(isGrey ? "grey" : "colour")"
  }
}
