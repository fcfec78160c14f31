import Syntax

/// What is wrong with the layout that the formatter gives a program: another tree, other comments, a layout that is not
/// its own layout. `nil` if nothing is, or if the program does not parse.
public func layoutProblem(of program: Program) -> String? {
  guard program.diagnostics.isEmpty else { return nil }
  do throws(LTDError) {
    let once = try format(program.source)
    let source = Source(name: "formatted", text: once)
    let again = parse(source)
    if !again.diagnostics.isEmpty { return "does not parse when formatted:\n\(render(again.diagnostics))\(once)" }
    if treeText(program) != treeText(again) { return "the tree changed:\n\(once)" }
    if program.comments.map({ program.source.text($0.span) }) != again.comments.map({ source.text($0.span) }) {
      return "the comments changed:\n\(once)"
    }
    let twice = try format(source)
    if once != twice { return "formatting twice differs:\n\(once)---\n\(twice)" }
    let isTidy = once.utf8.split(separator: UInt8(ascii: "\n")).allSatisfy { $0.last != UInt8(ascii: " ") }
    if !isTidy && !once.contains("\"\"\"") { return "spaces at the end of a line:\n\(once)" }
    return nil
  } catch {
    return error.diagnostic.render()
  }
}
