/// A help page, from the one table or from a function's `##` comment.
public struct Documentation: Sendable {
  public var name: String
  public var signature: String
  public var summary: String
  public var details: String
  public var examples: [Example]
  public var seeAlso: [String]
  public var search: [String]
  public var family: String

  init(_ builtin: Builtin) {
    name = builtin.name
    signature = builtin.signature.text
    summary = builtin.summary
    details = builtin.details
    examples = builtin.examples
    seeAlso = builtin.seeAlso
    search = builtin.search
    family = builtin.family
  }

  init(_ constant: Constant) {
    name = constant.name
    signature = constant.name
    summary = constant.summary
    details = ""
    examples = [Example(constant.name, constant.value.text(PrintOptions()))]
    seeAlso = []
    search = []
    family = constant.family
  }

  /// From the `##` lines above a function: the first sentence or paragraph is the summary, lines that start with `>>>` are
  /// examples with the lines below as their result, `see also: a, b` names related functions.
  init(name: String, signature: String, comment: String, family: String) {
    self.name = name
    self.signature = signature
    self.family = family
    search = []
    var paragraphs: [String] = []
    var current: [String] = []
    var examples: [Example] = []
    var code: String?
    var result: [String] = []
    var seeAlso: [String] = []
    func endExample() {
      if let code { examples.append(Example(code, result.joined(separator: "\n"))) }
      code = nil
      result = []
    }
    for line in comment.split(separator: "\n", omittingEmptySubsequences: false) {
      let text = String(line.drop { $0 == " " })
      if text.hasPrefix(">>>") {
        endExample()
        code = String(text.dropFirst(3).drop { $0 == " " })
      } else if text.isEmpty {
        endExample()
        if !current.isEmpty { paragraphs.append(current.joined(separator: " ")) }
        current = []
      } else if text.lowercased().hasPrefix("see also:") {
        endExample()
        seeAlso = text.dropFirst(9).split(separator: ",").map { $0.filter { $0 != " " && $0 != "." } }
      } else if code != nil {
        result.append(text)
      } else {
        current.append(text)
      }
    }
    endExample()
    if !current.isEmpty { paragraphs.append(current.joined(separator: " ")) }
    summary = paragraphs.first ?? ""
    details = paragraphs.dropFirst().joined(separator: "\n\n")
    self.examples = examples
    self.seeAlso = seeAlso
  }
}

extension Session {
  /// What is known about a function or constant, whether built in or written in the language; `module.name` for those of
  /// an imported module.
  public func documentation(of name: String) -> Documentation? {
    let parts = name.split(separator: ".").map(String.init)
    if parts.count == 2, case .module(let module)? = self[parts[0]], let value = module.globals[parts[1]] {
      return documentation(of: value, family: module.name)
    }
    if let value = self[name], let page = documentation(of: value, family: "session") { return page }
    if let builtin = table.functions[name] { return Documentation(builtin) }
    if let constant = table.constants[name] { return Documentation(constant) }
    return nil
  }

  /// The page of a function value.
  public func documentation(of value: Value, family: String = "session") -> Documentation? {
    guard case .function(let function) = value else { return nil }
    if let builtin = function.builtin { return Documentation(builtin) }
    guard let code = function.code else { return nil }
    return Documentation(
      name: code.name, signature: code.signature.text, comment: code.documentation ?? "", family: family)
  }
}
