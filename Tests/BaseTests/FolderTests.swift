import Base
import Foundation
import TestSupport
import Testing

@Suite struct FolderTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  @Test func namesAreInTheOrderOfTheirBytes() throws {
    for name in ["b", "é", "B", "a.ltd", ".hidden", "10", "9"] { try folder.write([], name) }
    #expect(try Folder.names(in: folder.path) == [".hidden", "10", "9", "B", "a.ltd", "b", "é"])
    expectError(.io, containing: "cannot list", "not a folder") { _ = try Folder.names(in: folder.path("b")) }
  }

  @Test func foldersAreMadeWithThoseAbove() throws {
    for path in ["a/b/c", "a/b/c", "a//d/", "./a/e"] {
      try Folder.make(folder.path(path))
      #expect(FileStatus(folder.path(path))?.isFolder == true)
    }
    try folder.write([], "file")
    try Folder.make("/")
    expectError(.io, containing: "cannot make the folder", "file/x", "not a folder") {
      try Folder.make(folder.path("file/x/y"))
    }
    expectError(.io, containing: "is not a path") { try Folder.make("") }
  }

  @Test func scriptsAreFoundBelowAFolder() throws {
    for name in ["sub", "sub/_deep", ".git"] { try folder.makeFolder(name) }
    for name in ["b.ltd", "a.ltd", "_c.ltd", "notes.txt", "sub/d.ltd", "sub/_deep/e.ltd", ".git/f.ltd", ".g.ltd"] {
      try folder.write([], name)
    }
    symlink(folder.path, folder.path("sub/round"))
    let found = try Folder.scripts(folder.path).map { String($0.dropFirst(folder.path.count + 1)) }
    #expect(found == ["a.ltd", "b.ltd", "sub/d.ltd"])
    let all = try Folder.scripts(folder.path + "/", includingHidden: true)
    #expect(
      all.map { String($0.dropFirst(folder.path.count + 1)) } == [
        "_c.ltd", "a.ltd", "b.ltd", "sub/_deep/e.ltd", "sub/d.ltd",
      ])
    #expect(try Folder.scripts("-") == ["-"])
    #expect(try Folder.scripts(folder.path("notes.txt")) == [folder.path("notes.txt")])
  }

  @Test func statusAndRemoval() throws {
    try folder.write([1, 2, 3], "file")
    symlink("file", folder.path("link"))
    let status = try #require(FileStatus(folder.path("link")))
    #expect(status.size == 3 && status.isRegular && !status.isFolder && status.modified > 1.7e9)
    #expect(FileStatus(folder.path("link"), followsLinks: false)?.isRegular == false)
    #expect(FileStatus(folder.path("none")) == nil && FileStatus("a\0b") == nil)
    try Folder.removeFile(folder.path("link"))
    #expect(try Folder.names(in: folder.path) == ["file"])
    expectError(.io, containing: "cannot remove") { try Folder.removeFile(folder.path) }
  }

  @Test func partsOfPaths() {
    #expect(Folder.of("a/b/c") == "a/b/" && Folder.of("/a") == "/" && Folder.of("a") == "./")
    #expect(Folder.joined("a", "b") == "a/b" && Folder.joined("a/", "b") == "a/b" && Folder.joined("/", "b") == "/b")
  }
}
