import Console
import Foundation
import TestSupport
import Testing

/// `download` as a person meets it, with a server on this machine as the mirror.
@Suite(.enabled(if: SharedFiles.data != nil, "there is no image data"))
struct DownloadTests {
  typealias Answer = LoopbackServer.Answer

  private let folder: TemporaryFolder
  private let files: [String: [UInt8]]

  init() throws {
    folder = try TemporaryFolder()
    let data = try #require(SharedFiles.data).appending(path: "mnist")
    let names = try FileManager.default.contentsOfDirectory(atPath: data.path)
    files = Dictionary(
      uniqueKeysWithValues: try names.map { ("/mnist/\($0)", Array(try Data(contentsOf: data.appending(path: $0)))) })
  }

  private func variables(_ server: LoopbackServer) -> [String: String] {
    ["LTD_MIRROR": server.address + "/", "no_proxy": "127.0.0.1"]
  }

  @Test func aDataSetIsDownloadedAndRead() throws {
    let server = try LoopbackServer(files: files)
    let code = "train, test = mnist(download(\"mnist\", args()[0])); print(len(train), len(test))"
    for said in ["complete and verified (11.6 MB): mnist(dir) reads it", "already, verified: nothing was downloaded"] {
      let child = ChildProcess.run(
        BuiltProgram.path, ["-e", code, folder.path("a/b")], input: "", environment: variables(server), seconds: 60)
      #expect(child.ending == .exited(0) && child.output == "60000 10000\n", "\(child.errorOutput)")
      #expect(child.errorOutput.contains(said), "\(child.errorOutput)")
    }
    #expect(server.requests.count == 4)
  }

  @Test func controlCKeepsAPartAndTheSameCallContinues() throws {
    let files = files
    let server = try LoopbackServer { request, count in
      var answer = files[request.path].map { Answer.file($0, request) } ?? Answer(status: 404)
      if count == 0 { (answer.piece, answer.pause) = (500_000, 0.2) }
      return answer
    }
    let terminal = try PseudoTerminal(home: URL(filePath: folder.path), variables: variables(server))
    #expect(terminal.wait(for: "ltd> ") != nil)
    terminal.type("download(\"mnist\", \"\(folder.path("data"))\")\n")
    #expect(terminal.wait(for: "MB/s") != nil, "progress is shown: \(terminal.shown)")
    terminal.interrupt()
    #expect(terminal.wait(for: "the same call continues") != nil)
    #expect(terminal.wait(for: "interrupted") != nil)
    #expect(terminal.wait(for: "ltd> ") != nil)
    let part = try folder.read("data/train-images-idx3-ubyte.gz.part")
    terminal.type("download(\"mnist\", \"\(folder.path("data"))\")\n")
    #expect(terminal.wait(for: "complete and verified") != nil, "\(terminal.shown)")
    #expect(server.requests.dropFirst().first?.offset == part.count)
  }
}
