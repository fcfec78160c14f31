/// A help page, made of an entry of the one table or of a function's `##` comment.
///
/// Both are read in the same way: the lines `- name: …` of the details become the notes on the parameters, and what they
/// say nothing of is taken from the notes that hold for all functions. Help at the prompt, completion, search, the manual
/// and the tests of the examples read nothing but these pages.
public struct Documentation: Sendable {
  /// A parameter, as its page describes it.
  public struct Argument: Sendable, Equatable {
    /// The word by which it is given.
    public var name: String
    /// As in the signature: `eps: float = 8/255`.
    public var text: String
    /// What it is, with its unit; empty when nothing is said.
    public var summary: String
  }

  /// The function or constant, without its module.
  public var name: String
  /// The module of a function written in the language, when it is read as `module.name`.
  public var module: String?
  /// `clip(x: tensor, min: float, max: float) -> tensor`, or the name of a constant.
  public var signature: String
  /// What it does, in a sentence.
  public var summary: String
  /// Its parameters in order.
  public var arguments: [Argument]
  /// Further paragraphs; what is said of single arguments stands in `arguments`.
  public var details: String
  /// Programs and what they print.
  public var examples: [Example]
  /// Names of related functions, as they are written in a program.
  public var seeAlso: [String]
  /// Words that find it, besides its name.
  public var search: [String]
  /// The chapter that it stands in: a family of built-ins, its module, or `session`.
  public var family: String

  /// As it is written in a program: `pgd`, `tables.pivot`.
  public var qualifiedName: String { (module.map { $0 + "." } ?? "") + name }
  /// The signature with the module before it.
  public var qualifiedSignature: String { (module.map { $0 + "." } ?? "") + signature }

  init(_ builtin: Builtin, _ table: BuiltinTable) {
    name = builtin.name
    signature = builtin.signature.text
    summary = builtin.summary
    examples = builtin.examples
    seeAlso = builtin.seeAlso
    search = builtin.search
    family = builtin.family
    (arguments, details) = Documentation.arguments(of: signature, details: builtin.details) { name in
      table.parameterNotes["\(builtin.family).\(name)"] ?? table.parameterNotes[name]
    }
  }

  init(_ constant: Constant) {
    name = constant.name
    signature = constant.name
    summary = constant.summary
    arguments = []
    details = ""
    examples = [Example(constant.name, constant.value.text(PrintOptions()))]
    seeAlso = []
    search = []
    family = constant.family
  }

  /// From the `##` lines above a function: the first paragraph is the summary; `- name: text` describes an argument;
  /// `>>> code` is an example and the lines below, to the next blank one, what it prints (`... code` continues it);
  /// `see also: a, b` and `search: a, b` are lists of names and of words.
  init(name: String, signature: String, comment: String, family: String, module: String? = nil) {
    var reader = CommentReader()
    for line in comment.split(separator: "\n", omittingEmptySubsequences: false) { reader.read(line) }
    reader.endParagraph()
    self.name = name
    self.module = module
    self.signature = signature
    self.family = family
    summary = reader.paragraphs.first ?? ""
    examples = reader.examples
    seeAlso = reader.seeAlso
    search = reader.search
    (arguments, details) = Documentation.arguments(
      of: signature, details: reader.paragraphs.dropFirst().joined(separator: "\n\n")
    ) { _ in nil }
  }

  /// From a function of a module that need not run.
  init?(_ function: Function, _ source: Source, module: String?) {
    guard let name = function.name?.text else { return nil }
    let parameters = function.parameters.map { source.text($0.span) }.joined(separator: ", ")
    let result = function.result.map { " -> " + TypeCheck.text($0) } ?? ""
    self.init(
      name: name, signature: "\(name)(\(parameters))\(result)", comment: function.doc ?? "",
      family: module ?? "session",
      module: module)
  }

  /// Takes the lines `- name: text` on parameters out of the details; `note` returns what holds for all functions.
  private static func arguments(
    of signature: String, details: String, note: (String) -> String?
  ) -> ([Argument], String) {
    guard let parsed = try? parseSignature(signature) else { return ([], details) }
    let names = Set(parsed.parameters.map(\.name.text))
    var said: [String: String] = [:]
    var rest: [Substring] = []
    var current: [String] = []
    for line in details.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("- "), let colon = line.firstIndex(of: ":") {
        let heads = line[..<colon].dropFirst(2).split(separator: ",").map { $0.filter { $0 != " " && $0 != "`" } }
        if !heads.isEmpty, heads.allSatisfy(names.contains) {
          current = heads
          for name in heads { said[name] = String(line[line.index(after: colon)...].drop { $0 == " " }) }
          continue
        }
      }
      if !current.isEmpty, !line.isEmpty, !line.hasPrefix("- ") {
        for name in current { said[name, default: ""] += " " + line.drop { $0 == " " } }
        continue
      }
      current = []
      if line.isEmpty, rest.last?.isEmpty ?? true { continue }
      rest.append(line)
    }
    while rest.last?.isEmpty == true { rest.removeLast() }
    let arguments = parsed.parameters.map { parameter in
      Argument(
        name: parameter.name.text, text: parsed.source.text(parameter.span),
        summary: said[parameter.name.text] ?? note(parameter.name.text) ?? "")
    }
    return (arguments, rest.joined(separator: "\n"))
  }
}

/// Reads the lines of a documentation comment.
private struct CommentReader {
  var paragraphs: [String] = []
  var examples: [Example] = []
  var seeAlso: [String] = []
  var search: [String] = []
  private var current = ""
  private var code: [String] = []
  private var result: [String] = []

  mutating func read(_ line: Substring) {
    let text = String(line.drop { $0 == " " })
    if text.hasPrefix(">>>") {
      endParagraph()
      code = [String(text.dropFirst(3).drop { $0 == " " })]
    } else if text.isEmpty {
      endParagraph()
    } else if let names = list(text, after: "see also:") {
      endParagraph()
      seeAlso += names
    } else if let words = list(text, after: "search:") {
      endParagraph()
      search += words
    } else if !code.isEmpty {
      if text.hasPrefix("... "), result.isEmpty {
        code.append(String(text.dropFirst(4)))
      } else {
        result.append(String(line))
      }
    } else {
      current += current.isEmpty ? text : text.hasPrefix("- ") ? "\n" + text : " " + text
    }
  }

  mutating func endParagraph() {
    if !code.isEmpty { examples.append(Example(code.joined(separator: "\n"), result.joined(separator: "\n"))) }
    if !current.isEmpty { paragraphs.append(current) }
    (code, result, current) = ([], [], "")
  }

  private func list(_ text: String, after mark: String) -> [String]? {
    guard text.lowercased().hasPrefix(mark) else { return nil }
    return text.dropFirst(mark.count).split(separator: ",").map { item in
      let word = item.drop { $0 == " " }
      return String(word.reversed().drop { $0 == " " || $0 == "." }.reversed())
    }
  }
}

/// The help page of a module: what its file says at its top, and its functions.
public struct ModuleDocumentation: Sendable {
  /// The name before the point when one of its functions is used.
  public var name: String
  /// The statement that makes it available: `import tables`, `import "lib/mine.ltd" as m`.
  public var importStatement: String
  /// The first sentence of the comment at the top of the file.
  public var summary: String
  /// The rest of that comment.
  public var details: String
  /// Public functions in the order of the file.
  public var functions: [Documentation]

  /// Reads the page from the source; nothing runs.
  /// - Parameter importStatement: nil for a module of the library under its own name.
  public init(name: String, source: Source, importStatement: String? = nil) {
    let program = parse(source)
    self.name = name
    self.importStatement = importStatement ?? "import \(name)"
    var lines: [String] = []
    var next = 0
    for comment in program.comments {
      let line = source.lineIndex(at: Int(comment.span.start))
      guard comment.isOwnLine, line == next else { break }
      next = line + 1
      let text = source.text(comment.span)
      // `##` is the comment of what follows.
      if text.hasPrefix("##") { break }
      lines.append(String(text.dropFirst().drop { $0 == " " }))
    }
    let text = lines.map { $0.isEmpty ? "\n" : $0 }.joined(separator: " ")
    let paragraphs = text.split(separator: "\n").map { CoreStrings.trimmed(String($0)) }.filter { !$0.isEmpty }
    summary = paragraphs.first ?? ""
    details = paragraphs.dropFirst().joined(separator: "\n\n")
    functions = program.body.statements.compactMap { statement in
      guard case .function(let function) = statement.kind, function.name?.text.hasPrefix("_") == false else {
        return nil
      }
      return Documentation(function, source, module: name)
    }
  }
}

extension Session {
  /// What is known about a function or constant, whether built in or written in the language; `module.name` for those of
  /// an imported module or of one of the library.
  public func documentation(of name: String) -> Documentation? {
    let parts = name.split(separator: ".").map(String.init)
    if parts.count == 2 {
      if case .module(let module)? = self[parts[0]] {
        return module.globals[parts[1]].flatMap { documentation(of: $0, family: module.name, module: module.name) }
      }
      return moduleDocumentation(of: parts[0])?.functions.first { $0.name == parts[1] }
    }
    if let value = self[name], let page = documentation(of: value) { return page }
    if let builtin = table.functions[name] { return Documentation(builtin, table) }
    if let constant = table.constants[name] { return Documentation(constant) }
    return nil
  }

  /// The page of a function value, as far as the function has a name.
  public func documentation(of value: Value) -> Documentation? {
    guard case .function(let function) = value, function.isNamed, function.binding == nil else { return nil }
    return documentation(of: value, family: "session")
  }

  /// The page of a function value.
  private func documentation(
    of value: Value, family: String, module: String? = nil
  ) -> Documentation? {
    guard case .function(let function) = value else { return nil }
    if let builtin = function.builtin { return Documentation(builtin, table) }
    guard let code = function.code else { return nil }
    return Documentation(
      name: code.name, signature: code.signature.text, comment: code.documentation ?? "", family: family, module: module
    )
  }

  /// The page of a module: one that a variable holds, or one of the library.
  public func moduleDocumentation(of name: String) -> ModuleDocumentation? {
    if let value = self[name] {
      guard case .module(let module) = value else { return nil }
      let origin = module.path.map { "\"\($0)\"" } ?? module.name
      return ModuleDocumentation(
        name: name, source: module.source,
        importStatement: "import \(origin)" + (name == module.name ? "" : " as \(name)"))
    }
    guard let text = host.module(name) else { return nil }
    if let known = libraryPages[name], known.text == text { return known.page }
    let page = ModuleDocumentation(name: name, source: Source(name: "\(name).ltd", text: text))
    libraryPages[name] = (text, page)
    return page
  }

  /// How to reach an unknown name that the library has: a module, or a function of one.
  func libraryHint(on name: String) -> String? {
    if host.moduleNames.contains(name) { return "\(name) is a module of the library: import \(name)" }
    return libraryFunctions[name].map { "the library has it: import \($0), then \($0).\(name)(…)" }
  }

  /// The library's functions, each with the first module that has it.
  func findLibraryFunctions() -> [String: String] {
    var modules: [String: String] = [:]
    for module in host.moduleNames {
      guard let text = host.module(module) else { continue }
      for statement in parse(Source(name: module, text: text)).body.statements {
        guard case .function(let function) = statement.kind, let name = function.name?.text, !name.hasPrefix("_"),
          modules[name] == nil
        else { continue }
        modules[name] = module
      }
    }
    return modules
  }

  /// Every page there is, for a search: built-ins, functions of the session, and of the library's modules.
  public var pages: [Documentation] {
    names.compactMap { documentation(of: $0) }
      + host.moduleNames.flatMap { moduleDocumentation(of: $0)?.functions ?? [] }
  }
}
