import Base

/// A public file of weights that is recognised by its hash, with what its authors and others have published of it.
public struct KnownFile: Sendable {
  /// Where it is from and what it is called there.
  public let name: String
  /// The SHA-256 of its bytes, in hexadecimal digits.
  public let sha256: String
  /// The size in bytes.
  public let size: Int
  /// Its network, with the normalisation.
  public let architecture: Architecture
  /// Where the weights stand in the file; nil where there is only one place.
  public let key: String?
  /// What was published, a sentence each, with the source.
  public let sentences: [String]

  /// The entry of a file; nil where it is not known.
  static func recognise(_ path: String) throws(CoreError) -> KnownFile? { nil }
}
