import Foundation
import TestSupport
import Testing

@Suite struct LeakTests {
  /// In a process of its own, where nothing else takes memory.
  @Test func tenThousandStepsTakeNoMemory() throws {
    let process = Process()
    process.executableURL = URL(filePath: BuiltProgram.path).deletingLastPathComponent().appending(path: "ltd-bench")
    process.arguments = [FileManager.default.temporaryDirectory.path]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    input.fileHandleForWriting.write(Data("leak 10000\n".utf8))
    try input.fileHandleForWriting.close()
    let answer = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let growth = answer.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    try #require(growth.count == 2, "\(answer)")
    #expect(growth[0] == 0, "bytes of tensors")
    // 9000 steps: an object of 64 bytes leaked in each would take 560 kB. Sanitizers keep freed memory and notes of their own.
    #expect(growth[1] < (isSanitized ? 16_000 : 300), "kB of the process")
  }
}
