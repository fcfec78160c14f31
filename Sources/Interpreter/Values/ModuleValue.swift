/// An imported file or standard module: its public names are read as `module.name`.
public final class ModuleValue {
  public let name: String
  let globals: Globals

  init(name: String, globals: Globals) {
    self.name = name
    self.globals = globals
  }
}
