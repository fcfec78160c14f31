import Base
import Interpreter

/// Finds what can stand at a cursor: names and members of the session, arguments and their values, files, commands.
///
/// The language's own scanner says where the cursor is (`cursorContext`): at a name, after a point, in a string, after
/// `import`, or where nothing can be completed. The candidates then come from what the session knows: its variables, the
/// one table of built-ins, the members of values, the signatures of functions, and the names in a folder. After a point
/// stand the members of what is known there (`Receiver`), and the functions whose first parameter takes it. Nothing of the
/// user's runs for it, so that pressing Tab never changes anything. What fits is decided by `Matching`.
public struct Completer {
  let session: Session
  let commands: [CommandPage]
  private let pointers = PagePointers()
  let typed = TypedTokens()

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
    case .module:
      return matching(
        context.prefix,
        session.host.moduleNames.map {
          .init($0, type: "module", summary: session.moduleDocumentation(of: $0)?.summary ?? "")
        })
    case .string: return string(context, before)
    case .member(let receiver):
      return spelled(matching(context.prefix, members(of: receiver, isOpen: context.prefix.isEmpty)))
    case .name: return name(context)
    }
  }

  /// What stands after `:`.
  private func command(_ text: String) -> Completion {
    guard let space = text.firstIndex(of: " ") else {
      return matching(text, commands.map { .init($0.name, suffix: " ", type: $0.form, summary: $0.summary) })
    }
    let rest = String(text[space...].drop { $0 == " " })
    switch commands.first(where: { $0.name == text[..<space] })?.argument ?? .statement {
    case .file: return files(rest, closing: "")
    case .choice(let words): return matching(rest, words.map { .init($0, suffix: " ") })
    case .page: return helped(rest)
    case .name: return matching(rest, session.names.map { candidate($0, suffix: "") })
    case .statement: return complete(rest, cursor: rest.utf8.count)
    }
  }

  func matching(_ prefix: String, _ candidates: [Completion.Candidate]) -> Completion {
    var seen: Set<String> = []
    let found = Matching.best(candidates, for: prefix).filter { seen.insert($0.text + $0.suffix).inserted }
    return found.isEmpty ? .none : Completion(replaced: prefix.utf8.count, candidates: found)
  }

  /// What stands after `?`: whatever has a page.
  private func helped(_ prefix: String) -> Completion {
    if let point = prefix.lastIndex(of: ".") {
      let path = String(prefix[..<point])
      let rest = String(prefix[prefix.index(after: point)...])
      if let functions = session.moduleDocumentation(of: path)?.functions {
        return matching(rest, functions.map { .init($0.name, type: "function", summary: $0.summary) })
      }
      return matching(rest, members(of: path, isOpen: true).map { .init($0.text, type: $0.type, summary: $0.summary) })
    }
    let sections = Guide.all.flatMap { name, guide in
      guide.sections.flatMap { section in
        section.words.map { Completion.Candidate($0, type: name, summary: section.title) }
      }
    }
    let errors = Guide.errors.sections.map { Completion.Candidate($0.title, type: "error") }
    let modules = session.host.moduleNames.map {
      Completion.Candidate($0, type: "module", summary: session.moduleDocumentation(of: $0)?.summary ?? "")
    }
    let names = session.names.map { candidate($0, suffix: "") }
    return matching(
      prefix,
      (names + modules + [.init("tour", summary: "ten minutes of ltd")] + sections + errors)
        .sorted { $0.text < $1.text })
  }

  // MARK: Names

  private func name(_ context: CursorContext) -> Completion {
    var arguments: [Completion.Candidate] = []
    var values: [Completion.Candidate] = []
    if let call = context.call, let known = callee(call) {
      if call.isAtArgumentStart { arguments = namedArguments(known, call) }
      if call.isAtArgumentStart || call.argumentName != nil, let place = known.position(of: call) {
        values = self.values(of: known.outline.parameters[place], in: known, quote: "")
      }
    }
    if context.prefix.isEmpty { return matching("", values + arguments) }
    return matching(context.prefix, arguments + (values + names()).sorted { $0.text < $1.text })
  }

  /// Every name that can stand in an expression, and the words of the language.
  func names() -> [Completion.Candidate] {
    let keywords = Token.Kind.keywords.map { Completion.Candidate($0, suffix: " ", type: "word of the language") }
    return session.names.map { candidate($0) } + keywords
  }

  /// A name of the session with what it is.
  func candidate(_ name: String, suffix: String? = nil) -> Completion.Candidate {
    .init(
      name, suffix: suffix ?? self.suffix(of: name), type: type(of: name), summary: session.summary(of: name))
  }

  private func suffix(of name: String) -> String {
    if let value = session[name] {
      if case .function = value { return "(" }
      return ""
    }
    return session.table.functions[name] == nil ? "" : "("
  }

  /// The type of a variable, or what a function returns.
  private func type(of name: String) -> String {
    if let value = session[name] {
      if case .function = value { return "function" }
      return value.typeName
    }
    if let builtin = session.table.functions[name] {
      let result = FunctionOutline(builtin.signature).result?.text
      return result.map { $0 == "any" || $0 == "none" ? "function" : "-> \($0)" } ?? "function"
    }
    return session.table.constants[name]?.value.typeName ?? ""
  }

  /// `name=` for each parameter that neither a name nor a place has given a value yet.
  private func namedArguments(_ known: Callee, _ call: CursorContext.Call) -> [Completion.Candidate] {
    let open = known.open(in: call)
    if open.isEmpty { return [] }
    let notes = session.documentation(of: known.name)?.arguments ?? []
    return open.map { parameter in
      .init(
        parameter.name, suffix: "=",
        type: String(parameter.text.dropFirst(parameter.name.count).drop { $0 == ":" || $0 == " " }),
        summary: notes.first { $0.name == parameter.name }?.summary ?? "")
    }
  }

  // MARK: Members

  /// What can stand after the point of an expression.
  /// - Parameter isOpen: whether nothing is typed after the point yet, so that only what belongs there is listed.
  func members(of path: String, isOpen: Bool) -> [Completion.Candidate] {
    guard let known = Receiver(session: session).known(path) else {
      // Nothing is known of it: any function may take it.
      return isOpen ? [] : functions { _ in true }
    }
    switch known {
    case .module(let module):
      return module.functions.map { .init($0.name, suffix: "(", type: "function", summary: $0.summary) }
    case .value(let value):
      let own = session.members(of: value).map { candidate($0, of: value) }
      if case .module = value { return own }
      return own + fitting(own.count, isOpen) { $0.takes(value) }
    case .type(let type):
      let own = Receiver(session: session).members(of: known).map { candidate($0, of: nil) }
      return own + fitting(own.count, isOpen) { $0.takes(type) }
    }
  }

  /// Names of fields that are no names of the language, such as `conv1.weight`, stand in brackets, which take the place of
  /// the point.
  private func spelled(_ completion: Completion) -> Completion {
    func isName(_ text: String) -> Bool {
      text.unicodeScalars.allSatisfy { $0.properties.isXIDContinue } && text.first?.isNumber == false
    }
    if completion.candidates.allSatisfy({ isName($0.text) }) { return completion }
    var spelled = completion
    spelled.replaced += 1
    for index in spelled.candidates.indices {
      let name = spelled.candidates[index].text
      spelled.candidates[index].text = isName(name) ? ".\(name)" : "[\(Value(name).shortText(.full))]"
    }
    return spelled
  }

  private func candidate(_ member: Member, of value: Value?) -> Completion.Candidate {
    var (type, summary) = (member.type, member.summary)
    if summary.isEmpty, let part = value.flatMap({ Receiver(session: session).member(member.name, of: .value($0)) }),
      case .value(let part) = part
    {
      summary = session.summary(of: part)
      if case .function = part { type = "function" }
    }
    return .init(member.name, suffix: type == "function" ? "(" : "", type: type, summary: summary)
  }

  /// Whether the first parameter of a function takes what stands before the point. What takes anything, as `print` does,
  /// and what only keeps it as a setting, as `net.ltd(…)` does, is not listed before a letter is typed.
  private func takes(_ outline: FunctionOutline, isOpen: Bool, _ fits: (DeclaredType) -> Bool) -> Bool {
    guard let first = outline.parameters.first, first.kind != .named else { return false }
    guard let type = first.type, !type.isAny else { return !isOpen }
    if isOpen, let result = outline.result?.names.first, makes(result), !type.names.contains(result) { return false }
    return fits(type)
  }

  /// Whether a type is that of values which hold settings: attacks, methods, schedules. Those are made by calls, and
  /// nothing but their makers returns them.
  private func makes(_ type: String) -> Bool {
    ["attack", "method", "schedule", "augmentation", "temperature", "layer", "optimiser"].contains(type)
  }

  /// The functions whose first parameter takes what stands before the point. Before a letter is typed, those that pages
  /// speak of most, no more than a menu has room for beside the members.
  private func fitting(_ members: Int, _ isOpen: Bool, _ fits: (DeclaredType) -> Bool) -> [Completion.Candidate] {
    let all = functions { takes($0, isOpen: isOpen, fits) }
    guard isOpen, all.count + members > Self.room else { return all }
    let ranked = all.sorted { (-rank(of: $0.text), $0.text) < (-rank(of: $1.text), $1.text) }
    let kept = Set(ranked.prefix(max(Self.room - members, Self.room / 2)).map(\.text))
    return all.filter { kept.contains($0.text) }
  }

  /// How many names stand after a point before a letter is typed.
  private static let room = 25

  /// How often the pages of built-ins speak of a function; those of the session and of modules count most.
  private func rank(of name: String) -> Int {
    session.table.functions[name] == nil || session[name] != nil ? .max : pointers.count(of: name, in: session.table)
  }

  private func functions(_ isOffered: (FunctionOutline) -> Bool) -> [Completion.Candidate] {
    session.names.compactMap { name in
      guard suffix(of: name) == "(", let outline = session.outline(of: name), isOffered(outline) else { return nil }
      return candidate(name)
    }
  }
}

/// How often the pages of a table speak of each function, as something related or in an example; counted once.
private final class PagePointers {
  private var counts: [String: Int]?

  func count(of name: String, in table: BuiltinTable) -> Int {
    let counts =
      self.counts
      ?? table.functions.values.reduce(into: [:]) { counts, page in
        for other in page.seeAlso { counts[other, default: 0] += 1 }
        for example in page.examples {
          let words = example.code.utf8.split { !Self.isPartOfName($0) }
          for word in Set(words.map { String(Substring($0)) }) where word != page.name { counts[word, default: 0] += 1 }
        }
      }
    self.counts = counts
    return counts[name] ?? 0
  }

  private static func isPartOfName(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || byte >= 0x80 || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
}
