/// Known names that a misspelt one may stand for, the nearest first: the same letters in another case or with other
/// underscores, then a few letters wrong, missing, swapped or too many.
public func nearestNames(to name: String, in known: some Sequence<String>, limit: Int = 1) -> [String] {
  let plain = simplified(name)
  guard !plain.isEmpty, plain.count <= 64 else { return [] }
  let allowed = plain.count <= 2 ? 0 : plain.count <= 4 ? 1 : plain.count <= 8 ? 2 : 3
  var found: [(distance: Int, name: String)] = []
  var seen: Set<String> = []
  for candidate in known where candidate != name && seen.insert(candidate).inserted {
    let other = simplified(candidate)
    guard abs(other.count - plain.count) <= allowed, !other.isEmpty else { continue }
    let distance = editDistance(plain, other)
    // A name must share something: `sin` is not near `cos`.
    if distance <= allowed, distance < max(1, min(plain.count, other.count)) || distance == 0 {
      found.append((distance, candidate))
    }
  }
  return found.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(limit).map(\.name)
}

/// "did you mean `x`?" with the nearest name, if one is near.
public func nearestNameHint(for name: String, in known: some Sequence<String>) -> String? {
  nearestNames(to: name, in: known).first.map { "did you mean `\($0)`?" }
}

private func simplified(_ name: String) -> [Unicode.Scalar] {
  name.lowercased().unicodeScalars.filter { $0 != "_" }
}

/// Insertions, deletions, substitutions and swaps of neighbours between two words.
package func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
  if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
  var beforeLast = [Int](repeating: 0, count: b.count + 1)
  var last = Array(0...b.count)
  for i in 1...a.count {
    var row = [i]
    for j in 1...b.count {
      let cost = a[i - 1] == b[j - 1] ? 0 : 1
      var best = min(row[j - 1] + 1, last[j] + 1, last[j - 1] + cost)
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, beforeLast[j - 2] + 1) }
      row.append(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.count]
}
