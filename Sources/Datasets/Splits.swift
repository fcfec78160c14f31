import Base
import Tensors

// Splits by seed, by class, and other names for classes. As in every selection pixels are shared and ids stay, so that
// what is drawn for an example is the same in every part.

extension Dataset {
  /// Disjoint random parts.
  ///
  /// - Parameters:
  ///   - sizes: images of each part; together not more than there are.
  ///   - isStratified: whether each part has of every class its share of what the parts before it leave, to within
  ///     one image.
  /// - Throws: `value` for sizes that do not fit.
  public func parts(_ sizes: [Int], seed: UInt64, isStratified: Bool = false) throws(CoreError) -> [Dataset] {
    var total = 0
    for size in sizes {
      let (sum, overflow) = total.addingReportingOverflow(size)
      guard size >= 0, !overflow, sum <= count else {
        throw CoreError(
          .value, "parts of \(sizes) images cannot be taken from \(count)",
          hint: "sizes must be at least 0 and together at most \(count)", argument: "parts")
      }
      total = sum
    }
    var order = RandomStream(seed: seed, purpose: "dataset.split").permutation(count)
    guard isStratified else {
      var start = 0
      return sizes.map { size in
        defer { start += size }
        return choosing(Array(order[start..<start + size]))
      }
    }
    var parts: [Dataset] = []
    for size in sizes {
      try StopSignal.poll()
      let chosen = balanced(order, size)
      parts.append(choosing(chosen))
      let taken = Set(chosen)
      order.removeAll(where: taken.contains)
    }
    return parts
  }

  /// Random examples of which every class has its share, to within one: the counts are rounded by largest remainders,
  /// ties to the smaller class.
  ///
  /// - Throws: `value` for a number below 0 or above that of the images.
  public func stratified(_ wanted: Int, seed: UInt64) throws(CoreError) -> Dataset {
    guard wanted >= 0, wanted <= count else {
      throw CoreError(
        .value, "n must be from 0 to \(count), the number of images, not \(wanted)",
        hint: "n=\(min(count, 100)) takes that many", argument: "n")
    }
    return choosing(balanced(RandomStream(seed: seed, purpose: "dataset.split").permutation(count), wanted))
  }

  /// As many of these positions, of each class its share, in their order.
  private func balanced(_ order: [Int], _ wanted: Int) -> [Int] {
    guard !order.isEmpty else { return [] }
    var counts = [Int](repeating: 0, count: classCount)
    for position in order { counts[labels[position]] += 1 }
    // n · count / total, exactly.
    var quotas = counts.map { $0.multipliedFullWidth(by: wanted) }.map { order.count.dividingFullWidth($0) }
    let left = wanted - quotas.reduce(0) { $0 + $1.quotient }
    let byRemainder = quotas.indices.sorted {
      (quotas[$1].remainder, $0) < (quotas[$0].remainder, $1)
    }
    for label in byRemainder.prefix(left) { quotas[label].quotient += 1 }
    var open = quotas.map(\.quotient)
    return order.filter { position in
      guard open[labels[position]] > 0 else { return false }
      open[labels[position]] -= 1
      return true
    }
  }

  /// The examples of some classes, which are then 0, 1, … in the order given.
  ///
  /// Where labels are soft or the posterior is known, examples that give a share to another class are left out: what
  /// would be left to them is no distribution.
  ///
  /// - Parameter classes: different ones.
  /// - Throws: `value` for a class that there is not, or that is given twice, and where no example is left.
  public func only(_ classes: [Int]) throws(CoreError) -> Dataset {
    for (i, label) in classes.enumerated() {
      guard classNames.indices.contains(label) else { throw noClass("\(label)") }
      guard !classes[..<i].contains(label) else {
        throw CoreError(.value, "class \(label) is given twice", hint: "name each class once", argument: "classes")
      }
    }
    guard !classes.isEmpty else {
      throw CoreError(
        .value, "classes must name at least one class", hint: "only(data, [0, 1])", argument: "classes")
    }
    var map = [Int?](repeating: nil, count: classCount)
    for (new, old) in classes.enumerated() { map[old] = new }
    return try relabelled(map, classNames: classes.map { classNames[$0] }, argument: "classes")
  }

  /// The examples with other classes.
  ///
  /// - Parameters:
  ///   - map: the new class of each old one; nil leaves its examples out. Shares of soft labels and posteriors add up.
  ///   - classNames: those of the new classes.
  /// - Throws: `value` where the map does not fit the classes, and where no example is left.
  public func relabelled(with map: [Int?], classNames names: [String]) throws(CoreError) -> Dataset {
    guard map.count == classCount, map.allSatisfy({ $0.map(names.indices.contains) ?? true }) else {
      throw CoreError(
        .value,
        "a map of \(classCount) classes to \(names.count) needs \(classCount) of the classes 0 to \(names.count - 1)",
        hint: "give the new class of each of the \(classCount) old ones", argument: "map")
    }
    return try relabelled(map, classNames: names, argument: "map")
  }

  private func relabelled(
    _ map: [Int?], classNames names: [String], argument: String
  ) throws(CoreError) -> Dataset {
    func staysWhole(_ values: [Float]?, _ position: Int) -> Bool {
      guard let values else { return true }
      return map.indices.allSatisfy { map[$0] != nil || values[position * classCount + $0] == 0 }
    }
    let kept = labels.indices.filter {
      map[labels[$0]] != nil && staysWhole(posteriorValues, $0) && staysWhole(targetValues, $0)
    }
    guard !kept.isEmpty || isEmpty else {
      if labels.contains(where: { map[$0] != nil }) {
        throw CoreError(
          .value, "every example of these classes in '\(name)' gives a share to a class that is left out",
          hint: "keep all classes that share examples, or make its labels classes: dataset(d.images, d.labels)",
          argument: argument)
      }
      throw CoreError(
        .value, "'\(name)' has no example of these classes", hint: "data.class_counts tells which classes have some",
        argument: argument)
    }
    func rows(_ values: [Float]?) -> [Float]? {
      guard let values else { return nil }
      var rows = [Float](repeating: 0, count: kept.count * names.count)
      for (i, position) in kept.enumerated() {
        for (old, new) in map.enumerated() {
          if let new { rows[i * names.count + new] += values[position * classCount + old] }
        }
      }
      return rows
    }
    let targets = rows(targetValues)
    return Dataset(
      name: name, classNames: names,
      labels: targets.map { Self.mostProbable($0, classes: names.count) } ?? kept.compactMap { map[labels[$0]] },
      ids: kept.map { ids[$0] }, source: source, positions: kept.map { positions[$0] },
      posteriorValues: rows(posteriorValues), targetValues: targets)
  }

  /// The class of this name.
  ///
  /// - Throws: `value` where there is none.
  public func classNamed(_ name: String) throws(CoreError) -> Int {
    guard let label = classNames.firstIndex(of: name) else { throw noClass("\"\(name)\"") }
    return label
  }

  private func noClass(_ which: String) -> CoreError {
    let names = classNames.prefix(10).map { "\"\($0)\"" }.joined(separator: ", ")
    return CoreError(
      .value, "'\(name)' has no class \(which)",
      hint: "classes are 0 to \(classCount - 1), or \(names)\(classCount > 10 ? ", …" : "")", argument: "classes")
  }
}
