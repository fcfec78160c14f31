import Base
import Tensors

// What a state dict of somebody else's file is for a network. Around the names that a network gives its weights, such
// files have others: prefixes of what the network was wrapped in, the normalisation that was put before it, a second copy
// inside of an attack. Here they are taken off and put aside, and every step is kept in words, since a user must be able to
// read what was done. Nothing is guessed: each way to read the names is handed to who knows what names are wanted.

/// The tensors of a state dict, by the names that a network may have for them.
struct WeightTable {
  /// A tensor under two names.
  struct Item {
    /// The name for the network: "conv1.weight".
    let name: String
    /// The name in the file: "module.conv1.weight".
    let inFile: String
    let shape: [Int]
    let elementType: String
  }

  /// Two tensors by which images are normalised.
  struct Normaliser {
    /// Their names in the file.
    let mean: String
    let std: String
  }

  /// Where the state dict stands in the file.
  let key: String
  /// What was taken off all names: "module.", "_orig_mod.module.".
  let prefix: String
  /// The tensors that a network may have.
  let items: [Item]
  /// The tensors for normalising, put aside.
  let normalisers: [Normaliser]
  /// What else was put aside, a phrase each: "attacker.* (a second copy of the network)".
  let putAside: [String]

  /// Whether the file says how images are normalised.
  var hasNormaliser: Bool { !normalisers.isEmpty }

  /// The names and shapes.
  var shapes: WeightShapes { WeightShapes(items.map { ($0.name, $0.shape) }) }

  /// Every way to read the names, from those of the file on, with one prefix after the other taken off.
  static func readings(of dict: StateDict) -> [WeightTable] {
    var items = dict.entries.map { Item(name: $0.name, inFile: $0.name, shape: $0.shape, elementType: $0.elementType) }
    let normalisers = takeNormalisers(&items)
    var readings: [WeightTable] = []
    func add(_ start: WeightTable) {
      readings.append(start)
      for _ in 0..<prefixLimit {
        guard let next = readings.last?.withoutFirstComponent else { break }
        readings.append(next)
      }
    }
    add(WeightTable(key: dict.key, prefix: "", items: items, normalisers: normalisers, putAside: []))
    // Wrappers in the middle of names, as where only the features of a network were spread over several GPUs.
    if let plain = usual(of: readings), let unwrapped = unwrap(plain.items) {
      add(
        WeightTable(
          key: dict.key, prefix: plain.prefix, items: unwrapped, normalisers: normalisers,
          putAside: plain.putAside + ["\"module.\" inside of names"]))
    }
    return readings
  }

  /// The reading that an error speaks of: without the prefixes that everybody's tools put before names.
  static func usual(of readings: [WeightTable]) -> WeightTable? {
    readings.last { table in table.prefix.split(separator: ".").allSatisfy { wrappers.contains(String($0)) } }
  }

  private static let wrappers: Set<String> = ["module", "model", "_orig_mod"]
  /// More than this nobody wraps, while a file may have names of any length.
  private static let prefixLimit = 8

  /// The table without the component that all of its names begin with; nil where there is none.
  private var withoutFirstComponent: WeightTable? {
    var (items, putAside) = (items, putAside)
    // The library `robustness` saves the network a second time, inside of its attacker.
    if items.contains(where: { $0.name.hasPrefix("model.") }), items.contains(where: { $0.name.hasPrefix("attacker.") })
    {
      items.removeAll { $0.name.hasPrefix("attacker.") }
      putAside.append("attacker.* (a second copy of the network)")
    }
    guard let first = items.first, let dot = first.name.firstIndex(of: ".") else { return nil }
    let component = first.name[...dot]
    guard items.allSatisfy({ $0.name.hasPrefix(component) && $0.name.count > component.count }) else { return nil }
    let rest = items.map {
      Item(
        name: String($0.name.dropFirst(component.count)), inFile: $0.inFile, shape: $0.shape,
        elementType: $0.elementType)
    }
    return WeightTable(
      key: key, prefix: prefix + component, items: rest, normalisers: normalisers, putAside: putAside)
  }

  // MARK: Normalisation

  /// Names of means with those of the deviations beside them.
  private static let pairs = [("mu", "sigma"), ("mean", "std"), ("new_mean", "new_std")]

  /// Takes out the tensors by which images are normalised: a mean and a deviation under names that only they have, with a
  /// number for each of a few channels.
  private static func takeNormalisers(_ items: inout [Item]) -> [Normaliser] {
    let places = Dictionary(items.enumerated().map { ($0.element.name, $0.offset) }) { first, _ in first }
    var found: [Normaliser] = []
    var taken: Set<Int> = []
    for (index, item) in items.enumerated() {
      let (parent, last) = split(item.name)
      guard let (_, deviation) = pairs.first(where: { $0.0 == last }), let other = places[parent + deviation],
        item.isForChannels, items[other].isForChannels
      else { continue }
      found.append(Normaliser(mean: item.name, std: items[other].name))
      taken.formUnion([index, other])
    }
    items = items.enumerated().filter { !taken.contains($0.offset) }.map(\.element)
    return found
  }

  private static func split(_ name: String) -> (parent: String, last: String) {
    guard let dot = name.lastIndex(of: ".") else { return ("", name) }
    return (String(name[...dot]), String(name[name.index(after: dot)...]))
  }

  // MARK: Wrappers in the middle

  /// The items without "module" and "_orig_mod" in the middle of names; nil where there are none, or where a part of the
  /// names beside them lacks it.
  private static func unwrap(_ items: [Item]) -> [Item]? {
    guard items.contains(where: { $0.name.contains(".module.") || $0.name.contains("._orig_mod.") }) else { return nil }
    var names = items.map { $0.name.split(separator: ".", omittingEmptySubsequences: false).map(String.init) }
    guard names.allSatisfy({ $0.count <= 32 }) else { return nil }
    var depth = 1
    while names.contains(where: { $0.count > depth + 1 }) {
      var children: [[String]: Set<String>] = [:]
      for name in names where name.count > depth { children[Array(name[..<depth]), default: []].insert(name[depth]) }
      let wrapped = children.filter { $0.value == ["module"] || $0.value == ["_orig_mod"] }
      if wrapped.isEmpty {
        depth += 1
        continue
      }
      for (index, name) in names.enumerated()
      where name.count > depth + 1 && wrapped[Array(name[..<depth])] != nil { names[index].remove(at: depth) }
      // What stays wrapped is a weight of that name.
      if !names.contains(where: { $0.count > depth + 1 && wrapped[Array($0[..<depth])] != nil }) { depth += 1 }
    }
    return zip(items, names).map {
      Item(name: $1.joined(separator: "."), inFile: $0.inFile, shape: $0.shape, elementType: $0.elementType)
    }
  }
}

extension WeightTable.Item {
  /// Whether it can be a number for each channel of an image: one axis, of at most 4, has more than one.
  fileprivate var isForChannels: Bool {
    shape.count <= 4 && shape.filter { $0 != 1 }.count <= 1 && shape.allSatisfy { (1...4).contains($0) }
  }
}
