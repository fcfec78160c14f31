import Base
import Interpreter
import Tensors

/// Elements whose loop reports how far it is.
final class TrackedObject: HostObject {
  private let items: [Value]
  private let title: String
  /// Who shows how far a loop is; nil where it is to be quiet.
  private let host: (any Host)?

  /// Reads the arguments `xs`, `title` and `quiet`.
  init(_ call: Call) throws {
    items = try call["xs"].elements(call.session)
    title = try call.string("title")
    host = try call.bool("quiet") ? nil : call.session.host
  }

  init(_ items: ListValue, title: String, host: (any Host)?) {
    (self.items, self.title, self.host) = (items.items, title, host)
  }

  override func save(to out: ObjectWriter) throws(CoreError) {
    out.kind = "tracked"
    try out.write(Value(items))
    out.write(title)
    out.write(host != nil)
  }
  override var parts: [Value] { items }

  override class var typeName: String { "tracked" }
  override class var typeSummary: String { "Elements whose loop shows how far it is." }
  override var length: Int? { items.count }

  override func makeIterator() throws -> (() throws -> Value?)? {
    let run = Run(items, title, host?.progress() ?? SilentProgress())
    return { run.next() }
  }

  override func shortText(_ options: PrintOptions) -> String { "<\(items.count) tracked elements>" }

  /// One loop; gone, with its line, when the loop is left in whatever way.
  private final class Run {
    private let items: [Value]
    private let title: String
    private let progress: any Progress
    private let start = monotonicSeconds()
    private var place = 0

    init(_ items: [Value], _ title: String, _ progress: any Progress) {
      self.items = items
      self.title = title
      self.progress = progress
    }

    deinit { progress.finish() }

    func next() -> Value? {
      let taken = monotonicSeconds() - start
      let left = place > 0 ? taken / Double(place) * Double(items.count - place) : nil
      progress.update(title: title, done: place, total: items.count, fields: [], secondsLeft: left)
      guard place < items.count else {
        progress.finish()
        return nil
      }
      defer { place += 1 }
      return items[place]
    }
  }
}
