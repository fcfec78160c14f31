/// The C library of the system, under one name wherever it is needed: `import Platform`.
///
/// Foundation would bring it too, and ICU with it, which doubles the time to start.
#if canImport(Glibc)
  @_exported import Glibc
#elseif canImport(Musl)
  @_exported import Musl
#endif
