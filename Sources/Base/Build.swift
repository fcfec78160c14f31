import Platform

/// Which program this is, for records of what it has computed: two builds may round otherwise, and two machines too.
public enum Build {
  /// The version of ltd.
  public static let version = "0.1.0"

  /// The first 16 hexadecimal digits of the SHA-256 of the running program; nil where its file cannot be read.
  public static let digest: String? = StopSignal.ignoring {
    guard let file = try? FileReader("/proc/self/exe", expected: "the program"),
      let digest = try? FileDigest.of(file)
    else { return nil }
    return String(digest.sha256Text.prefix(16))
  }

  /// The name of the processor; that of the architecture where the system does not say it.
  public static let processor: String = {
    let bytes = StopSignal.ignoring { try? FileReader.bytes(of: "/proc/cpuinfo", limit: 1 << 20) } ?? []
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1)
      let key = String(decoding: parts[0], as: UTF8.self)
      if parts.count == 2, key.hasPrefix("model name") {
        return String(decoding: parts[1].drop { $0 == 32 }, as: UTF8.self)
      }
    }
    #if arch(x86_64)
      return "x86_64"
    #else
      return "arm64"
    #endif
  }()
}
