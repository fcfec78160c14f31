import CCPU
import KernelTypes
import KernelsBase

#if arch(x86_64)
  import KernelsAVX2
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Why a kernel did not run.
package enum KernelError: Error, Sendable, Equatable {
  /// Scratch memory of this many bytes could not be had.
  case outOfMemory(bytes: Int)
}

/// The instruction set that the kernels use: the widest that this processor has, or by LTD_SIMD=base the portable one.
package enum InstructionSet: Int, Sendable, CaseIterable {
  case base
  case avx2

  package static var available: [InstructionSet] {
    #if arch(x86_64)
      return ltd_cpu_has_avx2_fma() ? [.base, .avx2] : [.base]
    #else
      return [.base]
    #endif
  }

  package static var current: InstructionSet {
    InstructionSet(rawValue: Int(ltd_thread_instruction_set())) ?? chosen
  }

  /// Runs `body` with kernels called from this thread using `set` (the chosen one where this processor lacks it).
  package static func with<Result, Failure: Error>(
    _ set: InstructionSet, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let outer = ltd_thread_instruction_set()
    if available.contains(set) { ltd_thread_set_instruction_set(Int32(set.rawValue)) }
    defer { ltd_thread_set_instruction_set(outer) }
    return try body()
  }

  private static let chosen: InstructionSet = {
    let forced = getenv("LTD_SIMD").map { String(cString: $0) == "base" } ?? false
    return forced ? .base : available.last ?? .base
  }()
}

/// The kernels of the current instruction set.
package var kernels: any KernelSet.Type {
  #if arch(x86_64)
    return InstructionSet.current == .avx2 ? KernelsAVX2.CPUKernels.self : KernelsBase.CPUKernels.self
  #else
    return KernelsBase.CPUKernels.self
  #endif
}
