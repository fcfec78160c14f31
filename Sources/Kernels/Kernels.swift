import CCPU
import KernelTypes
import KernelsBase
import Synchronization

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

  /// Settable for tests, while no kernel runs.
  package static var current: InstructionSet {
    get { InstructionSet(rawValue: chosen.load(ordering: .relaxed)) ?? .base }
    set { if available.contains(newValue) { chosen.store(newValue.rawValue, ordering: .relaxed) } }
  }

  private static let chosen: Atomic<Int> = {
    let forced = getenv("LTD_SIMD").map { String(cString: $0) == "base" } ?? false
    return Atomic(forced ? InstructionSet.base.rawValue : (available.last ?? .base).rawValue)
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
