import CCPU
import KernelTypes
import KernelsBase
import Platform

#if arch(x86_64)
  import KernelsAVX2
  import KernelsAVX512
#endif

// Kernels are written once, in KernelsBase, and compiled for three instruction sets; this module chooses between them at run
// time and shares their work among threads. Here are the loops over chunks, the choice of algorithms and scratch memory;
// there is the arithmetic on pointers. Every function that splits work reads `kernels` once, on the caller's thread, since a
// worker would choose by its own.

/// Why a kernel did not run.
package enum KernelError: Error, Sendable, Equatable {
  /// Scratch memory of this many bytes could not be had.
  case outOfMemory(bytes: Int)
}

/// The instruction set that the kernels use: the widest that this processor has, or a narrower one by LTD_SIMD.
package enum InstructionSet: Int, Sendable, CaseIterable {
  /// What every processor has: SSE2 on x86, NEON on ARM.
  case base
  /// AVX2 with FMA.
  case avx2
  /// AVX-512.
  case avx512

  /// Those of this processor, the narrowest first.
  package static let available: [InstructionSet] = {
    #if arch(x86_64)
      guard ltd_cpu_has_avx2_fma() else { return [.base] }
      return ltd_cpu_has_avx512() ? [.base, .avx2, .avx512] : [.base, .avx2]
    #else
      return [.base]
    #endif
  }()

  /// The one that kernels use that are called from this thread.
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
    available.first { $0 == Environment.instructionSet } ?? available.last ?? .base
  }()
}

/// The kernels of the current instruction set.
package var kernels: any KernelSet.Type {
  #if arch(x86_64)
    switch InstructionSet.current {
    case .base: return KernelsBase.CPUKernels.self
    case .avx2: return KernelsAVX2.CPUKernels.self
    case .avx512: return KernelsAVX512.CPUKernels.self
    }
  #else
    return KernelsBase.CPUKernels.self
  #endif
}
