import Base
import Console
import Foundation
import TestSupport
import Testing

/// The programs of `examples` at a small size: what the manual shows of them is what they do.
@Suite
struct ExampleProgramTests {
  private func run(_ words: [String], seconds: Double = 120) throws -> String {
    let file = SharedFiles.packageRoot.appending(path: "examples/\(words[0])").path
    let ended = ChildProcess.run(BuiltProgram.path, [file] + words.dropFirst(), seconds: seconds)
    #expect(ended.ending == .exited(0), "\(ended.errorOutput.suffix(2000))")
    return ended.output
  }

  /// The figures of the page on temperature, and what they show: an attack that does not depend on the size of the logits
  /// finds the same at every temperature.
  @Test func theFiguresOfThePageOnTemperature() throws {
    let folder = try TemporaryFolder()
    let output = try run(["temperature.ltd", folder.path, "300"])
    for name in ["labels", "gradients", "illusion"] {
      let page = try String(contentsOfFile: "\(folder.path)/temperature-\(name).svg", encoding: .utf8)
      #expect(page.contains("<svg"))
    }
    let lines = output.split(separator: "\n").map { $0.split(separator: " ") }
    let head = try #require(lines.firstIndex { $0 == ["T", "cross_entropy", "mifpe"] })
    let rescued = lines[(head + 1)...].prefix(8).compactMap { $0.last.flatMap { Double($0) } }
    #expect(rescued.count == 8)
    #expect((rescued.max() ?? 1) - (rescued.min() ?? 0) < 0.02, "\(output)")
  }
}
