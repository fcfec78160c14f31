import Base
import Tensors

// Saving and loading a model. A file of ours holds the weights by PyTorch's names and, in its metadata, the architecture,
// so that `load` needs the path alone. For somebody else's file the network is found by names and shapes, or said by the
// caller. In all cases names and shapes are compared with those of the network before a number is read, a model exists
// or changes only once all of them are read, and what was decided is kept in words (`ModelSource`).

extension Model {
  private static let architectureKey = "ltd.architecture"

  /// Writes architecture, weights and buffers with PyTorch's names, as a PyTorch file where the path ends in `.pt` or
  /// `.pth`, else as safetensors; a file that exists is replaced in one step.
  ///
  /// - Parameter metadata: strings to keep beside them, under keys of one's own.
  /// - Throws: `value` for a model at a temperature other than 1, which the file cannot hold; `io`.
  public func save(_ path: String, metadata: [String: String] = [:]) throws(CoreError) {
    guard temperature == 1 else {
      throw CoreError(
        .value, "a file of weights cannot hold the temperature \(temperature)",
        hint: "save the model itself, and use at(model, T) when it is loaded", argument: "model")
    }
    guard straight.isEmpty else {
      throw CoreError(
        .value,
        "a file of weights cannot hold that gradients pass straight through \(straight.joined(separator: ", "))",
        hint: "save the model that bpda was given: it has the same weights", argument: "model")
    }
    var metadata = metadata
    metadata["format"] = "pt"
    metadata[Self.architectureKey] = try architecture.json.text
    switch TensorFile.Form(path) {
    case .pt, .pth: try TorchWriter.write(path, tensors: state, metadata: metadata)
    case .npy, .npz:
      throw CoreError(
        .value, "a model is saved as safetensors or as a PyTorch file, not as '\(path)'",
        hint: "end the path in .safetensors or .pt", argument: "path")
    case .safetensors, nil: try SafeTensors.write(path, tensors: state, metadata: metadata)
    }
  }

  /// The model of a file of weights: one that `save` wrote, or one from elsewhere.
  ///
  /// - Parameter request: what the caller knows of the network; what is left open is found out, and `source` says how.
  /// - Throws: `io` where the file cannot be read or is damaged; `shape`, `type` and `value` where no network fits its
  ///   weights, where several do, or where it contradicts the request.
  public static func load(_ path: String, _ request: LoadRequest = LoadRequest()) throws(CoreError) -> Model {
    let file = try openWeights(path)
    var known: KnownFile?
    if case .open(family: nil) = request.network { known = try KnownFile.recognise(path) }
    return try load(file, request, known: known)
  }

  /// The model of a file that is open; errors are those of `load`.
  static func load(
    _ file: any WeightFile, _ request: LoadRequest, known: KnownFile? = nil
  ) throws(CoreError) -> Model {
    if let written = try writtenArchitecture(in: file) { return try load(file, writtenBy: written, request) }
    var request = request
    if let entry = known {
      if let normalisation = request.normalisation, normalisation != entry.architecture.normalisation {
        throw CoreError(
          .value,
          "'\(file.path)' is known as \(entry.name), which \(Normalisation.phrase(entry.architecture.normalisation)); \(normalisation) was asked for",
          hint: "leave mean and std out; architecture=… says another network", argument: "mean")
      }
      request.network = .architecture(entry.architecture)
      request.key = request.key ?? entry.key
    }
    let found = try NetworkSearch(file, request).find()
    var architecture = found.guess.architecture
    let (normalisation, origin) = try Normalisation.decide(for: architecture, found.table, file, request.normalisation)
    architecture.normalisation = normalisation
    let blueprint = try Blueprint(architecture)
    let (parameters, buffers) = try weights(blueprint, found.table, file)
    let model = Model(architecture, blueprint, parameters: parameters, buffers: buffers)
    var source = ModelSource(file, found, request)
    if known != nil { source.decision = .known }
    source.known = known
    // The normalisation of a known file is a part of its network.
    let said = known == nil || found.table.hasNormaliser
    source.remarks = source.remarks(of: architecture, found, blueprint, file, normalisation: said ? origin : nil)
    model.source = source
    return model
  }

  /// The model of a file that says its network.
  private static func load(
    _ file: any WeightFile, writtenBy architecture: Architecture, _ request: LoadRequest
  ) throws(CoreError) -> Model {
    let blueprint: Blueprint
    do { blueprint = try Blueprint(architecture) } catch { throw damagedDescription(file.path, error) }
    // A description whose weights the file does not hold is refused before memory is taken for them.
    var search = LoadRequest()
    search.key = request.key
    let found = try NetworkSearch(file, search).find(architecture)
    try request.compare(with: architecture, in: file)
    let (parameters, buffers) = try weights(blueprint, found.table, file)
    let model = Model(architecture, blueprint, parameters: parameters, buffers: buffers)
    model.source = ModelSource(file, found, .written)
    return model
  }

  /// Reads the weights of this network from a file; nothing changes unless all of them fit.
  ///
  /// - Parameters:
  ///   - key: where the weights stand in the file; nil where that is to be found out.
  ///   - checksArchitecture: whether a file is refused that says that it computes something else from weights of the same
  ///     names and shapes: one that `save` wrote from another network, or one with another normalisation.
  /// - Throws: `io` where the file cannot be read or is damaged; `shape` and `type` where its weights do not fit;
  ///   `value` where it was saved from another network.
  public func loadWeights(
    _ path: String, key: String? = nil, checksArchitecture: Bool = true
  ) throws(CoreError) {
    try loadWeights(openWeights(path), key: key, checksArchitecture: checksArchitecture)
  }

  /// Reads the weights of a file that is open; errors are those of the function for a path.
  func loadWeights(
    _ file: any WeightFile, key: String? = nil, checksArchitecture: Bool = true
  ) throws(CoreError) {
    var request = LoadRequest()
    request.key = key
    request.network = .architecture(architecture)
    let found = try NetworkSearch(file, request).find(architecture)
    if checksArchitecture { try compare(with: file, found.table) }
    let blueprint = try Blueprint(architecture)
    let (parameters, buffers) = try Self.weights(blueprint, found.table, file)
    try setParameters(parameters)
    try setBuffers(buffers)
    var source = ModelSource(file, found, request)
    let isWritten = file.metadata[Self.architectureKey] != nil
    if isWritten { source.decision = .written }
    source.remarks = isWritten ? [] : source.remarks(of: nil, found, blueprint, file, normalisation: nil)
    self.source = source
  }

  /// Compares this network with what a file says of the one that it was saved from.
  private func compare(with file: any WeightFile, _ table: WeightTable) throws(CoreError) {
    if let saved = try Self.writtenArchitecture(in: file), let difference = try architecture.difference(from: saved) {
      throw CoreError(
        .value,
        "the file '\(file.path)' was saved from \(saved), the model is \(architecture): \(difference)",
        hint: "load_model(path) makes the model of the file; check=false takes its weights for this one all the same",
        argument: "path")
    }
    guard let stored = try Normalisation.stored(in: table, file, channels: architecture.input[0]) else { return }
    let own = architecture.normalisation ?? architecture.firstNormalisation
    guard own?.isNearly(stored.normalisation) != true else { return }
    throw CoreError(
      .value,
      "'\(file.path)' \(Normalisation.phrase(stored.normalisation)) (\(stored.names)), the model \(Normalisation.phrase(own))",
      hint:
        "make the model with mean=\(stored.normalisation.mean.setting.text), std=\(stored.normalisation.std.setting.text); check=false takes the weights for this one all the same",
      argument: "path")
  }

  /// What the file says of its network, if it says anything.
  private static func writtenArchitecture(in file: any WeightFile) throws(CoreError) -> Architecture? {
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

  // MARK: Reading tensors

  /// The weights and buffers of a network that fits.
  private static func weights(
    _ blueprint: Blueprint, _ table: WeightTable, _ file: any WeightFile
  ) throws(CoreError) -> (parameters: [Tensor], buffers: [Tensor]) {
    let items = Dictionary(table.items.map { ($0.name, $0) }) { first, _ in first }
    func read(_ expected: TensorSpecification) throws(CoreError) -> Tensor {
      try StopSignal.poll()
      guard let item = items[expected.name] else { return try Tensor(ints: [0], shape: []) }
      let tensor = try file.tensor(item.inFile, in: table.key)
      switch (tensor.dtype, expected.content) {
      case (.int64, .counter): return tensor
      case (.float32, .counter):
        // An average of several models averages their counters, too.
        let count = try tensor.item()
        if count >= 0, count < 0x1p53, count.rounded() == count { return try Tensor(ints: [Int(count)], shape: []) }
      case (.float32, _): return tensor
      case (.bool, _), (.int64, _): break
      }
      let wanted = expected.content == .counter ? "a whole number" : "a floating-point type"
      throw CoreError(
        .type, "'\(file.path)': tensor '\(item.inFile)' is \(item.elementType), where the network needs \(wanted)",
        hint: item.elementType.contains("int8") ? "save the network before it is quantised" : nil, argument: "path")
    }
    var (parameters, buffers): ([Tensor], [Tensor]) = ([], [])
    for expected in blueprint.parameters { parameters.append(try read(expected)) }
    for expected in blueprint.buffers { buffers.append(try read(expected)) }
    return (parameters, buffers)
  }
}

extension LoadRequest {
  /// Compares what the caller says with the network that a file says.
  fileprivate func compare(with written: Architecture, in file: any WeightFile) throws(CoreError) {
    func refuse(_ what: String, argument: String = "architecture") -> CoreError {
      CoreError(
        .value, "the file '\(file.path)' was saved from \(written): \(what)",
        hint:
          "leave \(argument == "mean" ? "mean and std" : argument) out; load_weights(model, path, check=false) takes its weights for another network",
        argument: argument)
    }
    switch network {
    case .open(let family?) where family != written.name: throw refuse("that is not \(family)")
    case .architecture(let given):
      if let difference = try given.difference(from: written) { throw refuse(difference) }
    case .layers(let layer):
      var given = written
      given.design = .custom(layer)
      if let difference = try given.difference(from: written) { throw refuse(difference) }
    case .open: break
    }
    if let normalisation, written.normalisation?.isNearly(normalisation) != true {
      throw refuse(
        "it \(Normalisation.phrase(written.normalisation)), and \(normalisation) was asked for", argument: "mean")
    }
  }
}
