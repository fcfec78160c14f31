/// The candidate closest to a mistyped name, if one is close enough to be meant.
func nearest(_ name: String, among candidates: some Sequence<String>) -> String? {
  let target = Array(name.unicodeScalars.prefix(64))
  guard !target.isEmpty else { return nil }
  let allowed = target.count <= 4 ? 1 : target.count <= 8 ? 2 : 3
  var best: (distance: Int, name: String)?
  for candidate in candidates where candidate != name {
    let letters = Array(candidate.unicodeScalars.prefix(64))
    guard abs(letters.count - target.count) <= allowed else { continue }
    var distance = editDistance(target, letters)
    if distance == 0 || name.lowercased() == candidate.lowercased() { distance = 0 }
    guard distance <= allowed, distance < max(target.count, letters.count) else { continue }
    // A short name is close to nearly everything: a change must leave something of it.
    if target.count <= 2, distance > 0, target.count == 1 || letters.first != target.first { continue }
    if best.map({ (distance, candidate) < ($0.distance, $0.name) }) ?? true { best = (distance, candidate) }
  }
  return best?.name
}
