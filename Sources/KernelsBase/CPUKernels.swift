import KernelTypes

/// The kernels of this instruction set. Raw pointers only: no arrays, generics or existentials, whose specialisations
/// compiled for wide vectors the linker could pick for the whole program.
package enum CPUKernels: KernelSet {}
