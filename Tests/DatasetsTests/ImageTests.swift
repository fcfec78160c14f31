import Base
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Datasets

/// Decoding, resizing and cropping against PIL, whose results are checksums here. They were made by
///
///     def picture(w, h):
///         y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(3), indexing="ij")
///         return Image.fromarray(((x * 7 + y * 13 + c * 50 + x * y) & 255).astype(np.uint8))
///     zlib.crc32(picture(w, h).resize((W, H), Image.BILINEAR).tobytes())
///
/// and, for the small JPEG files, which PIL wrote, `zlib.crc32(Image.open(file).convert("RGB").tobytes())`.
@Suite struct ImageTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func picture(_ width: Int, _ height: Int) -> Picture {
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        for c in 0..<3 { pixels.append(UInt8(truncatingIfNeeded: x * 7 + y * 13 + c * 50 + x * y)) }
        pixels.append(255)
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  private func sum(_ picture: Picture) -> UInt32 {
    checksum(picture.pixels.enumerated().filter { $0.offset % 4 != 3 }.map(\.element))
  }

  @Test(
    arguments: [
      (37, 29, 16, 12, .bilinear, 0x634A_1D68), (37, 29, 16, 12, .bicubic, 0x0663_864F),
      (29, 37, 64, 80, .bilinear, 0xD7A2_8FD2), (29, 37, 64, 80, .bicubic, 0xAA1E_A5A7),
      (64, 48, 64, 20, .bilinear, 0x0BE8_40C7), (64, 48, 64, 20, .bicubic, 0x2DDD_32DE),
      (64, 48, 21, 48, .bilinear, 0x4C9F_ACA5), (64, 48, 21, 48, .bicubic, 0xE953_F7AD),
      (5, 3, 11, 7, .bilinear, 0x4476_0B9B), (5, 3, 11, 7, .bicubic, 0xDC98_DD03),
      (200, 150, 3, 2, .bilinear, 0xB3C9_AC04), (200, 150, 3, 2, .bicubic, 0x21FF_E634),
    ] as [(Int, Int, Int, Int, Interpolation, UInt32)])
  func resizingIsThatOfPIL(
    width: Int, height: Int, newWidth: Int, newHeight: Int, interpolation: Interpolation, expected: UInt32
  ) {
    let whole = Resampling.resize(
      picture(width, height), width: newWidth, height: newHeight, columns: 0..<newWidth, rows: 0..<newHeight,
      interpolation)
    #expect(sum(whole) == expected)
    // A part is the part of the whole.
    let (columns, rows) = (newWidth / 3..<newWidth, newHeight / 2..<newHeight)
    let part = Resampling.resize(
      picture(width, height), width: newWidth, height: newHeight, columns: columns, rows: rows, interpolation)
    #expect(part.pixels == Resampling.crop(whole, columns: columns, rows: rows).pixels)
  }

  @Test(arguments: SmallImages.jpegs)
  func jpeg(name: String, content: String, expected: UInt32) throws {
    let bytes = Array(try #require(Data(base64Encoded: content)))
    let picture = try Picture(bytes, path: name)
    #expect(picture.width == 19 && picture.height == 13)
    #expect(sum(picture) == expected)
    // Cut off anywhere it is an error.
    for count in stride(from: 1, to: bytes.count - 1, by: 7) {
      expectRefusal(name) { _ = try Picture(Array(bytes[..<count]), path: name) }
    }
    // A damaged one is an error or an image of another kind, never a crash.
    for place in 2..<bytes.count {
      for mask: UInt8 in [1, 0x80, 0xFF] {
        var damaged = bytes
        damaged[place] ^= mask
        do throws(CoreError) { _ = try Picture(damaged, path: name) } catch { #expect(error.message.contains(name)) }
      }
    }
  }

  @Test func pngOfEveryKind() throws {
    // (colour type, depth, a row of two pixels, the palette, what it becomes)
    let kinds: [(Int, Int, [UInt8], [UInt8], [UInt8])] = [
      (0, 8, [7, 200], [], [7, 7, 7, 200, 200, 200]), (0, 1, [0x40], [], [0, 0, 0, 255, 255, 255]),
      (0, 2, [0x60], [], [85, 85, 85, 170, 170, 170]), (0, 4, [0x1F], [], [17, 17, 17, 255, 255, 255]),
      (0, 16, [0x12, 0x34, 0xFF, 0x80], [], [0x12, 0x12, 0x12, 0xFF, 0xFF, 0xFF]),
      (2, 8, [1, 2, 3, 4, 5, 6], [], [1, 2, 3, 4, 5, 6]),
      (2, 16, [1, 9, 2, 9, 3, 9, 4, 0xFF, 5, 9, 6, 9], [], [1, 2, 3, 4, 5, 6]),
      (3, 8, [1, 0], [9, 8, 7, 6, 5, 4], [6, 5, 4, 9, 8, 7]), (3, 1, [0x40], [9, 8, 7, 6, 5, 4], [9, 8, 7, 6, 5, 4]),
      (4, 8, [7, 0, 200, 128], [], [7, 7, 7, 200, 200, 200]),
      (6, 8, [1, 2, 3, 0, 4, 5, 6, 128], [], [1, 2, 3, 4, 5, 6]),
    ]
    for (colour, depth, row, palette, expected) in kinds {
      let bytes = SmallImages.png(width: 2, height: 1, colour: colour, depth: depth, rows: [row], palette: palette)
      let picture = try Picture(bytes, path: "p.png")
      var opaque = expected
      opaque.insert(255, at: 3)
      opaque.append(255)
      #expect(picture.pixels == opaque, "\(colour), \(depth)")
      for count in stride(from: 9, to: bytes.count, by: 3) {
        expectRefusal("p.png") { _ = try Picture(Array(bytes[..<count]), path: "p.png") }
      }
      for place in 8..<bytes.count {
        var damaged = bytes
        damaged[place] ^= 0x10
        do throws(CoreError) { _ = try Picture(damaged, path: "p.png") } catch {
          #expect(error.message.contains("p.png"))
        }
      }
    }
  }

  @Test func sizesThatTheBytesCannotHold() throws {
    for (width, height) in [(60_000, 60_000), (100_000, 100), (0, 5), (1 << 31, 1 << 31)] {
      let bytes = SmallImages.png(width: width, height: height, colour: 0, depth: 8, rows: [[1]], palette: [])
      expectRefusal("huge.png", "pixels") { _ = try Picture(bytes, path: "huge.png") }
    }
    var bytes = Array(try #require(Data(base64Encoded: SmallImages.jpegs[0].1)))
    let frame = try #require((0..<bytes.count - 1).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
    bytes.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
    expectRefusal("huge.jpg", "65500×65500") { _ = try Picture(bytes, path: "huge.jpg") }
    bytes.replaceSubrange(frame + 5..<frame + 9, with: [0x10, 0, 0x10, 0])
    expectRefusal("huge.jpg", "more than its bytes can hold") { _ = try Picture(bytes, path: "huge.jpg") }
  }

  @Test func otherFilesAreNamed() {
    expectRefusal("'a.jpg' is empty") { _ = try Picture([], path: "a.jpg") }
    for (content, words) in [
      (Array("<html>no</html>".utf8), "a web page"), (Array("GIF89a000".utf8), "a GIF image"),
      ([1, 2, 3, 4, 5], "01 02 03 04"),
    ] as [([UInt8], String)] {
      expectRefusal("a.jpg", words, "not a JPEG or PNG image") { _ = try Picture(content, path: "a.jpg") }
    }
  }

  @Test func settings() throws {
    for (resize, crop, words) in [(0, 1, "resize"), (5000, 1, "resize"), (256, 0, "crop"), (100, 101, "crop")] {
      expectRefusal("\(words) must be") { _ = try ImagePreparation(resize: resize, crop: crop) }
    }
    let exact = try ImagePreparation(resize: nil, crop: 3)
    // An offset of a half goes to the even side: (6 - 3) / 2 is 2, (4 - 3) / 2 is 0.
    let prepared = try exact.prepare(picture(6, 4), path: "x")
    #expect(prepared.shape == [3, 3, 3] && prepared.bytes[0] == 14)
    expectRefusal("5×2", "crop=3") { _ = try exact.prepare(picture(5, 2), path: "x") }
    let long = try ImagePreparation(resize: 4096, crop: nil)
    expectRefusal("2×200", "409600 pixels long") { _ = try long.prepare(picture(2, 200), path: "x") }
    let grey = try ImagePreparation(resize: nil, crop: nil, isGrey: true).prepare(picture(2, 1), path: "x")
    #expect(grey.shape == [1, 1, 2] && grey.bytes[0] == 41)
  }

  /// The checksums of torchvision's `Compose([Resize(256, interpolation), CenterCrop(224)])` of all photographs, channels
  /// first, one after another.
  @Test(.enabled(if: SharedFiles.data != nil, "there is no folder of real data"))
  func photographsAreThoseOfTorchvision() throws {
    let path = try #require(SharedFiles.data).appending(path: "imagenet-style").path
    for (interpolation, expected) in [(.bilinear, 0x1062_904A), (.bicubic, 0x1CBD_C3C4)] as [(Interpolation, UInt32)] {
      var folder = ImageFolder(path, preparation: try ImagePreparation(interpolation: interpolation))
      let data = try folder.load()
      #expect(data.count == 50 && data.classCount == 25 && data.imageShape == [3, 224, 224])
      let values = try data.images.floats()
      #expect(checksum(values.map { UInt8(($0 * 255).rounded()) }) == expected)
      folder.isStreamed = true
      folder.list = path + "/labels.csv"
      folder.classCount = 1000
      let streamed = try folder.load()
      #expect(streamed.classCount == 1000 && streamed.classNames[57] == "garter snake, grass snake")
      let order = RandomStream(seed: 3, purpose: "test")
      var inBatches = [Float](repeating: 0, count: values.count)
      let size = streamed.imageSize
      for positions in streamed.batches(of: 7, shuffledBy: order) {
        let batch = try streamed.batch(positions).images.floats()
        for (place, position) in positions.enumerated() {
          inBatches.replaceSubrange(
            position * size..<(position + 1) * size, with: batch[place * size..<(place + 1) * size])
        }
      }
      // The list has the two images of a class in an order of its own.
      #expect(inBatches.reduce(into: 0.0) { $0 += Double($1) } == values.reduce(into: 0.0) { $0 += Double($1) })
      #expect(try streamed.images.floats() == inBatches)
    }
  }
}
