import Interpreter

/// A statement that was run at the prompt, with what came of it: what scripts and transcripts are made of.
struct RanStatement: Sendable {
  var text: String
  /// What it printed; of much, the beginning. Pictures are not in it.
  var printed = ""
  /// The figures that it drew while it ran, and how many bytes of `printed` go before each.
  var pictures: [(place: Int, figure: Value)] = []
  /// Its value as the prompt showed it.
  var shown: String?
  /// Its value as `print` writes it 80 columns wide.
  var plain: String?
  /// Its value, where that is a figure: then it has the place of `shown`.
  var figure: Value?
  /// How many figures it drew that are not kept any more, since all of them would take too much memory.
  var lostPictures = 0
  /// The messages of its errors.
  var errors: [String] = []
  var seconds = 0.0
  /// The variables that it set or changed.
  var changes: [String] = []

  /// The most of what is printed that is kept.
  static let mostPrinted = 1 << 16

  init(_ text: String) { self.text = text }

  var isSuccess: Bool { errors.isEmpty }

  /// A part of what a statement wrote.
  enum Part {
    case text(String)
    case figure(Value)
  }

  /// What was printed and drawn, in its order, without the value.
  var output: [Part] {
    var parts: [Part] = []
    let bytes = Array(printed.utf8)
    var start = 0
    for (place, figure) in pictures {
      let end = min(max(place, start), bytes.count)
      if end > start { parts.append(.text(String(decoding: bytes[start..<end], as: UTF8.self))) }
      parts.append(.figure(figure))
      start = end
    }
    if start < bytes.count { parts.append(.text(String(decoding: bytes[start...], as: UTF8.self))) }
    return parts
  }

  var hasPictures: Bool { figure != nil || !pictures.isEmpty }

  /// How many bytes its figures take.
  var pictureBytes: Int {
    (pictures.map(\.figure) + [figure].compactMap { $0 }).reduce(0) { $0 + Session.byteCount(of: $1) }
  }

  /// Forgets its figures.
  mutating func dropPictures() {
    lostPictures += pictures.count + (figure == nil ? 0 : 1)
    (pictures, figure) = ([], nil)
  }

  /// As a saved session holds it.
  var saved: Value {
    Value(fields: [
      ("text", Value(text)), ("printed", Value(printed)), ("shown", shown.map { Value($0) } ?? .none),
      ("plain", plain.map { Value($0) } ?? .none), ("errors", Value(errors)), ("seconds", Value(seconds)),
      ("changes", Value(changes)), ("figure", figure ?? .none), ("lost", Value(lostPictures)),
      ("pictures", Value(pictures.map { Value(fields: [("place", Value($0.place)), ("figure", $0.figure)]) })),
    ])
  }

  /// What `saved` wrote.
  init?(_ value: Value) {
    guard let record = value.asRecord, let text = record["text"]?.asString else { return nil }
    self.text = text
    printed = record["printed"]?.asString ?? ""
    shown = record["shown"]?.asString
    plain = record["plain"]?.asString
    errors = record["errors"]?.asList?.compactMap(\.asString) ?? []
    seconds = record["seconds"]?.asDouble ?? 0
    changes = record["changes"]?.asList?.compactMap(\.asString) ?? []
    if let value = record["figure"], value.asObject?.isPicture ?? false { figure = value }
    lostPictures = record["lost"]?.asInt ?? 0
    for case .record(let picture) in record["pictures"]?.asList ?? [] {
      guard let place = picture["place"]?.asInt, let drawn = picture["figure"], drawn.asObject?.isPicture ?? false
      else {
        continue
      }
      pictures.append((place, drawn))
    }
  }
}

/// The names that a statement speaks of.
struct StatementNames: ProgramWalk {
  /// Names that are read, and those that stand after a point, which may be functions.
  private(set) var read: Set<String> = []
  /// Names that the statement itself sets, as a whole.
  private(set) var set: Set<String> = []
  /// Whether it defines functions, which read their names later.
  private(set) var definesFunctions = false
  private var depth = 0

  init(_ text: String) {
    let program = parse(Source(name: "<prompt>", text: text))
    for statement in program.body.statements {
      switch statement.kind {
      case .assign(_, let pattern, _): for name in pattern.names { set.insert(name.text) }
      case .function(let function): if let name = function.name { set.insert(name.text) }
      case .import(let item): set.insert(item.name.text)
      default: break
      }
    }
    walk(program.body)
    // `x = x + 1` needs the x of before.
    for statement in program.body.statements {
      if case .augmentedAssign(_, let target, _, _) = statement.kind, let name = target.rootName {
        read.insert(name)
      }
    }
  }

  mutating func visit(_ expression: Expr) {
    switch expression.kind {
    case .name(let name): read.insert(name)
    case .methodCall(_, let name, _), .attribute(_, let name): read.insert(name.text)
    default: break
    }
    walk(expression)
  }

  mutating func visit(_ function: Function) {
    definesFunctions = true
    walk(function)
  }
}

/// The fewest of the statements of a session that make some of its variables again.
///
/// What a statement changes was seen when it ran, weights that were trained and streams that moved on included. What it
/// needs are the names in its text, and those in the texts of the functions that it speaks of. So the statements are gone
/// through from the last to the first, and one is taken where it changes what is needed.
enum ShortestScript {
  static func statements(_ all: [RanStatement], for wanted: Set<String>) -> [RanStatement] {
    let names = all.map { StatementNames($0.text) }
    /// The names that a statement needs when it runs.
    func needs(_ index: Int) -> Set<String> {
      var found: Set<String> = []
      var open = names[index].read
      while let name = open.popFirst() {
        guard found.insert(name).inserted else { continue }
        // A function needs what it speaks of when it is called.
        if let definition = all[..<index].lastIndex(where: { $0.changes.contains(name) }),
          names[definition].definesFunctions
        {
          open.formUnion(names[definition].read)
        }
      }
      return found
    }
    var needed = wanted
    // Whoever wants a function wants what it speaks of.
    for name in wanted {
      if let last = all.lastIndex(where: { $0.changes.contains(name) }), names[last].definesFunctions {
        needed.formUnion(names[last].read)
        needed.formUnion(needs(last))
      }
    }
    var taken: [Int] = []
    for index in all.indices.reversed() where all[index].isSuccess {
      let changes = Set(all[index].changes)
      guard !changes.isDisjoint(with: needed) else { continue }
      taken.append(index)
      let own = names[index].set.subtracting(names[index].read)
      needed.subtract(own)
      needed.formUnion(needs(index))
      if names[index].definesFunctions { needed.formUnion(names[index].read) }
    }
    return taken.reversed().map { all[$0] }
  }
}
