import Foundation

/// The `ltd` program that was built together with the tests.
public enum BuiltProgram {
  public static let path: String = {
    let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    return tests.deletingLastPathComponent().appending(path: "ltd").path
  }()
}
