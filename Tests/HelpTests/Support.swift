import Builtins
import HostSupport
import Stdlib

extension Session {
  /// A session of the whole table and the library, that shows nothing.
  static func withLibrary() -> Session {
    let modules = Dictionary(uniqueKeysWithValues: Stdlib.names.map { ($0, Stdlib.source($0) ?? "") })
    return Session(table: .standard, host: TestHost(modules: modules))
  }
}
