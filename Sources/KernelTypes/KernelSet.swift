package typealias Floats = UnsafePointer<Float>
package typealias MutableFloats = UnsafeMutablePointer<Float>

/// Every serial kernel that exists once per instruction set. `KernelsBase.CPUKernels` and `KernelsAVX2.CPUKernels` are
/// the same sources compiled twice; `Kernels` picks one at start and splits the work over threads.
package protocol KernelSet: ElementwiseKernels, NormalizationKernels, RowKernels, PoolingKernels,
  ConvolutionKernels, WinogradKernels
{}
