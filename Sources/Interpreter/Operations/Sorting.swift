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
    switch keys.first {
    case .int:
      var numbers: [Int] = []
      numbers.reserveCapacity(keys.count)
      for key in keys {
        guard case .int(let number) = key else { return nil }
        numbers.append(number)
      }
      return order(numbers, descending) { $0 < $1 }
    case .float:
      var numbers: [Double] = []
      numbers.reserveCapacity(keys.count)
      for key in keys {
        guard case .float(let number) = key, !number.isNaN else { return nil }
        numbers.append(number)
      }
      return order(numbers, descending) { $0 < $1 }
    case .string:
      return textOrder(keys, descending)
    default: return nil
    }
  }

  /// Texts by their bytes, which are laid side by side; most pairs differ within the first eight.
  private static func textOrder(_ keys: [Value], _ descending: Bool) -> [Int]? {
    var bytes: [UInt8] = []
    var texts: [(head: UInt64, start: Int, count: Int)] = []
    texts.reserveCapacity(keys.count)
    for key in keys {
      guard case .string(let text) = key else { return nil }
      let start = bytes.count
      bytes.append(contentsOf: text.text.utf8)
      var head: UInt64 = 0
      for place in 0..<8 { head = head << 8 | (start + place < bytes.count ? UInt64(bytes[start + place]) : 0) }
      texts.append((head, start, bytes.count - start))
    }
    return bytes.withUnsafeBufferPointer { bytes in
      order(texts, descending) { a, b in
        if a.head != b.head { return a.head < b.head }
        return Operations.bytesOrder(
          UnsafeBufferPointer(rebasing: bytes[a.start..<a.start + a.count]),
          UnsafeBufferPointer(rebasing: bytes[b.start..<b.start + b.count])) < 0
      }
    }
  }

  @inline(__always)
  private static func order<T>(_ keys: [T], _ descending: Bool, _ precedes: (T, T) -> Bool) -> [Int] {
    var pairs = keys.enumerated().map { (key: $1, place: $0) }
    if descending {
      pairs.sort { precedes($1.key, $0.key) }
    } else {
      pairs.sort { precedes($0.key, $1.key) }
    }
    return pairs.map(\.place)
  }
}

/// A value as the key of a set or dictionary; equal values have equal keys, and NaN equals itself.
struct HashKey: Hashable {
  let value: Value

  init(_ value: Value) { self.value = value }

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
    switch value {
    case .none: hasher.combine(0)
    case .bool(let truth): hasher.combine(truth)
    case .int(let number): hasher.combine(Double(number))
    case .float(let number): hasher.combine(number.isNaN ? 1e300 : number == 0 ? 0.0 : number)
    case .string(let text): hasher.combine(Array(text.text.utf8))
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
