import Foundation

/// Where tests find material that is not part of the repository. A test that needs it is skipped where it is absent.
public enum SharedFiles {
  /// Reference vectors: `LTD_VECTORS`, or the folder beside the checkout.
  public static var vectors: URL? { folder(variable: "LTD_VECTORS", beside: "shared/reference/vectors") }

  /// Real image data: `LTD_DATA`, or the folder beside the checkout.
  public static var data: URL? { folder(variable: "LTD_DATA", beside: "shared/data") }

  public static let packageRoot = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private static func folder(variable: String, beside path: String) -> URL? {
    let url =
      ProcessInfo.processInfo.environment[variable].map { URL(filePath: $0) }
      ?? packageRoot.deletingLastPathComponent().appending(path: path)
    return FileManager.default.fileExists(atPath: url.path) ? url : nil
  }
}
