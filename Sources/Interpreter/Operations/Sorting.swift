/// Stable sorting of values, with short ways for lists of one plain kind.
///
/// The order is that of `<`, with NaN last in either direction. Keys of one plain kind (all numbers, all strings) are sorted
/// as what they are, without going through values; strings by their first eight bytes, and only those that begin alike by
/// all of them. Other keys take a merge sort of our own, since comparing two values can throw, which the standard
/// library's sort cannot pass on. Every way asks the limits of the run between portions, sorts indices
/// rather than elements, and keeps equal ones in their order.
enum Sorting {
  static func sorted(_ items: [Value], by keys: [Value], descending: Bool, _ call: Call) throws(LTDError) -> [Value] {
    if let order = try plainOrder(keys, descending, call) { return try ordered(items, order, call) }
    // Merge sort: comparing can throw, which the standard library's sort cannot take.
    var order = Array(keys.indices)
    var buffer = order
    var width = 1
    var looks = 0
    while width < order.count {
      try call.poll()
      var start = 0
      while start < order.count {
        let middle = min(start + width, order.count)
        let end = min(start + 2 * width, order.count)
        var (left, right, target) = (start, middle, start)
        while left < middle || right < end {
          try call.poll(at: target)
          let takesLeft: Bool
          if left >= middle {
            takesLeft = false
          } else if right >= end {
            takesLeft = true
          } else {
            let (x, y) = (keys[order[left]], keys[order[right]])
            takesLeft =
              try call.at("xs") { try Sorting.order(x, y, descending, call, 0, &looks) } <= 0
          }
          buffer[target] = takesLeft ? order[left] : order[right]
          if takesLeft { left += 1 } else { right += 1 }
          target += 1
        }
        start = end
      }
      swap(&order, &buffer)
      width *= 2
    }
    return try ordered(items, order, call)
  }

  private static func ordered(_ items: [Value], _ order: [Int], _ call: Call) throws(LTDError) -> [Value] {
    var result: [Value] = []
    result.reserveCapacity(order.count)
    for place in order {
      try call.poll(at: result.count)
      result.append(items[place])
    }
    return result
  }

  /// Negative where the left key comes first. NaN comes last in either direction, wherever it stands.
  private static func order(
    _ left: Value, _ right: Value, _ descending: Bool, _ call: Call, _ depth: Int, _ looks: inout Int
  ) throws(LTDError) -> Int {
    looks += 1
    try call.poll(at: looks)
    if case .list(let a) = left, case .list(let b) = right {
      if a === b { return 0 }
      try Operations.checkNesting(depth)
      for place in 0..<min(a.items.count, b.items.count) {
        let (x, y) = (a.items[place], b.items[place])
        if case .list = x, case .list = y {
        } else if try Operations.equal(x, y, call.session) {
          continue
        }
        let order = try order(x, y, descending, call, depth + 1, &looks)
        if order != 0 { return order }
      }
      return descending ? b.items.count - a.items.count : a.items.count - b.items.count
    }
    if let order = try Operations.order(left, right, call.session) { return descending ? -order : order }
    return (try isNaN(left) ? 1 : 0) - (try isNaN(right) ? 1 : 0)
  }

  private static func isNaN(_ value: Value) throws(LTDError) -> Bool {
    switch value {
    case .float(let number): return number.isNaN
    case .object(let object):
      if case .float(let number)? = try fromHost({ try object.number() }) { return number.isNaN }
      return false
    default: return false
    }
  }

  /// Numbers or strings: compared without going through values.
  private static func plainOrder(_ keys: [Value], _ descending: Bool, _ call: Call) throws(LTDError) -> [Int]? {
    var entries: [Entry] = []
    entries.reserveCapacity(keys.count)
    // Descending order is the ascending one of the complements: equal keys keep their order either way.
    let flip: UInt64 = descending ? .max : 0
    switch keys.first {
    case .int:
      for key in keys {
        try call.poll(at: entries.count)
        guard case .int(let number) = key else { return nil }
        entries.append(Entry(key: (UInt64(bitPattern: Int64(number)) ^ 1 << 63) ^ flip, place: entries.count))
      }
    case .float:
      for key in keys {
        try call.poll(at: entries.count)
        guard case .float(let number) = key else { return nil }
        // The bits of floats are in order once those of negative ones are turned round; -0.0 is 0.0. NaN is last in
        // either direction.
        let bits = (number + 0.0).bitPattern
        let ordered = (bits >> 63 == 0 ? bits | 1 << 63 : ~bits) ^ flip
        entries.append(Entry(key: number.isNaN ? .max : ordered, place: entries.count))
      }
    case .string:
      return try textOrder(keys, descending, call)
    case .list(let first):
      return try columnOrder(keys, first.items.count, descending, call)
    default: return nil
    }
    try sort(&entries, call)
    return entries.map(\.place)
  }

  /// Lists of the same few plain elements: by the last element first, each time keeping the order of equal ones.
  private static func columnOrder(_ keys: [Value], _ count: Int, _ descending: Bool, _ call: Call) throws(LTDError)
    -> [Int]?
  {
    guard (1...4).contains(count) else { return nil }
    var columns = [[Value]](repeating: [], count: count)
    for key in keys {
      try call.poll(at: columns[0].count)
      guard case .list(let list) = key, list.items.count == count else { return nil }
      for (place, item) in list.items.enumerated() {
        if case .list = item { return nil }
        columns[place].append(item)
      }
    }
    var order = Array(keys.indices)
    for column in columns.reversed() {
      guard let next = try plainOrder(try ordered(column, order, call), descending, call) else { return nil }
      order = next.map { order[$0] }
    }
    return order
  }

  private struct Entry {
    var key: UInt64
    var place: Int
  }

  /// Strings by their first eight bytes, and those that begin alike by all of them, which are laid side by side.
  private static func textOrder(_ keys: [Value], _ descending: Bool, _ call: Call) throws(LTDError) -> [Int]? {
    var bytes: [UInt8] = []
    var starts: [Int] = [0]
    var entries: [Entry] = []
    starts.reserveCapacity(keys.count + 1)
    entries.reserveCapacity(keys.count)
    for key in keys {
      try call.poll(at: entries.count)
      guard case .string(let text) = key else { return nil }
      var head: UInt64 = 0
      text.text.withBytes { text in
        bytes.append(contentsOf: text)
        for place in 0..<8 { head = head << 8 | (place < text.count ? UInt64(text[place]) : 0) }
      }
      starts.append(bytes.count)
      entries.append(Entry(key: descending ? ~head : head, place: entries.count))
    }
    try sort(&entries, call)
    var start = 0
    while start < entries.count {
      var end = start + 1
      while end < entries.count, entries[end].key == entries[start].key { end += 1 }
      if end - start > 1 { try sortWhole(&entries[start..<end], bytes, starts, descending, call) }
      start = end
    }
    return entries.map(\.place)
  }

  /// Strings that begin alike, by all of their bytes: pieces are sorted, then merged.
  private static func sortWhole(
    _ entries: inout ArraySlice<Entry>, _ bytes: [UInt8], _ starts: [Int], _ descending: Bool, _ call: Call
  ) throws(LTDError) {
    func precedes(_ a: Entry, _ b: Entry) -> Bool {
      bytes.withUnsafeBufferPointer { bytes in
        let order = Operations.bytesOrder(
          UnsafeBufferPointer(rebasing: bytes[starts[a.place]..<starts[a.place + 1]]),
          UnsafeBufferPointer(rebasing: bytes[starts[b.place]..<starts[b.place + 1]]))
        return order == 0 ? a.place < b.place : descending ? order > 0 : order < 0
      }
    }
    var width = 1 << 10
    for first in stride(from: entries.startIndex, to: entries.endIndex, by: width) {
      try call.poll()
      entries[first..<min(first + width, entries.endIndex)].sort(by: precedes)
    }
    while width < entries.count {
      var merged: [Entry] = []
      merged.reserveCapacity(entries.count)
      for first in stride(from: entries.startIndex, to: entries.endIndex, by: 2 * width) {
        let middle = min(first + width, entries.endIndex)
        let end = min(first + 2 * width, entries.endIndex)
        var (left, right) = (first, middle)
        while left < middle || right < end {
          if merged.count & 1023 == 1023 { try call.poll() }
          if right >= end || left < middle && !precedes(entries[right], entries[left]) {
            merged.append(entries[left])
            left += 1
          } else {
            merged.append(entries[right])
            right += 1
          }
        }
      }
      entries.replaceSubrange(entries.startIndex..<entries.endIndex, with: merged)
      width *= 2
    }
  }

  /// Ascending by key; equal keys keep their order. Many entries are dealt out by eleven bits of their keys at a time,
  /// from the lowest up, which takes a fixed number of rounds instead of comparisons.
  private static func sort(_ entries: inout [Entry], _ call: Call) throws(LTDError) {
    let (digitBits, minimum) = (11, 1_000)
    var isSorted = true
    var (least, greatest) = (UInt64.max, UInt64.min)
    var last: UInt64 = 0
    for entry in entries {
      if entry.key < last { isSorted = false }
      last = entry.key
      least = min(least, last)
      greatest = max(greatest, last)
    }
    if isSorted { return }
    guard entries.count >= minimum else { return entries.sort { ($0.key, $0.place) < ($1.key, $1.place) } }
    var source = entries
    let bits = UInt64.bitWidth - (greatest - least).leadingZeroBitCount
    for shift in stride(from: 0, to: bits, by: digitBits) {
      func digit(_ entry: Entry) -> Int {
        Int(truncatingIfNeeded: (entry.key &- least) >> UInt64(shift)) & (1 << digitBits - 1)
      }
      var targets = [Int](repeating: 0, count: 1 << digitBits)
      for start in stride(from: 0, to: source.count, by: 1 << 16) {
        try call.poll()
        for entry in source[start..<min(start + 1 << 16, source.count)] { targets[digit(entry)] += 1 }
      }
      var total = 0
      for place in targets.indices { (targets[place], total) = (total, total + targets[place]) }
      for start in stride(from: 0, to: source.count, by: 1 << 16) {
        try call.poll()
        for entry in source[start..<min(start + 1 << 16, source.count)] {
          let place = digit(entry)
          entries[targets[place]] = entry
          targets[place] += 1
        }
      }
      swap(&source, &entries)
    }
    swap(&source, &entries)
  }
}

/// A value as the key of a set or dictionary; equal values have equal keys, and NaN equals itself, also within lists and
/// records.
struct HashKey: Hashable {
  let value: Value

  init(_ value: Value) { self.value = value.plain }

  static func == (a: HashKey, b: HashKey) -> Bool {
    var budget = 20_000_000
    return same(a.value, b.value, 0, &budget)
  }

  private static func same(_ a: Value, _ b: Value, _ depth: Int, _ budget: inout Int) -> Bool {
    budget -= 1
    guard budget > 0, depth < Operations.nestingLimit else { return false }
    switch (a, b) {
    case (.float(let x), .float(let y)): return x == y || x.isNaN && y.isNaN
    case (.list(let x), .list(let y)):
      if x === y { return true }
      guard x.items.count == y.items.count else { return false }
      for place in x.items.indices where !same(x.items[place], y.items[place], depth + 1, &budget) { return false }
      return true
    case (.record(let x), .record(let y)):
      if x === y { return true }
      guard x.count == y.count else { return false }
      for (name, value) in x.fields {
        guard let other = y[name], same(value, other, depth + 1, &budget) else { return false }
      }
      return true
    default: return (try? Operations.equal(a, b)) ?? false
    }
  }

  func hash(into hasher: inout Hasher) {
    var budget = 1_000
    HashKey.hash(value, into: &hasher, &budget)
  }

  /// - Parameter budget: elements that still count; equal values spend it alike.
  private static func hash(_ value: Value, into hasher: inout Hasher, _ budget: inout Int) {
    budget -= 1
    guard budget > 0 else { return }
    switch value.plain {
    case .none: hasher.combine(0)
    case .bool(let truth): hasher.combine(truth)
    case .int(let number): hasher.combine(Double(number))
    case .float(let number): hasher.combine(number.isNaN ? 1e300 : number == 0 ? 0.0 : number)
    case .string(let text): text.text.withBytes { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    case .list(let list):
      hasher.combine(list.items.count)
      for item in list.items where budget > 0 { hash(item, into: &hasher, &budget) }
    case .range(let range):
      hasher.combine(range.count)
      for place in 0..<range.count {
        guard budget > 0 else { break }
        hash(.int(range[place]), into: &hasher, &budget)
      }
    case .record(let record):
      hasher.combine(record.count)
      // Fields may stand in any order: each spends the same share, and their hashes are added.
      let share = budget / (record.count + 1)
      var sum = 0
      for (name, field) in record.fields where share > 0 {
        var (own, rest) = (Hasher(), share)
        own.combine(name)
        hash(field, into: &own, &rest)
        sum &+= own.finalize()
      }
      hasher.combine(sum)
      budget = share
    default: hasher.combine(value.typeName)
    }
  }
}
