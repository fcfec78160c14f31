/// An imported file or standard module: its public names are read as `module.name`.
public final class ModuleValue {
  public let name: String
  let globals: Globals
  /// What it was read from, for its help page.
  let source: Source

  init(name: String, globals: Globals, source: Source) {
    self.name = name
    self.globals = globals
    self.source = source
  }

  /// Its public names in alphabetical order.
  public var names: [String] { globals.publicNames }

  public subscript(name: String) -> Value? { name.hasPrefix("_") ? nil : globals[name] }
}
