import Interpreter
import Platform

/// What the prompt remembers of its session beside the variables: the moment before the statement under way, what the
/// last statements changed, and who saves it all when the process is ended.
final class SessionMemory {
  private unowned let prompt: Prompt
  let keeper: SessionKeeper
  private(set) var moment: SessionMoment
  var undo = VariableUndo()
  private var running: String?
  private var depth = 0
  /// How many statements there were when this one began.
  private var count = 0
  private var isStarted = false
  /// The variables of which it was said that they are too large to be taken back.
  private var said: Set<String> = []

  init(_ prompt: Prompt) {
    self.prompt = prompt
    keeper = SessionKeeper(prompt.session, folder: SessionKeeper.defaultFolder)
    moment = prompt.session.moment()
  }

  /// Begins to watch over the session of a terminal, and says what there is to bring back.
  func start() {
    moment = prompt.session.moment(after: moment)
    publish()
    guard Terminal.isTerminal(0) else { return }
    isStarted = true
    keeper.start()
    let kept = KeptSession.all(in: SessionKeeper.defaultFolder)
    if let newest = kept.first { prompt.note(newest.offer(others: kept.count - 1)) }
  }

  /// The prompt returns.
  func leave(isAsked: Bool) {
    keeper.leave()
    if isStarted, !isAsked { _ = keeper.save("a hang-up") }
  }

  /// A statement, or a command that changes the session, begins.
  func begin(_ text: String) {
    depth += 1
    guard depth == 1 else { return }
    running = text
    count = prompt.statements.count
    keeper.begin()
  }

  /// It has ended.
  ///
  /// - Parameter whole: whether the session was replaced.
  func end(whole: Bool = false) {
    depth -= 1
    guard depth == 0, let text = running else { return }
    running = nil
    let before = moment
    moment = prompt.session.moment(after: before)
    let step = step(text, before, whole: whole)
    if count < prompt.statements.count, !whole {
      prompt.statements[prompt.statements.count - 1].changes = Set(step.changes.map(\.name) + step.pointNames).sorted()
    }
    sayLost(undo.add(step))
    publish()
  }

  /// Says of a variable, the first time that a statement may have changed it, that this cannot be taken back.
  private func sayLost(_ names: [String]) {
    let new = names.filter { said.insert($0).inserted }
    if new.isEmpty { return }
    let list = new.joined(separator: ", ")
    prompt.note(
      ":undo cannot take back what statements do to \(list): more than \(byteText(undo.limit)) would have to be kept")
  }

  /// After a change that is no statement, such as an undo.
  func look() {
    moment = prompt.session.moment(after: moment)
    publish()
  }

  private func publish() { keeper.end(moment, prompt.statements) }

  private func step(_ text: String, _ before: SessionMoment, whole: Bool) -> VariableUndo.Step {
    if whole {
      let bytes = before.variables.reduce(0) { $0 + before.byteCount(of: $1.name) }
      return VariableUndo.Step(text: text, changes: [], points: [], lost: [], whole: before, byteCount: bytes)
    }
    var step = VariableUndo.Step(text: text, changes: [], points: [], lost: [], byteCount: 0)
    func isOwn(_ name: String) -> Bool {
      name == "_" || name == "ans" || name.hasPrefix("_") && Int(name.dropFirst()) != nil
    }
    var old = before.variables[...]
    var new = moment.variables[...]
    func note(_ name: String, _ variable: SessionMoment.Variable?) {
      if isOwn(name) { return }
      let bytes = variable == nil ? 0 : before.byteCount(of: name)
      step.changes.append(VariableUndo.Change(name: name, before: variable, byteCount: bytes))
      step.byteCount += bytes
    }
    while let first = old.first ?? new.first {
      if let a = old.first, let b = new.first, a.name == b.name {
        if !a.value.isSameReference(b.value) || a.isConstant != b.isConstant { note(a.name, a) }
        old = old.dropFirst()
        new = new.dropFirst()
      } else if let a = old.first, new.first.map({ a.name < $0.name }) ?? true {
        note(a.name, a)
        old = old.dropFirst()
      } else {
        note(new.first?.name ?? first.name, nil)
        new = new.dropFirst()
      }
    }
    step.points = before.points.filter(\.isChanged)
    step.pointNames = step.points.flatMap { moment.names(reaching: $0.owner) }
    let spoken = before.omitted.isEmpty ? [] : StatementNames(text).read
    step.lost = before.omitted.map(\.name).filter { spoken.contains($0) && before[$0] != nil }
    step.byteCount += step.points.reduce(0) { $0 + $1.byteCount }
    return step
  }
}
