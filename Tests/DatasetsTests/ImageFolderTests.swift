import Base
import Datasets
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct ImageFolderTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for (index, name) in ["b", "a", "a/deep"].enumerated() {
      try folder.makeFolder(name)
      for place in 0..<2 { try picture(UInt8(index * 10 + place), "\(name)/\(1 - place).png") }
    }
    try folder.makeFolder(".hidden")
    try folder.write(Array("notes".utf8), "a/notes.txt")
    try folder.write([1], "a/.x.jpg")
  }

  private func picture(_ grey: UInt8, _ name: String) throws {
    try folder.write(SmallImages.png(width: 2, height: 1, colour: 0, depth: 8, rows: [[grey, 255]]), name)
  }

  private func loader(_ list: String? = nil, streamed: Bool? = nil) throws -> ImageFolder {
    var loader = ImageFolder(folder.path, preparation: try ImagePreparation(resize: nil, crop: nil, isGrey: true))
    if let list {
      try folder.write(Array(list.utf8), "list.txt")
      loader.list = folder.path("list.txt")
    }
    loader.isStreamed = streamed
    return loader
  }

  private func greys(_ data: Dataset) throws -> [Int] {
    let values = try data.images.floats()
    return stride(from: 0, to: values.count, by: 2).map { Int((values[$0] * 255).rounded()) }
  }

  @Test func classesAndImagesComeByName() throws {
    for streamed in [false, true] {
      let data = try loader(streamed: streamed).load()
      #expect(data.classNames == ["a", "b"] && data.labels == [0, 0, 0, 0, 1, 1] && data.imageShape == [1, 1, 2])
      #expect(try greys(data) == [11, 10, 21, 20, 1, 0])
      #expect(try greys(data.subset([5, 0, 5])) == [0, 11, 0])
    }
  }

  /// Images that stay in their files are told apart by these, whatever their names and numbers.
  @Test func contentIsThatOfTheFiles() throws {
    let data = try loader(streamed: true).load()
    let digits = try data.contentDigits
    #expect(try data.contentDigits == digits && loader(streamed: true).load().contentDigits == digits)
    #expect(try data.subset([0, 1]).contentDigits != data.subset([1, 0]).contentDigits)
    let inMemory = try loader(streamed: false).load()
    #expect(try inMemory.contentDigits == inMemory.fingerprint)
    try picture(99, "a/0.png")
    #expect(try data.contentDigits != digits && loader(streamed: true).load().contentDigits != digits)
    try picture(11, "a/0.png")
    #expect(try loader(streamed: true).load().contentDigits == digits)
    try FileManager.default.removeItem(atPath: folder.path("a/0.png"))
    #expect(throws: CoreError.self) { try data.contentDigits }
  }

  @Test func listsChooseAndOrder() throws {
    let plain = try loader("# a comment\nb/0.png\n\n./a/deep/1.png\r\nb/0.png\n").load()
    #expect(plain.labels == [1, 0, 1] && plain.classNames == ["a", "b"])
    #expect(try greys(plain) == [1, 20, 1])
    for separator in [",", "\t", " ", ", "] {
      let numbered = try loader("b/0.png\(separator)7\na/1.png\(separator)2").load()
      #expect(numbered.labels == [7, 2] && numbered.classCount == 8 && numbered.classNames[7] == "b")
      #expect(try loader("b/0.png\(separator)a").load().labels == [0])
    }
    var table = try loader("id,file,class_index,class_name\n1,a/0.png,3,\"cat, \"\"big\"\"\"\n2,b/1.png,0,dog\n")
    table.classCount = 10
    let data = try table.load()
    #expect(data.labels == [3, 0] && data.classCount == 10)
    #expect(data.classNames[3] == "cat, \"big\"" && data.classNames[0] == "dog" && data.classNames[1] == "class 1")
    var given = try loader()
    given.classes = ["c", "b", "a"]
    #expect(try given.load().labels == [2, 2, 2, 2, 1, 1])
  }

  @Test func wrongLists() throws {
    for (list, words) in [
      ("", "names no images"), ("file,label\n", "names no images"), ("b/0.png\nb/9.png\nb/8.png", "line 2"),
      ("b/9.png", "1 of 1 are not"), ("b/0.png 1.5", "class '1.5'"), ("b/0.png -1", "class -1"),
      ("c.png", "gives no class"),
      ("b/0.txt 3", "names no image"), ("../x.png", "leaves the folder"), ("/x.png", "leaves the folder"),
      ("file,label\na/0.png", "has 1 cells, its header 2"), ("a/0.png 1\nb/0.png b", "some classes as numbers"),
      ("a/0.png 1\nb/0.png 1", "calls class 1 'b'"), ("a/0.png 100000", "class 100000"),
    ] { expectRefusal("list.txt", words) { _ = try loader(list).load() } }
    var counted = try loader("a/0.png 5")
    counted.classCount = 5
    expectRefusal("has the class 5") { _ = try counted.load() }
    counted = try loader("a/0.png")
    counted.classCount = 5
    expectRefusal("classes must be 2") { _ = try counted.load() }
    try folder.write([0xFF, 0xFE], "list.txt")
    var binary = try loader()
    binary.list = folder.path("list.txt")
    #expect(throws: CoreError.self) { _ = try binary.load() }
  }

  @Test func wrongFolders() throws {
    var other = try loader()
    other.classCount = 3
    expectRefusal("needs a list") { _ = try other.load() }
    other.classCount = nil
    other.classes = ["a"]
    expectRefusal("/b'", "none of the 1 classes") { _ = try other.load() }
    other.classes = ["a", "b", "a"]
    expectRefusal("'a' stands twice") { _ = try other.load() }
    other.classes = nil
    for path in ["a/deep", "a/deep/0.png", "nothing"] {
      other.path = folder.path(path)
      expectRefusal(path) { _ = try other.load() }
    }
    try folder.makeFolder("empty")
    expectRefusal("empty'", "no JPEG or PNG") { _ = try loader().load() }
    other.path = folder.path("empty")
    expectRefusal("no folder for each class") { _ = try other.load() }
    try folder.write([1], "empty/x.webp")
    expectRefusal("x.webp", "neither JPEG nor PNG") { _ = try loader().load() }
    try FileManager.default.createSymbolicLink(atPath: folder.path("a/loop"), withDestinationPath: folder.path("a"))
    expectRefusal("nested more than 16 deep") { _ = try loader().load() }
  }

  @Test func damagedImagesAreNamedAndCounted() throws {
    try folder.write([1, 2, 3, 4], "a/1.png")
    try folder.write([], "b/1.png")
    expectRefusal("a/1.png", "2 of 6 images") { _ = try loader(streamed: false).load() }
    var streamed = try loader(streamed: true)
    streamed.preparation.crop = 1
    let data = try streamed.load()
    expectRefusal("a/1.png") { _ = try data.batch([3, 1]) }
    #expect(try data.batch([3]).images.shape == [1, 1, 1, 1])
    // The images of other sizes have no common shape.
    try picture(3, "a/1.png")
    try folder.write(SmallImages.png(width: 1, height: 1, colour: 0, depth: 8, rows: [[1]]), "b/1.png")
    expectRefusal("b/1.png", "1×1", "2×1") { _ = try loader().load() }
    try folder.remove("b/1.png")
    #expect(try loader().load().count == 5)
    expectRefusal("b/1.png") { _ = try data.images }
  }

  @Test func stoppingEndsDecoding() throws {
    let data = try loader(streamed: true).load()
    let signal = StopSignal()
    signal.raise(.interrupted)
    #expect(throws: CoreError.self) { try signal.carry { _ = try data.batch([0]) } }
    #expect(try greys(data).count == 6)
  }
}
