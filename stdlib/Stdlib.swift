/// The library written in the language, embedded in the binary: a file here is a module there, read when it is imported.
public enum Stdlib {
  /// The names of all modules.
  public static let names = ["files", "grids", "lists", "recipes", "statistics", "studies", "tables", "texts", "times"]

  /// The source of a module; `nil` when there is none of that name.
  public static func source(_ name: String) -> String? {
    let bytes: [UInt8]
    switch name {
    case "files": bytes = PackageResources.files_ltd
    case "grids": bytes = PackageResources.grids_ltd
    case "lists": bytes = PackageResources.lists_ltd
    case "recipes": bytes = PackageResources.recipes_ltd
    case "statistics": bytes = PackageResources.statistics_ltd
    case "studies": bytes = PackageResources.studies_ltd
    case "tables": bytes = PackageResources.tables_ltd
    case "texts": bytes = PackageResources.texts_ltd
    case "times": bytes = PackageResources.times_ltd
    default: return nil
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The tour of the language, in Markdown.
  public static var tour: String { String(decoding: PackageResources.tour_md, as: UTF8.self) }

  /// What a temperature does to labels, gradients, attacks and claims, in Markdown.
  public static var temperature: String { String(decoding: PackageResources.temperature_md, as: UTF8.self) }

  /// How a script is run by many processes, in Markdown.
  public static var cluster: String { String(decoding: PackageResources.cluster_md, as: UTF8.self) }

  /// What the kinds of errors mean, in Markdown: a section for each, with a program and what it is told.
  public static var errors: String { String(decoding: PackageResources.errors_md, as: UTF8.self) }
}
