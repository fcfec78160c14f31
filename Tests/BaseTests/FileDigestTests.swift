import Base
import TestSupport
import Testing

@Suite struct FileDigestTests {
  @Test func publishedExamples() {
    for (text, md5, sha256) in [
      (
        "", "d41d8cd98f00b204e9800998ecf8427e", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
      ),
      (
        "abc", "900150983cd24fb0d6963f7d28e17f72",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
      ),
    ] {
      var digest = FileDigest(md5: true)
      for byte in text.utf8 { digest.add([byte]) }
      #expect(digest.md5Text == md5 && digest.sha256Text == sha256)
    }
    #expect(FileDigest().md5Text == nil)
  }

  @Test func filesAreReadInPieces() throws {
    let folder = try TemporaryFolder()
    let content = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    try folder.write(content, "a")
    var whole = FileDigest(md5: true)
    whole.add(content)
    var told: [Int] = []
    let digest = try FileDigest.of(
      FileReader(folder.path("a"), expected: "bytes"), md5: true, onPiece: { told.append($0) })
    #expect(digest.sha256Text == whole.sha256Text && digest.md5Text == whole.md5Text)
    #expect(told == [1 << 18, 2 << 18, 600_000])
  }
}
