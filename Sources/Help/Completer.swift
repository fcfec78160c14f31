import Base
import Interpreter

/// Finds what can stand at a cursor: names and members of the session, named arguments, files, commands.
///
/// The language's own scanner says where the cursor is (`cursorContext`): at a name, after a point, in a string, after
/// `import`, or where nothing can be completed. The candidates then come from what the session knows: its variables, the
/// one table of built-ins, the members of values, the signatures of functions, and the names in a folder. After a point
/// stand the members of the value, and the functions whose first parameter takes it. Values are read only as far as that
/// runs no code, so that pressing Tab never changes anything.
public struct Completer {
  private let session: Session
  private let commands: [CommandPage]

  /// - Parameters:
  ///   - session: whose names are offered.
  ///   - commands: the commands of the prompt, where there is one.
  public init(session: Session, commands: [CommandPage] = []) {
    self.session = session
    self.commands = commands
  }

  /// Completes a statement.
  /// - Parameter cursor: its position in bytes of UTF-8; what stands after it is not looked at.
  public func complete(_ text: String, cursor: Int) -> Completion {
    let before = String(decoding: text.utf8.prefix(max(0, cursor)), as: UTF8.self)
    let start = before.drop { $0 == " " }
    if start.first == ":" { return command(String(start.dropFirst())) }
    if start.first == "?" {
      return helped(String(start.drop { $0 == "?" || $0 == " " }))
    }
    if before.reversed().prefix(while: { $0 != "\n" }).allSatisfy({ $0 == " " }) {
      return Completion(replaced: 0, candidates: [.init("  ")])
    }
    let context = cursorContext(in: before, at: before.utf8.count)
    switch context.place {
    case .nothing: return .none
    case .module: return matching(context.prefix, session.host.moduleNames.map { .init($0) })
    case .string:
      let quote = before.utf8.dropFirst(Int(context.prefixSpan.start) - 1).first.map { String(Unicode.Scalar($0)) }
      return files(context.prefix, closing: quote ?? "")
    case .member(let receiver): return matching(context.prefix, members(of: receiver))
    case .name:
      var arguments: [Completion.Candidate] = []
      if let call = context.call, call.isAtArgumentStart {
        arguments = namedArguments(of: callee(call)).filter { !call.givenNames.contains($0.text) }
      }
      return matching(context.prefix, context.prefix.isEmpty ? arguments : arguments + names())
    }
  }

  /// What stands after `:`.
  private func command(_ text: String) -> Completion {
    guard let space = text.firstIndex(of: " ") else {
      return matching(text, commands.map { .init($0.name, suffix: " ") })
    }
    let rest = String(text[space...].drop { $0 == " " })
    switch commands.first(where: { $0.name == text[..<space] })?.argument ?? .statement {
    case .file: return files(rest, closing: "")
    case .choice(let words): return matching(rest, words.map { .init($0, suffix: " ") })
    case .page: return helped(rest)
    case .name: return matching(rest, session.names.map { .init($0) })
    case .statement: return complete(rest, cursor: rest.utf8.count)
    }
  }

  private func matching(_ prefix: String, _ candidates: [Completion.Candidate]) -> Completion {
    var seen: Set<String> = []
    let found = candidates.filter { $0.text.hasPrefix(prefix) && seen.insert($0.text + $0.suffix).inserted }
    return Completion(replaced: prefix.utf8.count, candidates: found)
  }

  /// What stands after `?`: whatever has a page.
  private func helped(_ prefix: String) -> Completion {
    if let point = prefix.lastIndex(of: ".") {
      let functions = session.moduleDocumentation(of: String(prefix[..<point]))?.functions ?? []
      return matching(String(prefix[prefix.index(after: point)...]), functions.map { .init($0.name) })
    }
    let words = ["tour"] + Guide().sections.flatMap(\.words) + Guide.errors.sections.map(\.title)
    return matching(prefix, (session.names + session.host.moduleNames + words).sorted().map { .init($0) })
  }

  // MARK: Names

  private func names() -> [Completion.Candidate] {
    let keywords = Token.Kind.keywords.map { Completion.Candidate($0, suffix: " ") }
    return (session.names.map { .init($0, suffix: suffix(of: $0)) } + keywords).sorted { $0.text < $1.text }
  }

  private func suffix(of name: String) -> String {
    if let value = session[name] {
      if case .function = value { return "(" }
      return ""
    }
    return session.table.functions[name] == nil ? "" : "("
  }

  /// `name=` for each parameter of a function that can be given by name.
  private func namedArguments(of name: String) -> [Completion.Candidate] {
    parameters(of: name).filter { $0.kind == .normal }.map { .init($0.name.text, suffix: "=") }
  }

  /// The function of a call, with its module where it has one.
  private func callee(_ call: CursorContext.Call) -> String {
    guard let receiver = call.receiver, session.moduleDocumentation(of: receiver) != nil else { return call.function }
    return "\(receiver).\(call.function)"
  }

  private func parameters(of name: String) -> [Parameter] {
    var text = session.documentation(of: name)?.signature
    if case .object(let object)? = session[name] { text = object.callSignature?.text }
    guard let text, let signature = try? parseSignature(text) else { return [] }
    return signature.parameters
  }

  // MARK: Members

  private func members(of receiver: String) -> [Completion.Candidate] {
    guard let value = value(at: receiver) else {
      // A module that is not imported yet: what it would have.
      if let module = session.moduleDocumentation(of: receiver) {
        return module.functions.map { .init($0.name, suffix: "(") }
      }
      return functions { _ in true }
    }
    let own = session.members(of: value).map { member in
      Completion.Candidate(member.name, suffix: member.type == "function" ? "(" : "")
    }
    if case .module = value { return own }
    return own + functions { takes($0, value) }
  }

  /// The value of `a.b.c`, read without running anything.
  private func value(at path: String) -> Value? {
    var parts = path.split(separator: ".").map(String.init)
    guard !parts.isEmpty, var value = session[parts.removeFirst()] else { return nil }
    for part in parts {
      guard case .record(let record) = value, let field = record[part] else { return nil }
      value = field
    }
    return value
  }

  private func functions(_ isOffered: (Parameter) -> Bool) -> [Completion.Candidate] {
    session.names.compactMap { name in
      guard suffix(of: name) == "(", let first = parameters(of: name).first, first.kind == .normal, isOffered(first)
      else { return nil }
      return .init(name, suffix: "(")
    }
  }

  /// Whether a parameter takes a value, as far as the name of its type says.
  private func takes(_ parameter: Parameter, _ value: Value) -> Bool {
    guard let type = parameter.type else { return true }
    return type.alternatives.contains { term in
      switch (term.name.text, value) {
      case ("any", _), ("number", .int), ("number", .float), ("float", .int): true
      case ("tensor", .list): true
      case (let name, .object(let object)): object.isKind(of: name)
      case (let name, _): name == value.typeName
      }
    }
  }

  // MARK: Files

  private func files(_ prefix: String, closing: String) -> Completion {
    let slash = prefix.lastIndex(of: "/")
    let folder = slash.map { String(prefix[...$0]) } ?? ""
    let start = slash.map { String(prefix[prefix.index(after: $0)...]) } ?? prefix
    guard let names = try? Folder.names(in: folder.isEmpty ? "." : folder) else { return .none }
    let fitting = names.filter { $0.hasPrefix(start) && (!$0.hasPrefix(".") || start.hasPrefix(".")) }
    let found = fitting.prefix(1000).map { name in
      Completion.Candidate(name, suffix: FileStatus(folder + name)?.isFolder == true ? "/" : closing)
    }
    return Completion(replaced: start.utf8.count, candidates: found.sorted { $0.text < $1.text })
  }
}
