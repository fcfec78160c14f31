import Console
import Interpreter
import Stdlib
import Testing

/// The examples in the comments of the library.
@Suite struct LibraryTests {
  @Test(arguments: Stdlib.names)
  func theLibrarysExamplesAreRight(_ name: String) throws {
    let makeSession = { Runner(options: RunnerOptions()).session }
    let examples = CommentExamples(library: try #require(makeSession().moduleDocumentation(of: name)))
    #expect(examples.failures(makeSession) == [])
  }
}
