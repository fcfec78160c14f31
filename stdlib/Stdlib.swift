/// The library written in the language, embedded in the binary: a file here is a module there.
public enum Stdlib {
  private static let files: [String: [UInt8]] = [
    "studies": PackageResources.studies_ltd
  ]

  public static var names: [String] { files.keys.sorted() }

  /// The source of a module; `nil` when there is none of that name.
  public static func source(_ name: String) -> String? {
    files[name].map { String(decoding: $0, as: UTF8.self) }
  }
}
