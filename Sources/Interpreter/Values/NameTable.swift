/// Finds the index of a name among many, for records with more fields than a search from the front can serve.
///
/// It is a hash table with open addressing that keeps indices only: the names stay with their owner, a `RecordLayout`,
/// who passes them to each search, and who also frees the table. A record is often used as a queue, with names taken out at
/// the front and added at the end. So indices are counted from `base`, the number of names taken out at the front: taking
/// one out there changes `base` instead of every entry.
struct NameTable {
  private struct Slot {
    var hash: UInt32
    /// Counted from `base`; -1 in a free slot.
    var place: Int32
  }
  private var slots: UnsafeMutablePointer<Slot>
  private var size: Int
  private var count = 0
  /// How many names at the front have been taken out.
  private var base = 0

  init() {
    size = 32
    slots = NameTable.free(size)
  }

  func deallocate() { slots.deallocate() }

  func copy() -> NameTable {
    var copy = self
    copy.slots = .allocate(capacity: size)
    copy.slots.initialize(from: slots, count: size)
    return copy
  }

  private static func free(_ size: Int) -> UnsafeMutablePointer<Slot> {
    let slots = UnsafeMutablePointer<Slot>.allocate(capacity: size)
    slots.initialize(repeating: Slot(hash: 0, place: -1), count: size)
    return slots
  }

  /// The next name; it must not be there yet.
  mutating func add(_ name: String) {
    if (count + 1) * 2 > size { grow() }
    insert(Slot(hash: NameTable.hash(name), place: Int32(count + base)))
    count += 1
  }

  private mutating func grow() {
    let (old, oldSize) = (slots, size)
    size *= 2
    slots = NameTable.free(size)
    for slot in 0..<oldSize where old[slot].place >= 0 { insert(old[slot]) }
    old.deallocate()
  }

  private func insert(_ new: Slot) {
    var slot = Int(new.hash) & (size &- 1)
    while slots[slot].place >= 0 { slot = (slot &+ 1) & (size &- 1) }
    slots[slot] = new
  }

  /// Takes a name out, and lets the indices of those after it fall by one.
  mutating func remove(_ name: String, at place: Int, of names: [String]) {
    let mask = size &- 1
    var hole = Int(NameTable.hash(name)) & mask
    while Int(slots[hole].place) != place + base { hole = (hole &+ 1) & mask }
    // What follows without a gap moves back where its own first slot lets it.
    var slot = (hole &+ 1) & mask
    while slots[slot].place >= 0 {
      let home = Int(slots[slot].hash) & mask
      if (slot &- home) & mask >= (slot &- hole) & mask {
        slots[hole] = slots[slot]
        hole = slot
      }
      slot = (slot &+ 1) & mask
    }
    slots[hole] = Slot(hash: 0, place: -1)
    count -= 1
    if place == 0, base < Int(Int32.max) - 2 * size {
      base += 1
    } else if place < count {
      for slot in 0..<size where Int(slots[slot].place) > place + base { slots[slot].place &-= 1 }
    }
  }

  @inline(__always)
  func place(of name: String, in names: [String]) -> Int? {
    let hash = NameTable.hash(name)
    var slot = Int(hash) & (size &- 1)
    while slots[slot].place >= 0 {
      let place = Int(slots[slot].place) &- base
      if slots[slot].hash == hash, names[place] == name { return place }
      slot = (slot &+ 1) & (size &- 1)
    }
    return nil
  }

  /// Another one in each process, so that nobody can choose names that collide.
  private static let seed = UInt64.random(in: 0 ... .max)

  private static func hash(_ name: String) -> UInt32 {
    let seed = seed
    let hash = name.withBytes { bytes -> UInt64? in
      var hash = seed
      for byte in bytes {
        if byte >= 0x80 { return nil }
        hash = (hash ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
        hash ^= hash >> 29
      }
      return hash
    }
    // Names that differ only in the normal form of their characters are equal.
    return UInt32(truncatingIfNeeded: hash ?? UInt64(bitPattern: Int64(name.hashValue)))
  }
}
