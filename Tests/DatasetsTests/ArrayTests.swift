import Base
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Data sets in arrays of NumPy and in tables of numbers.
@Suite struct ArrayTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func npy(_ type: String, _ shape: [Int], _ bytes: [UInt8], fortran: Bool = false) -> [UInt8] {
    let sizes = shape.map { "\($0)," }.joined(separator: " ")
    let text = "{'descr': '\(type)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': (\(sizes)), }\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8) + bytes
  }

  private func floats(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } }
  }

  private func pair(
    _ images: [UInt8], _ labels: [UInt8], layout: ImageLayout? = nil, classes: Int? = nil
  ) throws -> Dataset {
    try folder.write(images, "x.npy")
    try folder.write(labels, "y.npy")
    return try ArrayFile(folder.path("x.npy"), labels: folder.path("y.npy"), layout: layout, classes: classes).load()[0]
  }

  @Test func layouts() throws {
    let labels = npy("|u1", [2], [0, 2])
    let last = try pair(
      npy("|u1", [2, 1, 2, 3], [0, 51, 102, 255, 204, 153, 1, 2, 3, 4, 5, 6]), labels, layout: .nhwc)
    #expect(last.imageShape == [3, 1, 2] && last.labels == [0, 2] && last.classCount == 3)
    #expect(try last.batch([0]).images.floats() == [0, 1, 0.2, 0.8, 0.4, 0.6])
    let first = try pair(npy("|u1", [2, 3, 1, 2], Array(0..<12)), labels)
    #expect(first.imageShape == [3, 1, 2])
    #expect(try pair(npy("|u1", [2, 4, 5], Array(0..<40)), labels).imageShape == [1, 4, 5])
    #expect(try pair(npy("|u1", [2, 4, 5, 1], Array(0..<40)), labels).imageShape == [1, 4, 5])
    let fortran = try pair(npy("|u1", [2, 2, 2], [0, 4, 2, 6, 1, 5, 3, 7], fortran: true), labels)
    #expect(try fortran.images.floats().map { Int(($0 * 255).rounded()) } == Array(0..<8))
    for (shape, words) in [
      ([2, 3, 4, 3], "may stand first or last"), ([2, 4, 4, 4], "neither"), ([2, 24], "3 or 4 axes"),
      ([48], "3 or 4 axes"),
      ([2, 3, 0, 4], "leaves no pixel"), ([2, 1, 4, 3], "may stand first or last"),
    ] {
      let count = shape.reduce(1, *)
      expectRefusal("its array", words) { _ = try pair(npy("|u1", shape, [UInt8](repeating: 0, count: count)), labels) }
    }
    expectRefusal("not nhw") { _ = try pair(npy("|u1", [2, 1, 1, 3], Array(0..<6)), labels, layout: .nhw) }
  }

  @Test func pixels() throws {
    let labels = npy("<i8", [1], [1, 0, 0, 0, 0, 0, 0, 0])
    let image = { (values: [Float]) in self.npy("<f4", [1, 2, 2], self.floats(values)) }
    #expect(try pair(image([0, 0.25, 1, 0.5]), labels).images.floats() == [0, 0.25, 1, 0.5])
    expectRefusal("1 of 4 pixels that are NaN", "[0, 1, 0]") { _ = try pair(image([0, 1, .nan, 1]), labels) }
    expectRefusal("from 0.0 to 255.0") { _ = try pair(image([0, 1, 255, 1]), labels) }
    expectRefusal("from -1.0 to 1.0") { _ = try pair(image([0, 1, -1, 1]), labels) }
    let shorts = try pair(npy(">i2", [1, 1, 2], [0, 255, 0, 51]), labels)
    #expect(try shorts.images.floats() == [1, 0.2])
    expectRefusal("the pixel 256 at [0, 0, 1]") { _ = try pair(npy("<i2", [1, 1, 2], [1, 0, 0, 1]), labels) }
    expectRefusal("holds bool") { _ = try pair(npy("|b1", [1, 1, 2], [1, 0]), labels) }
    let huge: [UInt8] = [0, 0, 0, 0, 0, 0, 0xF0, 0x7E]
    expectRefusal("x.npy", "does not fit into f32") { _ = try pair(npy("<f8", [1, 1, 1], huge), labels) }
  }

  @Test func labels() throws {
    let images = npy("|u1", [2, 1, 2], [1, 2, 3, 4])
    #expect(try pair(images, npy("|u1", [2, 1], [3, 4])).labels == [3, 4])
    #expect(try pair(images, npy("<f4", [2], floats([3, 4]))).classCount == 5)
    #expect(try pair(images, npy("|u1", [2], [3, 4]), classes: 10).classCount == 10)
    let hot = try pair(images, npy("<f4", [2, 3], floats([0, 1, 0, 0, 0, 1])))
    #expect(hot.labels == [1, 2] && hot.classCount == 3 && hot.name == "x (one-hot labels)")
    for (array, words) in [
      (npy("<f4", [2], floats([3, 4.7])), "label 4.7"), (npy("<f4", [2], floats([.nan, 4])), "label nan"),
      (npy("|i1", [2], [0xFF, 0]), "label -1 at index 0"), (npy("|u1", [3], [1, 2, 3]), "[3] for 2 images"),
      (npy("|u1", [2, 1, 1], [1, 2]), "for 2 images"), (npy("<f4", [2, 2], floats([0.5, 0.4, 1, 0])), "row 0"),
      (npy("|b1", [2], [1, 0]), "holds bool"),
    ] { expectRefusal(words) { _ = try pair(images, array) } }
    expectRefusal("label 4") { _ = try pair(images, npy("|u1", [2], [3, 4]), classes: 4) }
    expectRefusal("rows of 2 for 3") { _ = try pair(images, npy("<f4", [2, 2], floats([0, 1, 1, 0])), classes: 3) }
    expectRefusal("images alone") { _ = try ArrayFile(folder.path("x.npy")).load() }
    try folder.write([1, 2, 3], "y.npy")
    expectRefusal("y.npy", "not a NumPy array") {
      _ = try ArrayFile(folder.path("x.npy"), labels: folder.path("y.npy")).load()
    }
  }

  @Test(.enabled(if: SharedFiles.vectors != nil)) func archivesOfNumPy() throws {
    let cases = try #require(SharedFiles.vectors).deletingLastPathComponent().appending(path: "cases/npy")
    let text = try Data(contentsOf: cases.appending(path: "expected.json"))
    let expected = try #require(try JSONSerialization.jsonObject(with: text) as? [String: [String: Any]])
    for (name, values) in expected where name.hasSuffix(".npz") {
      let words = values["expect"] as? String ?? ""
      let file = ArrayFile(cases.appending(path: name).path)
      if words.hasPrefix("error") {
        expectRefusal("NaN") { _ = try file.load() }
        continue
      }
      let data = try file.load()[0]
      #expect(data.count == 6 && data.imageShape == [1, 28, 28], "\(name)")
      #expect(data.labels.allSatisfy { (1...9).contains($0) }, "\(name)")
      if words.contains("one-hot") { #expect(data.name.hasSuffix("one-hot labels)")) }
    }
  }

  @Test func corruptedCIFARReadsItsSeverity() throws {
    let size = 10_000 * 3072
    var images = npy("|u1", [50_000, 32, 32, 3], [])
    let start = images.count
    try folder.writeSparse(images, size: start + 5 * size, "fog.npy")
    let labels = (0..<50_000).map { UInt8($0 / 10_000 + 1) }
    try folder.write(npy("|u1", [50_000], labels), "labels.npy")
    let data = try corruptedCIFAR(directory: folder.path, corruption: "fog", severity: 3, classes: 10)
    #expect(data.count == 10_000 && data.labels[0] == 3 && data.imageShape == [3, 32, 32])
    #expect(data.name == "CIFAR-10-C fog 3" && data.classNames[9] == "truck")
    expectRefusal("'rain'") {
      _ = try corruptedCIFAR(directory: folder.path, corruption: "rain", severity: 3, classes: 10)
    }
    expectRefusal("severity must be") {
      _ = try corruptedCIFAR(directory: folder.path, corruption: "fog", severity: 0, classes: 10)
    }
    expectRefusal("snow.npy") {
      _ = try corruptedCIFAR(directory: folder.path, corruption: "snow", severity: 1, classes: 10)
    }
    try folder.writeSparse(images, size: start + 5 * size - 1, "fog.npy")
    expectRefusal("fog.npy", "cut short") {
      _ = try corruptedCIFAR(directory: folder.path, corruption: "fog", severity: 1, classes: 10)
    }
    images = npy("|u1", [4, 2, 2, 3], Array(0..<48))
    try folder.write(images, "fog.npy")
    expectRefusal("fog.npy", "[4, 2, 2, 3]") {
      _ = try corruptedCIFAR(directory: folder.path, corruption: "fog", severity: 1, classes: 100)
    }
    try folder.write([1, 2], "fog.npy")
    expectRefusal("fog.npy", "not a NumPy array") {
      _ = try corruptedCIFAR(directory: folder.path, corruption: "fog", severity: 1, classes: 100)
    }
  }

  private func table(
    _ text: String, label: String? = nil, shape: [Int]? = nil, scale: Double? = nil, classes: Int? = nil
  ) throws -> Dataset {
    try folder.write(Array(text.utf8), "t.csv")
    return try NumberTable(folder.path("t.csv"), label: label, shape: shape, scale: scale, classes: classes).load()
  }

  @Test func tables() throws {
    let last = try table("0,255,51,102,3\r\n1,2,3,4,0\n\n", label: "last")
    #expect(last.labels == [3, 0] && last.imageShape == [1, 2, 2] && last.classCount == 4)
    #expect(try last.batch([0]).images.floats() == [0, 1, 0.2, 0.4])
    let named = try table("label,p0,p1,p2,p3\n7,0,0.5,1,1e-1\n", classes: 10)
    #expect(named.labels == [7] && named.classCount == 10)
    #expect(try named.images.floats() == [0, 0.5, 1, 0.1])
    let scaled = try table("\u{FEFF}\"a\",\"which one\"\n16,2\n", label: "which one", scale: 16)
    #expect(scaled.labels == [2])
    #expect(try scaled.images.floats() == [1])
    #expect(try table("1,0,0,0,0,0,255", label: "first", shape: [3, 1, 2]).imageShape == [3, 1, 2])
    try folder.write(gzip(Array("1,200\n0,100".utf8)), "t.csv.gz")
    #expect(try NumberTable(folder.path("t.csv.gz"), label: "first").load().labels == [1, 0])
    for (text, words) in [
      ("1,2,3\n1,2\n", "line 2, which has 2 numbers"), ("1,2\n1,x\n", "'x' in column 2"), ("a,b\nc,d\n", "line 2"),
      ("", "empty"), ("\n\n", "no lines"), ("5\n", "one number alone"), ("1,1.5\n", "label 1.5"),
      ("1,-1\n", "label -1"),
      ("1,nan\n", "no lines"), ("1,2\n1,nan\n", "'nan' in column 2"), ("-1,2\n", "pixels from -1.0"),
      ("16,1\n", "what stands for white"), ("300,1\n", "what stands for white"), ("1,1,1\n", "no square"),
      ("<html>", "web page"), ("1,2\n0x1,2\n", "'0x1'"),
    ] { expectRefusal("t.csv", words) { _ = try table(text, label: "last") } }
    expectRefusal("which column") { _ = try table("1,2\n") }
    expectRefusal("no column 'z'", "no header") { _ = try table("1,2\n", label: "z") }
    expectRefusal("no column 'z'", "a, b") { _ = try table("a,b\n1,2\n", label: "z") }
    expectRefusal("shape [1, 2, 2]") { _ = try table("1,2\n", label: "last", shape: [1, 2, 2]) }
    expectRefusal("scale must be at least 16") { _ = try table("16,2\n", label: "last", scale: 8) }
    expectRefusal("label 2") { _ = try table("1,2\n", label: "last", classes: 2) }
  }
}
