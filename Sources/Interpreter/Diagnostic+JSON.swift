import Base
import Syntax

extension Diagnostic {
  /// The message as one line of JSON, for editors and other tools; lines and columns count from 1.
  public var json: String {
    var members: [JSON.Member] = [
      JSON.Member("severity", .string(kind == .warning ? "warning" : "error")),
      JSON.Member("kind", .string(kind.rawValue)), JSON.Member("code", .string(kind.code)),
      JSON.Member("message", .string(message)),
    ]
    if let source, let span { members += Self.place(source, span) }
    if let primaryLabel { members.append(JSON.Member("label", .string(primaryLabel))) }
    if let hint { members.append(JSON.Member("hint", .string(hint))) }
    if !notes.isEmpty { members.append(JSON.Member("notes", .array(notes.map { .string($0) }))) }
    if let source, !labels.isEmpty {
      let items = labels.map { JSON.object(Self.place(source, $0.span) + [JSON.Member("text", .string($0.text))]) }
      members.append(JSON.Member("labels", .array(items)))
    }
    if !trace.isEmpty {
      let items = trace.map {
        JSON.object([JSON.Member("function", .string($0.function))] + Self.place($0.source, $0.span))
      }
      members.append(JSON.Member("trace", .array(items)))
    }
    return JSON.object(members).line
  }

  private static func place(_ source: Source, _ span: Span) -> [JSON.Member] {
    let start = source.position(at: Int(span.start))
    let end = source.position(at: Int(span.end))
    return [
      JSON.Member("file", .string(source.name)), JSON.Member("line", .int(start.line)),
      JSON.Member("column", .int(start.column)), JSON.Member("endLine", .int(end.line)),
      JSON.Member("endColumn", .int(end.column)), JSON.Member("offset", .int(Int(span.start))),
      JSON.Member("length", .int(Int(span.end &- span.start))),
    ]
  }
}

/// What a program writes to standard error, as one line of JSON among those of its errors.
public func printedJSON(_ text: String) -> String {
  JSON.object([JSON.Member("severity", .string("printed")), JSON.Member("message", .string(text))]).line
}
