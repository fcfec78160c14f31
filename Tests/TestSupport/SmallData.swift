import Base
import CZlib

/// Small images for tests.
public enum SmallImages {
  /// Files of 19×13 pixels as PIL writes them, in base64, with the checksum of their pixels.
  public static let jpegs: [(String, String, UInt32)] = [
    (
      "baseline",
      "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO"
        + "UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
        + "T09PT09PT0//wAARCAANABMDASIAAhEBAxEB/8QAFwAAAwEAAAAAAAAAAAAAAAAAAAUGBP/EAB8QAAEEAgIDAAAAAAAAAAAAAAAB"
        + "AgQRAyEFEiJBof/EABYBAQEBAAAAAAAAAAAAAAAAAAUCBP/EACARAAEDAgcAAAAAAAAAAAAAAAEAAgMEERMWITFRodH/2gAMAwEA"
        + "AhEDEQA/AJ2NCv0NY3HXWjZDjsWh1gwsYjdXZvllbEwvfsEeBfRKm8X4poClx4LYi9/gA2YKbg9eq8Mr/9k=",
      0x0FF3_1055
    ),
    (
      "progressive",
      "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO"
        + "UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
        + "T09PT09PT0//wgARCAANABMDASEAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAABAACBf/EABgBAAMBAQAAAAAAAAAAAAAAAAAC"
        + "BAEF/9oADAMBAAIQAxAAAAHnKpmTBhqai4r/AP/EABgQAAMBAQAAAAAAAAAAAAAAAAABAgMT/9oACAEBAAEFApgnM5ESJCR//8QA"
        + "FxEAAwEAAAAAAAAAAAAAAAAAAAEQEf/aAAgBAwEBPwGIxH//xAAaEQACAgMAAAAAAAAAAAAAAAAAAgMSEBRR/9oACAECAQE/AcSv"
        + "RbG7N0//xAAUEAEAAAAAAAAAAAAAAAAAAAAg/9oACAEBAAY/Al//xAAZEAACAwEAAAAAAAAAAAAAAAAAARARITH/2gAIAQEAAT8h"
        + "gFgQLVGPT//aAAwDAQACAAMAAAAQc97/xAAYEQADAQEAAAAAAAAAAAAAAAAAAREQYf/aAAgBAwEBPxDErhwP/8QAFxEBAQEBAAAA"
        + "AAAAAAAAAAAAEQEAEP/aAAgBAgEBPxDicRNUz//EABkQAAMBAQEAAAAAAAAAAAAAAAABESFBsf/aAAgBAQABPxC/C8wwYMwV4tKq"
        + "/J//2Q==",
      0x1D4E_C8A5
    ),
    (
      "ink",
      "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAQCwwODAoQDg0OEhEQExgoGhgWFhgxIyUdKDozPTw5Mzg3QEhcTkBEV0U3OFBtUVdfYmdo"
        + "Zz5NcXlwZHhcZWdj/8AAFAgADQATBEMRAE0RAFkRAEsRAP/EABsAAAICAwEAAAAAAAAAAAAAAAAFAwQBAgYH/8QAIhAAAAYCAgID"
        + "AAAAAAAAAAAAAAECAwQRBSESQRUxFiJh/9oADgRDAE0AWQBLAAA/AOPYiX0FDES+hsxEvoegBixButBixButBixButAF1OP0WhdT"
        + "j9FoXk446L6mARxWEnQjisJOhFFYSdADmLHRoOYsdGhjN5XwbbBojpeN4j2aq40AMkxUcSDZuC2psjv3+Divl+ds6m0V+uBAH//Z",
      0xEFD8_2A60
    ),
    (
      "grey",
      "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO"
        + "UlNSMj5aYVpQYEpRUk//wAALCAANABMBAREA/8QAFgABAQEAAAAAAAAAAAAAAAAABQMG/8QAHxAAAAYCAwEAAAAAAAAAAAAAAAEC"
        + "AwQRBSESIkGh/9oACAEBAAA/AM7GhX4FY2OutBFOL6loShx0HQaYZQgk6uwg2xaCPn8H/9k=",
      0x263A_4A34
    ),
  ]

  /// A PNG file of unfiltered rows.
  ///
  /// - Parameters:
  ///   - colour: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha.
  ///   - palette: red, green, blue of each entry.
  public static func png(width: Int, height: Int, colour: Int, depth: Int, rows: [[UInt8]], palette: [UInt8] = [])
    -> [UInt8]
  {
    let header = word(width) + word(height) + [UInt8(depth), UInt8(colour), 0, 0, 0]
    var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
    if !palette.isEmpty { bytes += chunk("PLTE", palette) }
    return bytes + chunk("IDAT", zlib(rows.flatMap { [0] + $0 })) + chunk("IEND", [])
  }

  /// A chunk of a PNG file.
  public static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + data
    return word(data.count) + body + word(Int(checksum(body)))
  }

  /// Data compressed as PNG has them.
  public static func zlib(_ content: [UInt8]) -> [UInt8] {
    var size = compressBound(uLong(content.count))
    var output = [UInt8](repeating: 0, count: Int(size))
    _ = compress(&output, &size, content, uLong(content.count))
    return Array(output[..<Int(size)])
  }
}

/// Files of CIFAR for tests.
public enum SmallCIFAR {
  /// A file of the Python version, as Python 2 pickled it.
  public static func pickle(labels: [Int], key: String = "labels", pixels: [UInt8], extra: [UInt8] = []) -> [UInt8] {
    func text(_ text: String) -> [UInt8] { [UInt8(ascii: "U"), UInt8(text.utf8.count)] + Array(text.utf8) }
    func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
    func int(_ value: Int) -> [UInt8] {
      [UInt8(ascii: "J")] + (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
    var data = global("numpy.core.multiarray", "_reconstruct") + global("numpy", "ndarray")
    data += int(0) + [0x85] + text("b") + [0x87, UInt8(ascii: "R"), UInt8(ascii: "(")] + int(1)
    data += int(labels.count) + int(3072) + [0x86] + global("numpy", "dtype") + text("u1") + int(0) + int(1)
    data += [0x87, UInt8(ascii: "R"), UInt8(ascii: "(")] + int(3) + text("|") + Array("NNN".utf8) + int(-1) + int(-1)
    data += int(0) + Array("tb".utf8) + [0x89, UInt8(ascii: "T")] + int(pixels.count).dropFirst() + pixels
    data += Array("tb".utf8)
    var dictionary: [UInt8] = [0x80, 2, UInt8(ascii: "}"), UInt8(ascii: "(")] + text("data") + data
    dictionary += text(key) + [UInt8(ascii: "]"), UInt8(ascii: "(")] + labels.flatMap(int) + [UInt8(ascii: "e")]
    return dictionary + extra + Array("u.".utf8)
  }

  /// The file of class names of the Python version.
  public static func names(_ names: [String], key: String) -> [UInt8] {
    let items = names.flatMap { [UInt8(ascii: "U"), UInt8($0.utf8.count)] + Array($0.utf8) }
    return [0x80, 2, UInt8(ascii: "}"), UInt8(ascii: "("), UInt8(ascii: "U"), UInt8(key.utf8.count)] + Array(key.utf8)
      + [UInt8(ascii: "]"), UInt8(ascii: "(")] + items + Array("eu.".utf8)
  }
}
