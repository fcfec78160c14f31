import Interpreter

/// Runs the examples in the `##` comments of a module's functions: those of one function after each other in a session of
/// its own that has imported the module.
public struct CommentExamples {
  /// The module whose functions have the examples.
  public let module: ModuleDocumentation
  /// The statement that imports it.
  private let entry: String
  /// Whether its functions can be called without its name, as in the file itself, unless a built-in has the same name.
  private let isOpen: Bool

  /// - Parameter library: a module of the library.
  public init(library module: ModuleDocumentation) {
    self.module = module
    entry = "import \(module.name)"
    isOpen = false
  }

  /// The examples of a file; `nil` when it has none.
  init?(path: String, text: String) {
    guard text.contains(">>>") else { return nil }
    let file = path.split(separator: "/").last.map(String.init) ?? path
    let name = file.hasSuffix(".ltd") ? String(file.dropLast(4)) : file
    module = ModuleDocumentation(name: name, source: Source(name: path, text: text))
    entry = "import \(Value(path).shortText(PrintOptions())) as _module"
    isOpen = true
    guard module.functions.contains(where: { !$0.examples.isEmpty }) else { return nil }
  }

  /// Runs the examples and compares what they print with what they say.
  /// - Parameter makeSession: makes a new session, for each function.
  /// - Returns: a few lines for each example that does not print what it says.
  public func failures(_ makeSession: () -> Session) -> [String] {
    module.functions.flatMap { function -> [String] in
      guard !function.examples.isEmpty else { return [] }
      let session = makeSession()
      session.printing = PrintOptions()
      let imported = session.transcript(of: entry)
      if case .module? = session[isOpen ? "_module" : module.name] {
      } else {
        return ["examples of \(function.name): the module cannot be imported\n  \(imported)"]
      }
      if isOpen, case .module(let module)? = session["_module"] {
        session[self.module.name] = .module(module)
        for name in module.names where session.table.functions[name] == nil { session[name] = module[name] }
      }
      return function.examples.compactMap { example in
        let answer = CommentExamples.lines(session.transcript(of: example.code))
        let wanted = CommentExamples.lines(example.result)
        if answer == wanted { return nil }
        return "example of \(function.name): \(example.code)\n"
          + (wanted.map { "  - \($0)" } + answer.map { "  + \($0)" }).joined(separator: "\n")
      }
    }
  }

  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n").map { withoutTrailingSpace($0) }
  }
}
