import Base
import Tensors

/// Finds the weights of a network in a file, and the network of the weights where nobody says it.
///
/// A file may hold several state dicts, and the names of each may be read in several ways (`WeightTable`). A reading is
/// right where a network fits it exactly. So the state dict of an optimiser, a few tensors beside the weights, or weights
/// with a prefix too many are ruled out by what they are and not by what they are called. Only where several state dicts
/// fit do their keys decide, and only if one of them is what everybody calls the weights; else the caller has to say.
struct NetworkSearch {
  /// A state dict with the network that it belongs to.
  struct Found {
    var table: WeightTable
    var guess: Guess
    /// The keys of other state dicts that would do.
    var alternatives: [String]
  }

  let file: any WeightFile
  let request: LoadRequest
  /// The state dicts to look at, in the order of the file.
  private let dicts: [StateDict]

  /// - Throws: `value` where the file has nothing under the key that is asked for; `io` where it holds no state dict.
  init(_ file: any WeightFile, _ request: LoadRequest) throws(CoreError) {
    self.file = file
    self.request = request
    let all = file.stateDicts.filter { $0.form == .dictionary && !$0.entries.isEmpty }
    if let key = request.key {
      let chosen = all.filter { $0.key == key }
      dicts = chosen.isEmpty ? all.filter { $0.key.hasPrefix(key + ".") } : chosen
      guard !dicts.isEmpty else {
        let keys = all.map(\.key).filter { !$0.isEmpty }
        throw CoreError(
          .value, "'\(file.path)' has no state dict under \"\(key)\"",
          hint: keys.isEmpty
            ? (all.isEmpty ? nil : "its weights stand at the top: leave key out")
            : "it has " + listedKeys(keys), argument: "key")
      }
    } else {
      dicts = all
    }
    guard !dicts.isEmpty else { throw Self.withoutDictionary(file) }
  }

  private static func withoutDictionary(_ file: any WeightFile) -> CoreError {
    guard let table = file.stateDicts.first(where: { !$0.entries.isEmpty }) else {
      return .file(
        file.path, "holds no tensors", hint: "save the weights with torch.save(model.state_dict(), \"weights.pt\")")
    }
    let place = table.key.isEmpty ? "" : " under \"\(table.key)\""
    let what = table.form == .list ? "a list of \(table.entries.count) tensors" : table.form.rawValue
    return .file(
      file.path, "holds \(what)\(place), not a state dict: a dictionary from names to tensors",
      hint: "load_tensors(path) reads it as it is")
  }

  // MARK: Searching

  /// The weights and their network.
  ///
  /// - Throws: `shape` where no network fits, `value` where several do.
  func find() throws(CoreError) -> Found {
    switch request.network {
    case .open(let family): return try recognise(family)
    case .architecture(let architecture): return try find(architecture)
    case .layers(let layer): return try find(layer)
    }
  }

  /// The weights of a network.
  ///
  /// - Throws: `shape` where none fit: with the names that do not.
  func find(_ architecture: Architecture) throws(CoreError) -> Found {
    let blueprint = try Blueprint(architecture)
    let guess = Guess(architecture)
    let found = dicts.compactMap { dict -> Found? in
      let readings = WeightTable.readings(of: dict)
      return readings.first { Fit($0.shapes, blueprint, architecture).isExact }.map {
        Found(table: $0, guess: guess, alternatives: [])
      }
    }
    if let one = try chooseOne(found) { return one }
    throw misfit(architecture, blueprint)
  }

  private func recognise(_ family: String?) throws(CoreError) -> Found {
    var found: [(table: WeightTable, guesses: [Guess])] = []
    for dict in dicts {
      try StopSignal.poll()
      for table in WeightTable.readings(of: dict) {
        let guesses = Families.recognise(table.shapes, family: family)
        if guesses.isEmpty { continue }
        found.append((table, guesses))
        break
      }
    }
    let plain = found.compactMap { entry in
      entry.guesses.first.map { Found(table: entry.table, guess: $0, alternatives: []) }
    }
    guard let one = try chooseOne(plain) else { throw unrecognised(family) }
    let guesses = found.first { $0.table.key == one.table.key }?.guesses ?? []
    guard guesses.count == 1 else { throw ambiguous(guesses) }
    return one
  }

  private func find(_ layer: Layer) throws(CoreError) -> Found {
    var found: [Found] = []
    for dict in dicts {
      try StopSignal.poll()
      for table in WeightTable.readings(of: dict) {
        guard let guess = Guess(layer, table) else { continue }
        found.append(Found(table: table, guess: guess, alternatives: []))
        break
      }
    }
    if let one = try chooseOne(found) { return one }
    throw CoreError(
      .shape, "the weights in '\(file.path)' do not fit these layers, for no size of images",
      hint: "architecture=network(layers, input=[3, 32, 32]) says the images, and the error then lists the names",
      argument: "architecture")
  }

  // MARK: Choosing

  /// What everybody calls the weights of a file.
  private static let usualKeys: Set<String> = ["", "state_dict", "model_state_dict", "model", "net", "network"]

  private func chooseOne(_ found: [Found]) throws(CoreError) -> Found? {
    guard found.count > 1 else { return found.first }
    let usual = found.filter { Self.usualKeys.contains($0.table.key) }
    guard usual.count == 1, var one = usual.first else {
      throw CoreError(
        .value,
        "'\(file.path)' holds several networks: \(listedKeys(found.map(\.table.key)))",
        hint: "say which: key=\"\(found[0].table.key)\"", argument: request.key == nil ? "path" : "key")
    }
    one.alternatives = found.map(\.table.key).filter { $0 != one.table.key }
    return one
  }

  // MARK: Errors

  private func ambiguous(_ guesses: [Guess]) -> CoreError {
    let calls = guesses.map { $0.architecture.call }
    return CoreError(
      .value,
      "the weights in '\(file.path)' fit \(guesses.count) networks that compute different things, and do not say which they are of: "
        + calls.joined(separator: ", or "),
      hint: "say which: architecture=\(calls[0]); ?\(guesses[0].architecture.name) explains them", argument: "path")
  }

  /// An error for weights that fit no network that is known.
  private func unrecognised(_ family: String?) -> CoreError {
    guard let dict = mostLikely({ _ in 0 }), let table = WeightTable.usual(of: WeightTable.readings(of: dict)) else {
      return Self.withoutDictionary(file)
    }
    let what =
      family.map { "the weights in '\(file.path)' are not those of any \($0)" }
      ?? "no network is recognised in '\(file.path)'"
    let place = dict.key.isEmpty ? "" : " under \"\(dict.key)\""
    var message = "\(what): it has \(table.items.count) tensors\(place), \(table.outline)"
    if table.isNumbered { message += "; strides, paddings and activations are not in weights" }
    return CoreError(
      .shape, message,
      hint: family == nil
        ? "say the network: architecture=network([…], input=[3, 32, 32])"
        : "leave the family out, and every family is tried; or say the whole call", argument: "path")
  }

  private func misfit(_ architecture: Architecture, _ blueprint: Blueprint) -> CoreError {
    func faults(_ dict: StateDict) -> Int {
      WeightTable.readings(of: dict).map { Fit($0.shapes, blueprint, architecture).faults }.min() ?? 0
    }
    guard let dict = mostLikely(faults) else { return Self.withoutDictionary(file) }
    let readings = WeightTable.readings(of: dict)
    let fits = readings.map { Fit($0.shapes, blueprint, architecture) }
    guard let fit = fits.min(by: { $0.faults < $1.faults }) else { return Self.withoutDictionary(file) }
    var parts: [String] = []
    if !fit.missing.isEmpty { parts.append("missing: \(listed(fit.missing))") }
    if !fit.unexpected.isEmpty { parts.append("unexpected: \(listed(fit.unexpected))") }
    if !fit.misshapen.isEmpty {
      let more = fit.misshapen.count > 5 ? " and \(fit.misshapen.count - 5) more" : ""
      parts.append("of another shape: \(fit.misshapen.prefix(5).joined(separator: ", "))\(more)")
    }
    let place = dict.key.isEmpty ? "" : " under \"\(dict.key)\""
    return CoreError(
      .shape, "the weights in '\(file.path)'\(place) do not fit \(architecture): \(parts.joined(separator: "; "))",
      hint: suggestion(readings) ?? "expected \(blueprint.expectation)", argument: "path")
  }

  /// What fits instead, if anything does.
  private func suggestion(_ readings: [WeightTable]) -> String? {
    for table in readings {
      let guesses = Families.recognise(table.shapes)
      if guesses.isEmpty { continue }
      return "they fit " + guesses.map { $0.architecture.call }.joined(separator: ", or ")
    }
    return nil
  }

  /// The state dict that an error speaks of: under a usual key, else the one with the fewest faults.
  private func mostLikely(_ faults: (StateDict) -> Int) -> StateDict? {
    let usual = dicts.filter { Self.usualKeys.contains($0.key) }
    return (usual.isEmpty ? dicts : usual).map { ($0, faults($0)) }.min { $0.1 < $1.1 }?.0
  }
}

extension Blueprint {
  /// The tensors of the network, by number and ends.
  var expectation: String {
    let all = parameters + buffers
    return "\(all.count) tensors from '\(all.first?.name ?? "")' to '\(all.last?.name ?? "")'"
  }
}

extension WeightTable {
  /// The first tensors with their shapes.
  fileprivate var outline: String {
    let shown = items.prefix(4).map { "'\($0.name)' \($0.shape)" }.joined(separator: ", ")
    return items.count > 4 ? shown + ", …" : shown
  }

  /// Whether the names are those of layers one after another, without names of their own.
  fileprivate var isNumbered: Bool { items.allSatisfy { Int($0.name.prefix { $0 != "." }) != nil } }
}

extension Guess {
  /// A network that somebody named.
  init(_ architecture: Architecture) {
    self.architecture = architecture
    assumed = []
  }

  /// A network of somebody's layers, for images of the size that fits the weights; nil where none does.
  init?(_ layer: Layer, _ table: WeightTable) {
    let shapes = table.shapes
    let first = table.items.first { $0.shape.count == 4 || $0.shape.count == 2 }
    var inputs: [[Int]] = []
    if let first, first.shape.count == 4 {
      let sides = [28, 32, 64, 96, 128, 224, 299] + Array(4...64)
      // Where convolutions are in groups, the inputs of each are a part of the channels.
      for channels in [first.shape[1], 3, 1] { inputs += sides.map { [channels, $0, $0] } }
    } else if let first, let image = Self.image(of: first.shape[1]) {
      inputs = [image]
    }
    for input in inputs {
      guard let architecture = try? Architecture(layer, input: input), let blueprint = try? Blueprint(architecture),
        Fit(shapes, blueprint, architecture).isExact
      else { continue }
      self.init(architecture)
      assumed = ["input=\(input)"]
      return
    }
    return nil
  }
}

/// Keys for a message, as they are typed: at most five, and how many more there are.
func listedKeys(_ keys: [String]) -> String {
  let shown = keys.prefix(5).map { "\"\($0)\"" }.joined(separator: ", ")
  return keys.count > 5 ? "\(shown) and \(keys.count - 5) more" : shown
}
