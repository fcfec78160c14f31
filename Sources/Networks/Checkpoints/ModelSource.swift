import Base

/// The file that the weights of a model were read from, with all that was decided on the way.
public struct ModelSource: Sendable {
  /// The path as it was given.
  public var path: String
  /// The format of the file: "safetensors", "PyTorch file (zip form)".
  public var format: String
  /// Where the weights stand in the file: "state_dict"; "" at its top.
  public var key: String
  /// What was taken off the names: "module."; "" for nothing.
  public var prefix: String
  /// What decided on the network.
  public var decision: Decision
  /// The name under which the file is known; nil where it is not.
  public var known: KnownFile?
  /// What was decided, as sentences for a person; empty where the file says all itself.
  public var remarks: [String]

  /// What decided on the network of a file.
  public enum Decision: String, Sendable {
    /// The file says it: ltd wrote it.
    case written = "the file"
    /// The names and shapes of the weights.
    case recognised = "names and shapes"
    /// The caller said it.
    case given = "the call"
    /// The hash of the file, which is a public one.
    case known = "the hash of the file"
  }

  /// Where weights come from, with all that it says; see the properties.
  package init(
    path: String, format: String, key: String, prefix: String, decision: Decision, known: KnownFile?, remarks: [String]
  ) {
    (self.path, self.format, self.key, self.prefix) = (path, format, key, prefix)
    (self.decision, self.known, self.remarks) = (decision, known, remarks)
  }
}

/// What a caller says of a file whose model is to be loaded. All may be left open.
public struct LoadRequest: Sendable {
  /// What is known of the network.
  public enum Network: Sendable {
    /// Nothing: the file or its weights tell. A family restricts what they may tell.
    case open(family: String?)
    /// All of it. Where it has no normalisation, that of the file is taken.
    case architecture(Architecture)
    /// Its layers; the images follow from the weights.
    case layers(Layer)
  }

  /// What is known of the network.
  public var network = Network.open(family: nil)
  /// Where the weights stand in the file; nil where that is to be found out.
  public var key: String?
  /// The normalisation of images; nil where the file or the network tells.
  public var normalisation: Normalisation?

  /// A request that leaves all open.
  public init() {}
}
