/// Finds the places of many names: an open table of places, with the names kept by its owner.
struct NameTable {
  private var slots: [Int32] = Array(repeating: -1, count: 32)
  private var hashes: [UInt64] = []

  /// The next name; it must not be there yet.
  mutating func add(_ name: String) {
    hashes.append(NameTable.hash(name))
    if hashes.count * 2 > slots.count {
      slots = Array(repeating: -1, count: slots.count * 4)
      for place in hashes.indices { insert(place) }
    } else {
      insert(hashes.count - 1)
    }
  }

  private mutating func insert(_ place: Int) {
    var slot = Int(truncatingIfNeeded: hashes[place]) & (slots.count - 1)
    while slots[slot] >= 0 { slot = (slot &+ 1) & (slots.count - 1) }
    slots[slot] = Int32(place)
  }

  func place(of name: String, in names: [String]) -> Int? {
    let hash = NameTable.hash(name)
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] >= 0 {
      let place = Int(slots[slot])
      if hashes[place] == hash, names[place] == name { return place }
      slot = (slot &+ 1) & (slots.count - 1)
    }
    return nil
  }

  /// Another one in each process, so that nobody can choose names that collide.
  private static let seed = UInt64.random(in: 0 ... .max)

  private static func hash(_ name: String) -> UInt64 {
    var hash = seed
    var isASCII = true
    name.withBytes { bytes in
      for byte in bytes {
        if byte >= 0x80 { isASCII = false }
        hash = (hash ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
        hash ^= hash >> 29
      }
    }
    // Names that differ only in the normal form of their characters are equal.
    return isASCII ? hash : UInt64(bitPattern: Int64(name.hashValue))
  }
}
