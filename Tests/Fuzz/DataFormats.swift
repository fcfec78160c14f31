import Base
import Datasets
import Foundation
import TestSupport

/// The forms of data sets other than those of one file of bytes.
extension FileFormat {
  static let dataSets: [FileFormat] = [
    image("jpeg", "jpg") { random in
      let all = SmallImages.jpegs
      return Array(Data(base64Encoded: all[random.next(all.count)].1) ?? Data())
    },
    image("png", "png") { random in
      let (colour, depth) = [(0, 8), (0, 1), (0, 16), (2, 8), (2, 16), (3, 4), (4, 8), (6, 8)][random.next(8)]
      let channels = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colour] ?? 1
      let rows = (0..<5).flatMap { _ in [UInt8(random.next(5))] + random.bytes((7 * channels * depth + 7) / 8) }
      let header = word(7) + word(5) + [UInt8(depth), UInt8(colour), 0, 0, UInt8(random.chance(8) ? 1 : 0)]
      var bytes: [UInt8] =
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + SmallImages.chunk("IHDR", random.part(header, 8))
      if colour == 3 { bytes += SmallImages.chunk("PLTE", random.part(random.bytes(48), 8)) }
      return bytes + SmallImages.chunk("IDAT", random.part(SmallImages.zlib(random.part(rows, 4)), 4))
        + SmallImages.chunk("IEND", [])
    },
    FileFormat(
      name: "image_list",
      make: { random in
        let lists = ["a/x.png 3\nb/y.png 4\n", "file,class_index,class_name\na/x.png,0,\"a, b\"\n", "# c\n./a/x.png\n"]
        return [("list.txt", Array(lists[random.next(lists.count)].utf8))]
      },
      read: { folder in
        var loader = ImageFolder(folder, preparation: try ImagePreparation())
        loader.list = "\(folder)/list.txt"
        _ = try loader.load()
      }),
    FileFormat(
      name: "csv",
      make: { random in
        let rows = (0..<3).map { row in (0..<4).map { _ in "\(random.next(256))" }.joined(separator: ",") + ",\(row)" }
        let text =
          (random.chance(2) ? "a,b,c,d,label\n" : "") + rows.joined(separator: random.chance(2) ? "\n" : "\r\n")
        let bytes = random.part(Array(text.utf8))
        return [("table.csv", random.chance(4) ? gzip(bytes) : bytes)]
      },
      read: { folder in _ = try NumberTable("\(folder)/table.csv", label: "last").load() }),
    FileFormat(
      name: "npz_set",
      make: { random in
        let (type, size) = [("|u1", 1), ("<f4", 4), ("<f8", 8), (">i2", 2)][random.next(4)]
        let (shape, labels) = [("2, 3, 3, 1", "2,"), ("2, 1, 3, 3", "2, 1"), ("2, 3, 3", "2,")][random.next(3)]
        let zeros = [UInt8](repeating: 0, count: 18 * size)
        var writer = ZipWriter()
        writer.add(
          "images.npy", random.part(npy(type, shape, random.chance(2) ? zeros : random.bytes(18 * size), &random)))
        writer.add("labels.npy", random.part(npy("|u1", labels, [1, 0], &random), 4))
        return [("set.npz", writer.finished().flatMap { $0 })]
      },
      read: { folder in _ = try ArrayFile("\(folder)/set.npz").load() }),
    FileFormat(
      name: "cifar_python",
      make: { random in
        let pickle = random.part(SmallCIFAR.pickle(labels: [3, 7], pixels: random.bytes(2 * 3072)))
        return random.chance(2)
          ? [("archive.tar", tar([(name: "cifar-10-batches-py/test_batch", content: pickle)]))]
          : [
            (
              "archive.tar",
              gzip(tar([(name: "x/test_batch", content: pickle), (name: "x/batches.meta", content: [1])]))
            )
          ]
      },
      read: { folder in _ = try cifar10(directory: "\(folder)/archive.tar", train: 0, test: 2) }),
  ]

  /// One photograph in a folder of its class.
  private static func image(
    _ name: String, _ ending: String, _ make: @escaping @Sendable (inout FileMutator) -> [UInt8]
  ) -> FileFormat {
    FileFormat(
      name: name, make: { [("1.\(ending)", make(&$0))] },
      read: { folder in
        // The folder of the format stands for the only class.
        let parts = folder.split(separator: "/")
        let parent = "/" + parts.dropLast().joined(separator: "/")
        try "\(parts.last ?? "")/1.\(ending)\n".write(
          toFile: "\(parent)/\(name).list", atomically: false, encoding: .utf8)
        var loader = ImageFolder(parent, preparation: try ImagePreparation(resize: 16, crop: 16))
        loader.list = "\(parent)/\(name).list"
        _ = try loader.load()
      })
  }

  private static func npy(_ type: String, _ shape: String, _ data: [UInt8], _ random: inout FileMutator) -> [UInt8] {
    let order = random.chance(4) ? "True" : "False"
    let text = Array("{'descr': '\(type)', 'fortran_order': \(order), 'shape': (\(shape)), }\n".utf8)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count), 0] + text + data
  }
}
