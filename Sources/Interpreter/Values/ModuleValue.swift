/// An imported file or standard module: its public names are read as `module.name`.
public final class ModuleValue {
  /// The name that it was imported by, without folder and `.ltd`.
  public let name: String
  /// The file that it was imported from; nil for a module of the library.
  public let path: String?
  let globals: Globals
  /// What it was read from, for its help page.
  let source: Source

  init(name: String, path: String?, globals: Globals, source: Source) {
    self.name = name
    self.path = path
    self.globals = globals
    self.source = source
  }

  /// Its public names in alphabetical order.
  public var names: [String] { globals.publicNames }

  /// A public name of the module; nil for those that start with `_`.
  public subscript(name: String) -> Value? { name.hasPrefix("_") ? nil : globals[name] }
}
