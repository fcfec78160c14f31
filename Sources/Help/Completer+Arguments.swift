import Base
import Interpreter

/// What may be the value of an argument: the words that its declaration lists, the files of its kind, and the variables
/// and the calls that make a value of its type.
extension Completer {
  /// What may be given for a parameter.
  /// - Parameter quote: the sign that has opened a string; empty outside of one.
  func values(of parameter: FunctionOutline.Parameter, in known: Callee, quote: String) -> [Completion.Candidate] {
    var found: [Completion.Candidate] = []
    if case .words(let words)? = argumentValues(of: parameter, in: known) {
      let sign = quote.isEmpty ? "\"" : ""
      found += words.map { .init(sign + $0 + sign, suffix: quote, type: "string") }
    }
    guard quote.isEmpty, let type = parameter.type, !type.isAny else { return found }
    let names = type.names
    if names.contains("bool") { found += ["true", "false"].map { .init($0, type: "bool") } }
    if names.contains("none"), parameter.hasDefault { found.append(.init("none", type: "none")) }
    // Numbers and strings of the session are not meant by their type alone.
    let kinds = names.filter { !["bool", "none", "int", "float", "number", "string", "any"].contains($0) }
    if kinds.isEmpty { return found }
    let variables = session.variables.filter { !$0.name.hasPrefix("_") && $0.name != "ans" }
    for (name, value) in variables where DeclaredType(kinds.joined(separator: " | "))?.takes(value) == true {
      found.append(candidate(name, suffix: ""))
    }
    let made = kinds.filter { session.table.kinds[$0] != nil && $0 != "tensor" }
    for name in session.table.functions.keys.sorted() where session[name] == nil && !made.isEmpty {
      guard let result = session.outline(of: name)?.result?.names, result.contains(where: made.contains) else {
        continue
      }
      found.append(candidate(name))
    }
    return found
  }

  private func argumentValues(of parameter: FunctionOutline.Parameter, in known: Callee) -> ArgumentValues? {
    guard session[known.name] == nil else { return nil }
    return session.table.functions[known.name]?.values(parameter.name)
  }

  /// What may stand in a string: a word that the argument takes, or a file of its kind.
  func string(_ context: CursorContext, _ text: String) -> Completion {
    let quote =
      text.utf8.dropFirst(Int(context.prefixSpan.start) - 1).first.map { String(Unicode.Scalar($0)) } ?? ""
    if let call = context.call, let known = callee(call), let place = known.position(of: call) {
      let parameter = known.outline.parameters[place]
      switch argumentValues(of: parameter, in: known) {
      case .words:
        return matching(context.prefix, values(of: parameter, in: known, quote: quote))
      case .files(let endings):
        return files(context.prefix, closing: quote) { name in endings.contains { name.hasSuffix($0) } }
      case .folders: return files(context.prefix, closing: quote) { _ in false }
      case .nothing: return .none
      case nil: break
      }
    }
    if let keys = keys(context, text, quote) { return keys }
    let isImport = text.utf8.prefix(max(0, Int(context.prefixSpan.start) - 1)).suffix(7)
    if String(decoding: isImport, as: UTF8.self) == "import " {
      return files(context.prefix, closing: quote) { $0.hasSuffix(".ltd") }
    }
    return files(context.prefix, closing: quote)
  }

  /// The names of fields in `record["…`.
  private func keys(_ context: CursorContext, _ text: String, _ quote: String) -> Completion? {
    let before = text.utf8.prefix(max(0, Int(context.prefixSpan.start) - 1))
    guard before.last == UInt8(ascii: "[") else { return nil }
    let point = String(decoding: before.dropLast(), as: UTF8.self) + "."
    guard case .member(let path) = cursorContext(in: point, at: point.utf8.count).place,
      let known = Receiver(session: session).known(path), case .value(.record(let record)) = known
    else { return nil }
    return matching(
      context.prefix,
      record.fields.map {
        .init($0.0, suffix: quote + "]", type: $0.1.typeName, summary: session.summary(of: $0.1))
      })
  }

  /// The names in a folder: folders, and the files that are wanted.
  func files(_ prefix: String, closing: String, _ isWanted: (String) -> Bool = { _ in true }) -> Completion {
    let slash = prefix.lastIndex(of: "/")
    let folder = slash.map { String(prefix[...$0]) } ?? ""
    let start = slash.map { String(prefix[prefix.index(after: $0)...]) } ?? prefix
    guard let names = try? Folder.names(in: folder.isEmpty ? "." : folder) else { return .none }
    let visible = names.filter { !$0.hasPrefix(".") || start.hasPrefix(".") }.map { Completion.Candidate($0) }
    let fitting = Matching.best(visible, for: start).prefix(1000)
    let found = fitting.compactMap { name -> Completion.Candidate? in
      let status = FileStatus(folder + name.text)
      if status?.isFolder == true { return .init(name.text, suffix: "/", type: "folder") }
      guard isWanted(name.text) else { return nil }
      return .init(name.text, suffix: closing, type: "file")
    }
    if found.isEmpty { return .none }
    return Completion(replaced: start.utf8.count, candidates: found.sorted { $0.text < $1.text })
  }
}
