/// Values that a kernel reads.
package typealias Floats = UnsafePointer<Float>
/// Values that a kernel writes.
package typealias MutableFloats = UnsafeMutablePointer<Float>

/// Every serial kernel that exists once per instruction set. `CPUKernels` of KernelsBase, KernelsAVX2 and KernelsAVX512 are
/// the same sources compiled three times; `Kernels` picks one at run time and splits the work over threads.
package protocol KernelSet: AttackKernels, ElementwiseKernels, NormalizationKernels, RowKernels, PoolingKernels,
  ConvolutionKernels, WinogradKernels, ProjectionKernels
{}
