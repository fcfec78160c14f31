import Interpreter
import Stdlib

/// The reference manual: a few Markdown files made of the one table, the library's comments, the tour, the page on temperature
/// and the kinds of errors.
///
/// There is one file for each family of built-ins and each module, one for the members of values, and an index with links
/// to all. The same table makes the same files, byte for byte, and a test compares them with those in `docs`, so that the
/// manual cannot say anything else than `?name` does.
public struct Manual {
  /// A file of it.
  public struct File: Sendable, Equatable {
    /// The path below the manual's folder.
    public var path: String
    /// The content, as Markdown.
    public var text: String
  }

  private let families: [(name: String, pages: [Documentation])]
  private let modules: [ModuleDocumentation]
  /// The kinds of values that have members.
  private let kinds: [Kind]

  /// Gathers the pages of a session's table and of the modules of its host.
  public init(session: Session) {
    let table = session.table
    var families: [String: [Documentation]] = [:]
    for name in Set(table.functions.keys).union(table.constants.keys).sorted() {
      if let page = session.documentation(of: name) { families[page.family, default: []].append(page) }
    }
    self.families = families.sorted { $0.key < $1.key }.map { (name: $0.key, pages: $0.value) }
    kinds = table.kinds.values.filter { !$0.members.isEmpty }.sorted { $0.name < $1.name }
    modules = session.host.moduleNames.compactMap { session.moduleDocumentation(of: $0) }
  }

  /// All files, the same for the same table.
  public var files: [File] {
    [
      File(path: "README.md", text: index), File(path: "tour.md", text: Stdlib.tour),
      File(path: "temperature.md", text: Stdlib.temperature), File(path: "cluster.md", text: Stdlib.cluster),
      File(path: "errors.md", text: Stdlib.errors),
      File(path: "values.md", text: pageOfKinds),
    ]
      + families.map { File(path: "functions/\($0.name).md", text: page(of: $0.name, $0.pages)) }
      + modules.map { File(path: "modules/\($0.name).md", text: page(of: $0)) }
  }

  // MARK: Pages

  private static let origin = "Written by `ltd doc`; the text is in the source, beside what it describes."

  private var index: String {
    var blocks = [
      "# The manual of ltd",
      """
      [A tour of the language](tour.md) takes ten minutes; [what a temperature does](temperature.md) to labels, gradients, attacks and claims; \
      [from laptop to cluster](cluster.md), a script on many processors; [the grammar](../Sources/Syntax/GRAMMAR.md) has every rule; [the kinds of errors](errors.md), \
      with an example of each. At the prompt, `?name` shows the same page as here, `??word` searches, and `?` lists the chapters.
      """,
      "## Functions",
      "They need no import and no prefix; `x.f(a)` and `x |> f(a)` are `f(x, a)` for each of them.",
    ]
    for (name, pages) in families {
      blocks.append("**[\(name)](functions/\(name).md)**: " + links(pages, "functions/\(name).md"))
    }
    blocks += [
      "## Values", "What can stand after the point of a value, such as `net.size`. `?net` shows it for a variable.",
      kinds.map { "[\($0.name)](values.md#\(Manual.anchor($0.name)))" }.joined(separator: ", "),
    ]
    blocks += [
      "## Modules", "Written in the language: `import tables`, then `tables.pivot(…)`. `?tables` shows the page.",
    ]
    for module in modules {
      blocks.append(
        "**[\(module.name)](modules/\(module.name).md)**: \(module.summary) "
          + links(module.functions, "modules/\(module.name).md"))
    }
    return Manual.file(blocks)
  }

  private func links(_ pages: [Documentation], _ file: String) -> String {
    pages.map { "[\(Manual.escaped($0.name))](\(file)#\(Manual.anchor($0.name)))" }.joined(separator: ", ")
  }

  private func page(of family: String, _ pages: [Documentation]) -> String {
    Manual.file(["# \(family.prefix(1).uppercased() + family.dropFirst())"] + pages.flatMap(entry))
  }

  private var pageOfKinds: String {
    Manual.file(
      ["# Kinds of values"]
        + kinds.flatMap { kind in
          [
            "## \(kind.name)", Manual.escaped(kind.summary),
            kind.members.map { "- `.\($0.name): \($0.type)`: \(Manual.escaped($0.summary))" }.joined(separator: "\n"),
          ]
        })
  }

  private func page(of module: ModuleDocumentation) -> String {
    Manual.file(
      ["# The module \(module.name)", module.summary, module.details, "    \(module.importStatement)"]
        + module.functions.flatMap(entry))
  }

  /// The blocks of one function or constant.
  private func entry(_ page: Documentation) -> [String] {
    var blocks = ["## \(Manual.escaped(page.name))", "    \(page.qualifiedSignature)", Manual.escaped(page.summary)]
    blocks.append(
      page.arguments.map { "- `\($0.text)`" + ($0.summary.isEmpty ? "" : ": \(Manual.escaped($0.summary))") }
        .joined(separator: "\n"))
    blocks.append(Manual.escaped(page.details))
    blocks += page.examples.map(Manual.example)
    if !page.seeAlso.isEmpty { blocks.append("See also: " + page.seeAlso.map(link).joined(separator: ", ")) }
    if !page.search.isEmpty { blocks.append("Search words: " + Manual.escaped(page.search.joined(separator: ", "))) }
    return blocks
  }

  private static func example(_ example: Example) -> String {
    let code = example.code.split(separator: "\n", omittingEmptySubsequences: false)
    var lines = code.enumerated().map { "    " + ($0.offset == 0 ? "ltd> " : "     ") + $0.element }
    if !example.result.isEmpty {
      lines += example.result.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)" }
    }
    return lines.joined(separator: "\n")
  }

  /// A link to the page of a function, wherever it is.
  private func link(_ name: String) -> String {
    let parts = name.split(separator: ".").map(String.init)
    let shown = Manual.escaped(name)
    if parts.count == 2 { return "[\(shown)](../modules/\(parts[0]).md#\(Manual.anchor(parts[1])))" }
    if modules.contains(where: { $0.name == name }) { return "[\(shown)](../modules/\(name).md)" }
    guard let family = families.first(where: { $0.pages.contains { $0.name == name } }) else { return shown }
    return "[\(shown)](../functions/\(family.name).md#\(Manual.anchor(name)))"
  }

  // MARK: Markdown

  private static func file(_ blocks: [String]) -> String {
    (blocks + [origin]).filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
  }

  private static func anchor(_ name: String) -> String { name.lowercased() }

  /// Text with the marks of Markdown taken literally, code in backquotes apart.
  private static func escaped(_ text: String) -> String {
    var isCode = false
    var result = ""
    for character in text {
      if character == "`" { isCode.toggle() }
      if !isCode, "*_<|".contains(character) { result += "\\" }
      result.append(character)
    }
    return result
  }
}
