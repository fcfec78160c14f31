import Platform

/// The settings of the kernels in the environment: LTD_THREADS, LTD_MEMORY_LIMIT and LTD_SIMD. A value that is not
/// understood counts as none, and `problem` tells it.
package enum Environment {
  /// LTD_THREADS; nil when it is not set, or not understood.
  static var threads: Int? { text("LTD_THREADS").flatMap(Int.init).flatMap { (1...256).contains($0) ? $0 : nil } }

  /// LTD_MEMORY_LIMIT in bytes.
  static var memoryLimit: Int? { text("LTD_MEMORY_LIMIT").flatMap(bytes) }

  /// LTD_SIMD, whether or not this processor has it.
  static var instructionSet: InstructionSet? {
    text("LTD_SIMD").flatMap { name in InstructionSet.allCases.first { "\($0)" == name } }
  }

  /// What is wrong with a setting, in a sentence for the one who set it; nil when nothing is.
  package static var problem: String? {
    for (name, isUnderstood, accepted) in [
      ("LTD_THREADS", threads != nil, "from 1 to 256"),
      ("LTD_MEMORY_LIMIT", memoryLimit != nil, "a number of bytes, or one with K, M or G"),
      ("LTD_SIMD", instructionSet != nil, "one of " + InstructionSet.allCases.map { "\($0)" }.joined(separator: ", ")),
    ] {
      if let text = text(name), !isUnderstood { return "\(name) must be \(accepted), not '\(text)'" }
    }
    return nil
  }

  private static func text(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  private static func bytes(_ text: String) -> Int? {
    let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30]
    let shift = text.last.flatMap { shifts[Character($0.uppercased())] }
    guard let number = Int(shift == nil ? text[...] : text.dropLast()), number > 0 else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
    return overflow ? nil : bytes
  }
}
