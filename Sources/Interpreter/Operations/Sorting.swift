/// Stable sorting of values, with short ways for lists of one plain kind.
enum Sorting {
  static func sorted(_ items: [Value], by keys: [Value], descending: Bool, _ call: Call) throws(LTDError) -> [Value] {
    if let order = plainOrder(keys, descending) { return order.map { items[$0] } }
    // Merge sort: comparing can throw, which the standard library's sort cannot take.
    var order = Array(keys.indices)
    var buffer = order
    var width = 1
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
            takesLeft = try precedes(keys[order[left]], keys[order[right]], descending, call)
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
    return order.map { items[$0] }
  }

  private static func precedes(
    _ left: Value, _ right: Value, _ descending: Bool, _ call: Call
  ) throws(LTDError) -> Bool {
    let order = try call.at("xs") { () throws(LTDError) in try Operations.order(left, right) }
    guard let order else {
      throw call.error(.value, "nan has no place in an order", hint: "filter it out first", at: "xs")
    }
    return descending ? order >= 0 : order <= 0
  }

  /// Numbers without NaN, or texts: compared without going through values.
  private static func plainOrder(_ keys: [Value], _ descending: Bool) -> [Int]? {
    var entries: [Entry] = []
    entries.reserveCapacity(keys.count)
    // Descending order is the ascending one of the complements: equal keys keep their order either way.
    let flip: UInt64 = descending ? .max : 0
    switch keys.first {
    case .int:
      for key in keys {
        guard case .int(let number) = key else { return nil }
        entries.append(Entry(key: (UInt64(bitPattern: Int64(number)) ^ 1 << 63) ^ flip, place: entries.count))
      }
    case .float:
      for key in keys {
        guard case .float(let number) = key, !number.isNaN else { return nil }
        // The bits of floats are in order once those of negative ones are turned round; -0.0 is 0.0.
        let bits = (number + 0.0).bitPattern
        entries.append(Entry(key: (bits >> 63 == 0 ? bits | 1 << 63 : ~bits) ^ flip, place: entries.count))
      }
    case .string:
      return textOrder(keys, descending)
    case .list(let first):
      return columnOrder(keys, first.items.count, descending)
    default: return nil
    }
    sort(&entries)
    return entries.map(\.place)
  }

  /// Lists of the same few plain elements: by the last element first, each time keeping the order of equal ones.
  private static func columnOrder(_ keys: [Value], _ count: Int, _ descending: Bool) -> [Int]? {
    guard (1...4).contains(count) else { return nil }
    var columns = [[Value]](repeating: [], count: count)
    for key in keys {
      guard case .list(let list) = key, list.items.count == count else { return nil }
      for (place, item) in list.items.enumerated() {
        if case .list = item { return nil }
        columns[place].append(item)
      }
    }
    var order = Array(keys.indices)
    for column in columns.reversed() {
      guard let next = plainOrder(order.map { column[$0] }, descending) else { return nil }
      order = next.map { order[$0] }
    }
    return order
  }

  private struct Entry {
    var key: UInt64
    var place: Int
  }

  /// Texts by their first eight bytes, and those that begin alike by all of them, which are laid side by side.
  private static func textOrder(_ keys: [Value], _ descending: Bool) -> [Int]? {
    var bytes: [UInt8] = []
    var starts: [Int] = [0]
    var entries: [Entry] = []
    starts.reserveCapacity(keys.count + 1)
    entries.reserveCapacity(keys.count)
    for key in keys {
      guard case .string(let text) = key else { return nil }
      var head: UInt64 = 0
      text.text.withBytes { text in
        bytes.append(contentsOf: text)
        for place in 0..<8 { head = head << 8 | (place < text.count ? UInt64(text[place]) : 0) }
      }
      starts.append(bytes.count)
      entries.append(Entry(key: descending ? ~head : head, place: entries.count))
    }
    sort(&entries)
    bytes.withUnsafeBufferPointer { bytes in
      func text(_ place: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: bytes[starts[place]..<starts[place + 1]])
      }
      var start = 0
      while start < entries.count {
        var end = start + 1
        while end < entries.count, entries[end].key == entries[start].key { end += 1 }
        if end - start > 1 {
          entries[start..<end].sort { a, b in
            let order = Operations.bytesOrder(text(a.place), text(b.place))
            return order == 0 ? a.place < b.place : descending ? order > 0 : order < 0
          }
        }
        start = end
      }
    }
    return entries.map(\.place)
  }

  /// Ascending by key; equal keys keep their order. Many entries are dealt out by eleven bits of their keys at a time,
  /// from the lowest up, which takes a fixed number of rounds instead of comparisons.
  private static func sort(_ entries: inout [Entry]) {
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
      for entry in source { targets[digit(entry)] += 1 }
      var total = 0
      for place in targets.indices { (targets[place], total) = (total, total + targets[place]) }
      for entry in source {
        let place = digit(entry)
        entries[targets[place]] = entry
        targets[place] += 1
      }
      swap(&source, &entries)
    }
    swap(&source, &entries)
  }
}

/// A value as the key of a set or dictionary; equal values have equal keys, and NaN equals itself.
struct HashKey: Hashable {
  let value: Value

  init(_ value: Value) { self.value = value.plain }

  static func == (a: HashKey, b: HashKey) -> Bool {
    if case .float(let x) = a.value, case .float(let y) = b.value, x.isNaN, y.isNaN { return true }
    return (try? Operations.equal(a.value, b.value)) ?? false
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
    case .record(let record): hasher.combine(record.count)
    default: hasher.combine(value.typeName)
    }
  }
}
