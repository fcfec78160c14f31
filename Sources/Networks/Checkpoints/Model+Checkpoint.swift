import Base
import Tensors

// Saving and loading a model. A file holds the weights by PyTorch's names and, in its metadata, the architecture, so
// that `load` needs the path alone. Weights from elsewhere are read into a network that is there already. In both cases
// names and shapes are compared with those of the network before a number is read, and the model changes only once all
// of them are read.

extension Model {
  private static let architectureKey = "ltd.architecture"

  /// Writes architecture, weights and buffers as safetensors, with PyTorch's names; a file that exists is replaced in
  /// one step.
  ///
  /// - Parameter metadata: strings to keep beside them, under keys of one's own.
  /// - Throws: `value` for a model at a temperature other than 1, which the file cannot hold; `io`.
  public func save(_ path: String, metadata: [String: String] = [:]) throws(CoreError) {
    guard temperature == 1 else {
      throw CoreError(
        .value, "a file of weights cannot hold the temperature \(temperature)",
        hint: "save the model itself, and use at(model, T) when it is loaded", argument: "model")
    }
    var metadata = metadata
    metadata["format"] = "pt"
    metadata[Self.architectureKey] = try architecture.json.text
    try SafeTensors.write(path, tensors: state, metadata: metadata)
  }

  /// The model that `save` wrote.
  ///
  /// - Throws: `io` where the file cannot be read, is damaged, or says nothing of its network; `shape` and `type` where
  ///   its weights do not fit what it says.
  public static func load(_ path: String) throws(CoreError) -> Model {
    let file = try openWeights(path)
    guard let architecture = try architecture(in: file) else {
      throw .file(
        path, "does not say which network its weights belong to",
        hint: "make the network first: load_weights(model, path)")
    }
    let blueprint: Blueprint
    do { blueprint = try Blueprint(architecture) } catch { throw damagedDescription(path, error) }
    // A description whose weights the file does not hold is refused before memory is taken for them.
    let table = weights(in: file)
    try match(file, table, blueprint, architecture)
    let model = try Model(architecture)
    try model.loadWeights(file, table)
    return model
  }

  /// Reads the weights of this network from a file; nothing changes unless all of them fit.
  ///
  /// - Parameter checksArchitecture: whether a file that says that it was saved from another network is refused: one
  ///   that computes something else from weights of the same names and shapes.
  /// - Throws: `io` where the file cannot be read or is damaged; `shape` and `type` where its weights do not fit;
  ///   `value` where it was saved from another network.
  public func loadWeights(_ path: String, checksArchitecture: Bool = true) throws(CoreError) {
    let file = try openWeights(path)
    let table = Self.weights(in: file)
    try Self.match(file, table, try Blueprint(architecture), architecture)
    if checksArchitecture, let saved = try Self.architecture(in: file),
      let difference = try architecture.difference(from: saved)
    {
      throw CoreError(
        .value,
        "the file '\(path)' was saved from \(saved), the model is \(architecture): \(difference)",
        hint: "load_model(path) makes the model of the file; check=false takes its weights for this one all the same",
        argument: "path")
    }
    try loadWeights(file, table)
  }

  /// The table of the file that holds the weights.
  private static func weights(in file: any WeightFile) -> StateDict {
    file.stateDicts.first { $0.form == .dictionary } ?? StateDict(key: "", form: .dictionary, entries: [], others: [])
  }

  /// What the file says of its network, if it says anything.
  private static func architecture(in file: any WeightFile) throws(CoreError) -> Architecture? {
    guard let text = file.metadata[architectureKey] else { return nil }
    do throws(CoreError) {
      return try Architecture(JSON.parse(text))
    } catch {
      throw damagedDescription(file.path, error)
    }
  }

  private static func damagedDescription(_ path: String, _ error: CoreError) -> CoreError {
    .file(path, "is damaged, in its description of the network: \(error.message)", hint: downloadAgain)
  }

  private static func match(
    _ file: any WeightFile, _ table: StateDict, _ blueprint: Blueprint, _ architecture: Architecture
  ) throws(CoreError) {
    let expected = blueprint.parameters + blueprint.buffers
    let names = Set(expected.map(\.name))
    let counters = Set(expected.filter { $0.content == .counter }.map(\.name))
    let shapes = Dictionary(table.entries.map { ($0.name, $0.shape) }) { first, _ in first }
    let missing = expected.map(\.name).filter { shapes[$0] == nil && !counters.contains($0) }
    let unknown = table.entries.map(\.name).filter { name in
      !names.contains(name) && !architecture.unusedNames.contains { name.hasPrefix($0) }
    }
    let misshapen = expected.compactMap { expected -> String? in
      guard let shape = shapes[expected.name], shape != expected.shape else { return nil }
      return "'\(expected.name)' is \(shape) instead of \(expected.shape)"
    }
    guard missing.isEmpty, unknown.isEmpty, misshapen.isEmpty else {
      var parts: [String] = []
      if !missing.isEmpty { parts.append("missing: \(listed(missing))") }
      if !unknown.isEmpty { parts.append("unknown: \(listed(unknown))") }
      if !misshapen.isEmpty {
        let more = misshapen.count > 5 ? " and \(misshapen.count - 5) more" : ""
        parts.append("of another shape: \(misshapen.prefix(5).joined(separator: ", "))\(more)")
      }
      throw CoreError(
        .shape, "the weights in '\(file.path)' do not fit \(architecture): \(parts.joined(separator: "; "))",
        hint:
          "expected \(expected.count) tensors from '\(expected.first?.name ?? "")' to '\(expected.last?.name ?? "")'",
        argument: "path")
    }
  }

  private func loadWeights(_ file: any WeightFile, _ table: StateDict) throws(CoreError) {
    let blueprint = try Blueprint(architecture)
    try Self.match(file, table, blueprint, architecture)
    var parameters: [Tensor] = []
    for expected in blueprint.parameters { parameters.append(try Self.read(file, table, expected)) }
    var buffers: [Tensor] = []
    for expected in blueprint.buffers { buffers.append(try Self.read(file, table, expected)) }
    try setParameters(parameters)
    try setBuffers(buffers)
  }

  private static func read(
    _ file: any WeightFile, _ table: StateDict, _ expected: TensorSpecification
  ) throws(CoreError) -> Tensor {
    if expected.content == .counter, !table.entries.contains(where: { $0.name == expected.name }) {
      return try Tensor(ints: [0], shape: [])
    }
    let tensor = try file.tensor(expected.name, in: table.key)
    switch (tensor.dtype, expected.content) {
    case (.int64, .counter): return tensor
    case (.float32, .counter), (.bool, _), (.int64, _):
      throw CoreError(
        .type,
        "'\(file.path)': tensor '\(expected.name)' is \(tensor.dtype.shortName), expected \(expected.content == .counter ? "i64" : "f32")",
        argument: "path")
    case (.float32, _): return tensor
    }
  }
}
