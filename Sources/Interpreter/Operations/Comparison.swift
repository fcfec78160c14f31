import CSearch
import Platform

extension Operations {
  /// The nesting at which comparing, hashing and printing stop rather than overflow the stack.
  static let nestingLimit = 500

  /// `left op right`, a bool except for host objects that compare element by element.
  static func compare(
    _ op: ComparisonOperator, _ left: Value, _ right: Value, _ session: Session?
  ) throws(LTDError) -> Value {
    if left.isFollowed || right.isFollowed { return try compare(op, left.plain, right.plain, session) }
    switch op {
    case .in: return .bool(try contains(right, left, session))
    case .notIn: return .bool(try !contains(right, left, session))
    default: break
    }
    if case .object(let object) = left, let result = try fromHost({ try object.compare(op, right, reversed: false) }) {
      return result
    }
    if case .object(let object) = right, let result = try fromHost({ try object.compare(op, left, reversed: true) }) {
      return result
    }
    switch op {
    case .equal: return .bool(try equal(left, right, session))
    case .notEqual: return .bool(try !equal(left, right, session))
    default:
      guard let ordering = try order(left, right, session) else { return .bool(false) }
      switch op {
      case .less: return .bool(ordering < 0)
      case .lessEqual: return .bool(ordering <= 0)
      case .greater: return .bool(ordering > 0)
      default: return .bool(ordering >= 0)
      }
    }
  }

  /// Equality: numbers by value, whatever their kind; lists and records by their elements; values of other different
  /// kinds are never equal.
  static func equal(_ left: Value, _ right: Value, _ session: Session? = nil) throws(LTDError) -> Bool {
    switch (left, right) {
    case (.int(let a), .int(let b)): return a == b
    case (.float(let a), .float(let b)): return a == b
    case (.string(let a), .string(let b)): return sameText(a, b)
    default: break
    }
    var budget = ComparisonBudget(session)
    return try equal(left, right, 0, &budget)
  }

  private static func equal(
    _ left: Value, _ right: Value, _ depth: Int, _ budget: inout ComparisonBudget
  ) throws(LTDError) -> Bool {
    switch (left, right) {
    case (.none, .none): return true
    case (.bool(let a), .bool(let b)): return a == b
    case (.int(let a), .int(let b)): return a == b
    case (.float(let a), .float(let b)): return a == b
    case (.int(let a), .float(let b)), (.float(let b), .int(let a)): return order(a, b) == 0
    case (.string(let a), .string(let b)): return sameText(a, b)
    case (.list(let a), .list(let b)):
      if a === b { return true }
      if a.items.count != b.items.count { return false }
      try checkNesting(depth)
      if depth > 0 { try budget.spend(a.items.count) }
      for place in a.items.indices {
        try budget.poll(at: place)
        if case .int(let x) = a.items[place], case .int(let y) = b.items[place] {
          if x != y { return false }
        } else if case .float(let x) = a.items[place], case .float(let y) = b.items[place] {
          if x != y { return false }
        } else if try !equal(a.items[place], b.items[place], depth + 1, &budget) {
          return false
        }
      }
      return true
    case (.record(let a), .record(let b)):
      if a === b { return true }
      if a.count != b.count { return false }
      try checkNesting(depth)
      try budget.spend(a.count)
      for (name, value) in a.fields {
        guard let other = b[name], try equal(value, other, depth + 1, &budget) else { return false }
      }
      return true
    case (.range(let a), .range(let b)):
      return a.count == b.count && (a.count == 0 || (a.start == b.start && (a.count == 1 || a.step == b.step)))
    case (.range(let range), .list(let list)), (.list(let list), .range(let range)):
      if list.items.count != range.count { return false }
      for place in list.items.indices {
        try budget.poll(at: place)
        if try !equal(list.items[place], .int(range[place]), depth, &budget) { return false }
      }
      return true
    case (.function(let a), .function(let b)): return a.isSame(as: b)
    case (.error(let a), .error(let b)): return a === b
    case (.module(let a), .module(let b)): return a === b
    case (.object(let object), let other), (let other, .object(let object)):
      if left.isFollowed || right.isFollowed { return try equal(left.plain, right.plain, depth, &budget) }
      return try fromHost { try object.isEqual(to: other) }
    default: return false
    }
  }

  /// Negative, zero or positive; `nil` when a NaN is among them. Numbers, strings, bools, and lists of these.
  static func order(_ left: Value, _ right: Value, _ session: Session? = nil) throws(LTDError) -> Int? {
    var budget = ComparisonBudget(session)
    return try order(left, right, 0, &budget)
  }

  private static func order(
    _ left: Value, _ right: Value, _ depth: Int, _ budget: inout ComparisonBudget
  ) throws(LTDError) -> Int? {
    switch (left, right) {
    case (.int(let a), .int(let b)): return a < b ? -1 : a == b ? 0 : 1
    case (.float(let a), .float(let b)): return a < b ? -1 : a == b ? 0 : a > b ? 1 : nil
    case (.int(let a), .float(let b)): return order(a, b)
    case (.float(let a), .int(let b)): return order(b, a).map { -$0 }
    case (.string(let a), .string(let b)): return textOrder(a.text, b.text)
    case (.list(let a), .list(let b)):
      try checkNesting(depth)
      for place in 0..<min(a.items.count, b.items.count) {
        try budget.spend(1)
        try budget.poll(at: place)
        if try equal(a.items[place], b.items[place], depth + 1, &budget) { continue }
        return try order(a.items[place], b.items[place], depth + 1, &budget)
      }
      return a.items.count < b.items.count ? -1 : a.items.count == b.items.count ? 0 : 1
    case (.object(let object), _) where object.isNumber:
      if let number = try fromHost({ try object.number() }) { return try order(number, right, depth + 1, &budget) }
      fallthrough
    case (_, .object(let object)) where object.isNumber:
      if let number = try fromHost({ try object.number() }) { return try order(left, number, depth + 1, &budget) }
      fallthrough
    default:
      throw LTDError(
        .type, "\(left.kindText) and \(right.kindText) have no order",
        hint: (left.isNumber || right.isNumber) && (left.asString != nil || right.asString != nil)
          ? "make a number of the string with float(x) or int(x)" : nil)
    }
  }

  /// Exact, also where a float cannot hold the int.
  private static func order(_ a: Int, _ b: Double) -> Int? {
    if b.isNaN { return nil }
    if b >= 0x1p63 { return -1 }
    if b < -0x1p63 { return 1 }
    let whole = Int(b.rounded(.towardZero))
    if a != whole { return a < whole ? -1 : 1 }
    let rest = b - b.rounded(.towardZero)
    return rest > 0 ? -1 : rest < 0 ? 1 : 0
  }

  /// The same code points.
  @inline(__always)
  static func sameText(_ a: StringValue, _ b: StringValue) -> Bool { a === b || sameText(a.text, b.text) }

  static func sameText(_ a: String, _ b: String) -> Bool {
    a.utf8.count == b.utf8.count && has(a, in: b, at: 0)
  }

  /// `nil` where that may take long.
  static func compare(_ op: ComparisonOperator, _ a: String, _ b: String) -> Bool? {
    switch op {
    case .less: textOrder(a, b) < 0
    case .lessEqual: textOrder(a, b) <= 0
    case .greater: textOrder(a, b) > 0
    case .greaterEqual: textOrder(a, b) >= 0
    case .equal: sameText(a, b)
    case .notEqual: !sameText(a, b)
    case .in: b.utf8.count <= searchedUnasked ? findAtOnce(a, in: b) != nil : nil
    case .notIn: b.utf8.count <= searchedUnasked ? findAtOnce(a, in: b) == nil : nil
    }
  }

  /// By code points.
  static func textOrder(_ a: String, _ b: String) -> Int {
    a.withBytes { x in b.withBytes { y in bytesOrder(x, y) } }
  }

  /// Negative, zero or positive; a string comes before those that it begins.
  @inline(__always)
  static func bytesOrder(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
    let common = min(a.count, b.count)
    if common > 0, let x = a.baseAddress, let y = b.baseAddress {
      let order = memcmp(x, y, common)
      if order != 0 { return Int(order) }
    }
    return a.count - b.count
  }

  static func checkNesting(_ depth: Int) throws(LTDError) {
    if depth > nestingLimit {
      throw LTDError(.value, "lists or records nested more than \(nestingLimit) deep cannot be compared")
    }
  }

  /// `value in container`
  static func contains(_ container: Value, _ value: Value, _ session: Session?) throws(LTDError) -> Bool {
    let value = value.plain
    switch container.plain {
    case .list(let list):
      guard let session else {
        for item in list.items where try equal(item, value) { return true }
        return false
      }
      var place = 0
      while let piece = try session.piece(of: list.items, &place) {
        for item in piece where try equal(item, value, session) { return true }
      }
      return false
    case .range(let range):
      switch value {
      case .int(let number): return range.contains(number)
      case .float(let number):
        return number == number.rounded() && abs(number) < 0x1p62 && range.contains(Int(number))
      default: return false
      }
    case .string(let text):
      guard case .string(let part) = value else {
        throw LTDError(.type, "in looks for a string within a string, not for \(value.kindText)")
      }
      return try find(part.text, in: text.text, session) != nil
    case .record(let record):
      guard case .string(let name) = value else {
        throw LTDError(
          .type, "in looks for the name of a field in a record, not for \(value.kindText)",
          hint: "values(r) are the values")
      }
      return record[name.text] != nil
    case .object(let object):
      if let result = try fromHost({ try object.contains(value) }) { return result }
    case .module(let module):
      if case .string(let name) = value { return module.globals[name.text] != nil }
    default: break
    }
    throw LTDError(
      .type, "in does not work on \(container.kindText)", hint: "lists, ranges, strings and records hold values")
  }

  /// Byte offset of the first occurrence.
  static func find(_ part: String, in text: String, _ session: Session?) throws(LTDError) -> Int? {
    if text.utf8.count <= searchedUnasked { return findAtOnce(part, in: text) }
    var place: Int?
    try occurrences(of: part, in: text, limit: 1, session) { place = $1 }
    return place
  }

  private static func findAtOnce(_ part: String, in text: String) -> Int? {
    part.withBytes { part in text.withBytes { find(part, in: $0, from: 0) } }
  }

  /// Strings of up to this many bytes are searched without asking the limits of the run.
  private static let searchedUnasked = 1 << 15
  /// Bytes that are searched before the limits of the run are asked again.
  private static let searchedAtOnce = 1 << 24
  /// Occurrences that are found before the limits of the run are asked again.
  private static let foundAtOnce = 4096

  /// Calls `found` with the bytes of the string and the offset of each occurrence that does not overlap the one before.
  @inline(__always)
  static func occurrences(
    of part: String, in text: String, limit: Int = .max, _ session: Session?,
    _ found: (UnsafeBufferPointer<UInt8>, Int) -> Void
  ) throws(LTDError) {
    let (size, length) = (text.utf8.count, part.utf8.count)
    var (start, count) = (0, 0)
    while count < limit {
      let end = min(size, start + max(searchedAtOnce, length) + length)
      var isThrough = true
      part.withBytes { part in
        text.withBytes { bytes in
          let portion = UnsafeBufferPointer(rebasing: bytes[..<end])
          let pause = count + min(limit - count, foundAtOnce)
          while count < pause {
            guard let place = find(part, in: portion, from: start) else {
              start = max(start, end - length + 1)
              isThrough = end == size
              return
            }
            found(bytes, place)
            count += 1
            start = place + length
          }
          isThrough = false
        }
      }
      // Not only between portions: a loop over many long strings takes time too.
      if size > searchedUnasked { try session?.poll() }
      if isThrough { return }
    }
  }

  private static func find(
    _ part: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int? {
    guard let first = text.baseAddress, let wanted = part.baseAddress, part.count > 0 else {
      return part.count == 0 && start <= text.count ? start : nil
    }
    var place = start
    // In a long string repeated beginnings of the part would take time by the square.
    if part.count > 1, text.count - start > 256 {
      guard let found = memmem(first + start, text.count - start, wanted, part.count) else { return nil }
      return UnsafeRawPointer(found) - UnsafeRawPointer(first)
    }
    while place <= text.count - part.count {
      guard let found = memchr(first + place, Int32(wanted[0]), text.count - part.count - place + 1) else { return nil }
      place = UnsafeRawPointer(found) - UnsafeRawPointer(first)
      if memcmp(first + place, wanted, part.count) == 0 { return place }
      place += 1
    }
    return nil
  }

  /// Whether the bytes of a string, from an offset on, are those of another.
  static func has(_ part: String, in text: String, at start: Int) -> Bool {
    part.withBytes { needle in
      text.withBytes { hay in
        guard start >= 0, start <= hay.count, needle.count <= hay.count - start else { return false }
        guard let first = hay.baseAddress, let wanted = needle.baseAddress else { return needle.count == 0 }
        return memcmp(first + start, wanted, needle.count) == 0
      }
    }
  }
}

/// What one comparison may take.
private struct ComparisonBudget {
  /// Elements of lists within lists that it looks at, at most: a list that holds another many times over has no end in
  /// sight.
  private var elements = 20_000_000
  // Whoever compares holds it.
  private unowned(unsafe) let session: Session?

  init(_ session: Session?) { self.session = session }

  mutating func spend(_ count: Int) throws(LTDError) {
    elements -= count
    if elements < 0 { throw LTDError(.memory, "the values have too many elements to be compared") }
  }

  @inline(__always)
  func poll(at place: Int) throws(LTDError) { try session?.poll(at: place) }
}

extension String {
  /// The UTF-8 of the text, without a copy.
  @inline(__always)
  func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    if let result = utf8.withContiguousStorageIfAvailable(body) { return result }
    var copy = self
    return copy.withUTF8(body)
  }
}
