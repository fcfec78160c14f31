import Interpreter

/// The pages that `?name` shows, the search of `??words`, and the list of topics.
///
/// Nothing is written for help alone: pages are made of the one table of built-ins, the `##` comments of functions, the
/// members of values, the modules, the tour and the kinds of errors. One name may mean several of them. A variable comes
/// first, then a member, then a function, and a chapter, a family, a module and a kind of value of one name share a page.
/// A name without a page gets advice, what the search finds, or the name that is spelled alike.
///
/// A page is a list of parts, so that a prompt, a notebook or an editor decides where remarks go. Nothing runs for it.
public struct HelpPages {
  /// A part of an answer.
  public enum Part: Equatable, Sendable {
    /// Lines of a page, the last one ended.
    case text(String)
    /// A remark on what is shown, or is not.
    case note(String)
    /// There is nothing to show; the hint says what to type.
    case problem(String, hint: String)
  }

  private let session: Session
  private let commands: [CommandPage]
  private let style: PageStyle

  /// - Parameters:
  ///   - session: whose variables, functions and modules are explained.
  ///   - commands: the commands of the prompt, where there is one.
  ///   - style: how pages are laid out.
  public init(_ session: Session, commands: [CommandPage] = [], style: PageStyle = PageStyle()) {
    self.session = session
    self.commands = commands
    self.style = style
  }

  // MARK: One name

  /// `?name`: all that is known about a function, a constant, a variable, a module, a command, or a word of the tour.
  public func page(of name: String) -> [Part] {
    if let command = commands.first(where: { ":" + $0.name == name }) {
      return [.text("\(style.bold(":\(command.name)")) \(command.form)\n\(command.summary)\n")]
    }
    if name == "help" { return topics }
    if let value = session[name] {
      switch value {
      case .function, .module: break
      default: return [.text(text(name, value))]
      }
    }
    if let member = member(at: name) { return [.text(text(name, member))] }
    let kind = session.table.kinds[name].flatMap { $0.members.isEmpty ? nil : $0 }
    if let documentation = session.documentation(of: name) {
      return [.text(text(documentation) + (kind.map(text) ?? ""))]
    }
    let guides = Guide.all
    let errors = Guide.errors
    if let section = errors[name] { return [.text(text(section))] }
    // A guide or a chapter of one, a family of built-ins, a module and a kind of value may share a name.
    let guide = guides.first { $0.name == name }?.guide
    let section = guides.lazy.compactMap { $0.guide[name] }.first
    let family = session.table.families.first { $0.name == name }
    let module = session.moduleDocumentation(of: name)
    if guide != nil || section != nil || family != nil || module != nil || kind != nil {
      var page = guide.map(text) ?? section.map(text) ?? ""
      if let family {
        if !page.isEmpty || module != nil { page += "\(style.bold("built in"))\n\n" }
        page += style.list(family.functions.map { ($0.name, $0.summary) })
        if module != nil { page += "\n" }
      }
      if let module { page += text(module) }
      if let kind { page += text(kind) }
      return [.text(page)]
    }
    if name.contains("[") || name.contains("("), let page = expression(name) { return [.text(page)] }
    let advice = session.table.advice[name].map { [Part.text(style.paragraphs("\(name): \($0)") + "\n")] } ?? []
    let found = ManualSearch(session, commands)(name)
    if !found.isEmpty {
      return advice + [.note("nothing has just this name; ??\(name) finds"), .text(text(found))]
    }
    if !advice.isEmpty { return advice }
    if let page = expression(name) { return [.text(page)] }
    let words = guides.flatMap { $0.guide.sections.flatMap(\.words) } + errors.sections.map(\.title)
    let near = nearestNames(to: name, in: session.names + session.host.moduleNames + words).first
    return [
      .problem("there is no help on \(name)", hint: near.map { "did you mean ?\($0)?" } ?? "? lists the topics")
    ]
  }

  /// What a variable holds, and what can stand after its point.
  private func text(_ name: String, _ value: Value) -> String {
    var first = "\(style.bold(name)) is \(value.described)\n"
    if case .object(let object) = value {
      var options = session.printing
      options.width = style.width
      if let page = object.page(options) { first += "\n\(page)\n" }
    }
    let members = session.members(of: value)
    if members.contains(where: { !$0.summary.isEmpty }) { return first + text(members, of: name) }
    if members.isEmpty { return first }
    let text =
      members.prefix(50).map { "\(name).\($0.name)" }.joined(separator: ", ") + (members.count > 50 ? ", …" : "")
    return first + style.wrapped(text, style.width).joined(separator: "\n") + "\n"
  }

  private func text(_ kind: Kind) -> String {
    "\n\(style.bold(kind.name)): \(style.paragraphs(kind.summary))\n" + text(kind.members, of: kind.name)
  }

  private func text(_ members: [Member], of name: String) -> String {
    "\n" + style.list(members.map { ("\(name).\($0.name): \($0.type)", $0.summary) })
  }

  /// `?net.layers`: what a member is, and what can be done with it.
  private func text(_ path: String, _ member: Member) -> String {
    var page = "\(style.bold("\(path): \(member.type)"))\n\n\(style.paragraphs(member.summary))\n"
    guard let known = Receiver(session: session).known(path) else { return page }
    switch known {
    case .value(let value): page += "\n" + text(path, value)
    case .type(let type): page += kinds(of: type)
    case .module: break
    }
    return page
  }

  /// `?rows[0].a`, `f(x)?`: what an expression is, as far as that can be told without running it.
  private func expression(_ text: String) -> String? {
    switch Receiver(session: session).known(text) {
    case .value(let value): return self.text(text, value)
    case .type(let type):
      let shown = type.names.filter { $0 != "none" }
      return "\(style.bold(text)) is of the type \(type.text)\n"
        + (shown.isEmpty ? "" : kinds(of: type))
    case .module(let module): return self.text(module)
    case nil: return nil
    }
  }

  /// The pages of the kinds of value that a type names.
  private func kinds(of type: DeclaredType) -> String {
    (type.names + (type.element?.names ?? [])).compactMap { session.table.kinds[$0] }.map { text($0) }.joined()
  }

  /// The examples of the page of a function, in its order; none where the page is of something else.
  public func examples(of name: String) -> [Example] {
    if let value = session[name] {
      switch value {
      case .function, .module: break
      default: return []
      }
    }
    return session.documentation(of: name)?.examples ?? []
  }

  /// The signature of a function and what it does, which the prompt answers where a function's name stands alone.
  public func outline(of value: Value) -> String? {
    guard let page = session.documentation(of: value) else { return nil }
    let lines = style.wrapped(page.qualifiedSignature, style.width - 2).joined(separator: "\n  ")
    return lines
      + (page.summary.isEmpty ? "" : "\n  " + style.wrapped(page.summary, style.width - 2).joined(separator: "\n  "))
  }

  /// The member that a path such as `net.size`, of a variable, or `model.size`, of a kind of value, names.
  private func member(at path: String) -> Member? {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else { return nil }
    let members = session[parts[0]].map { session.members(of: $0) } ?? session.table.kinds[parts[0]]?.members ?? []
    return members.first { $0.name == parts[1] && !$0.summary.isEmpty }
  }

  private func text(_ page: Documentation) -> String {
    let signature = style.wrapped(page.qualifiedSignature, style.width - 2).map { style.bold($0) }
    var parts = [
      signature.joined(separator: "\n  "), style.paragraphs(page.summary),
      String(style.list(page.arguments.map { ($0.text, $0.summary) }).dropLast()), style.paragraphs(page.details),
    ]
    parts += page.examples.map { example in
      let code = lines(of: example.code).enumerated().map {
        style.dim($0.offset == 0 ? "  ltd> " : "       ") + $0.element
      }
      return (code + lines(of: example.result).map { "  \($0)" }).joined(separator: "\n")
    }
    if !page.seeAlso.isEmpty { parts.append(style.paragraphs("see also: " + page.seeAlso.joined(separator: ", "))) }
    return parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
  }

  /// `?tour`, `?temperature`: the first section, and what the others are about.
  private func text(_ guide: Guide) -> String {
    text(Guide.Section(title: guide.title, words: [], text: guide.introduction))
      + style.list(guide.sections.map { ("?\($0.words.first ?? $0.title)", $0.title) }) + "\n"
      + (guide.sections.first.map(text) ?? "")
  }

  private func text(_ section: Guide.Section) -> String {
    var page = "\(style.bold(section.title))\n"
    for block in section.text.split(separator: "\n\n") {
      let isCode = block.drop { $0 == "\n" }.hasPrefix("    ")
      let lines =
        isCode
        ? block.split(separator: "\n").map { String($0.dropFirst(2)) }
        : style.wrapped(String(block), min(style.width, 100))
      if !lines.isEmpty { page += "\n" + lines.joined(separator: "\n") + "\n" }
    }
    return page + "\n"
  }

  private func text(_ page: ModuleDocumentation) -> String {
    var text = "\(style.bold(page.importStatement))\n"
    if !page.summary.isEmpty { text += "\n\(style.paragraphs(page.summary))\n" }
    for paragraph in page.details.split(separator: "\n\n") {
      text += "\n\(style.wrapped(String(paragraph), min(style.width, 100)).joined(separator: "\n"))\n"
    }
    return text + "\n" + style.list(page.functions.map { ("\(page.name).\($0.name)", $0.summary) })
  }

  private func lines(of text: String) -> [Substring] {
    text.isEmpty ? [] : text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  // MARK: Search

  /// `??words`: the pages that have all of the words, or as many of them as any page has.
  public func search(_ words: String) -> [Part] {
    if words.isEmpty { return [.problem("?? takes a word", hint: "??distillation")] }
    let isKnown = session.table.functions[words] != nil
    let advice = isKnown ? nil : session.table.advice[words] ?? session.table.advice[words.lowercased()]
    let first = advice.map { [Part.text(style.paragraphs("\(words): \($0)") + "\n")] } ?? []
    let found = ManualSearch(session, commands)(words)
    if !found.isEmpty { return first + [.text(text(found))] }
    if !first.isEmpty { return first }
    let near = nearestNames(to: words, in: session.pages.flatMap { [$0.name] + $0.search } + session.table.advice.keys)
      .first
    return [
      .note(
        "nothing has \(words) in its description; " + (near.map { "did you mean ??\($0)?" } ?? "? lists the topics"))
    ]
  }

  private func text(_ found: [ManualSearch.Result]) -> String {
    let more = found.count - ManualSearch.shown
    return style.list(found.prefix(ManualSearch.shown).map { ($0.name, $0.summary) })
      + (more > 0 ? style.dim("  … \(more) more; a second word narrows it") + "\n" : "")
  }

  // MARK: Topics

  /// `?`: the chapters and what is in them.
  public var topics: [Part] {
    var page =
      style.paragraphs(
        "New here? ?tour takes ten minutes. ?name explains, ??word searches, :help is about the prompt itself.") + "\n"
    for family in session.table.families {
      page += "\n\(style.bold(family.name))\n"
      let names = family.functions.map(\.name)
      for line in columns(names, width: max(20, style.width - 2)).split(separator: "\n") { page += "  \(line)\n" }
    }
    page += "\n\(style.bold("modules"))\n"
    page += style.paragraphs("(import tables, then tables.pivot(…); ?tables lists what is in it)") + "\n"
    page += style.list(
      session.host.moduleNames.compactMap { name in
        session.moduleDocumentation(of: name).map { (name, $0.summary) }
      })
    return [.text(page)]
  }
}
