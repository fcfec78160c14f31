// swift-tools-version:6.2
import PackageDescription

// Numeric code is optimised in debug builds too: unoptimised it runs about 100 times slower and the tests take for ever.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O", "-wmo", "-num-threads", "2", "-disable-batch-mode"])]
let kernels: [SwiftSetting] = [.unsafeFlags(["-Ounchecked", "-wmo", "-num-threads", "2", "-disable-batch-mode"])]

// The evaluator reads class properties in its innermost loops: the run-time check for overlapping access costs a tenth.
let scalar: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"])]

#if arch(x86_64)
  // The same sources again (KernelsAVX2 is a link to KernelsBase), compiled for AVX2 and FMA; chosen at run time.
  let wideTargets: [Target] = [
    .target(
      name: "KernelsAVX2", dependencies: ["KernelTypes"],
      swiftSettings: kernels + [.define("LTD_FMA"), .unsafeFlags(["-Xcc", "-mavx2", "-Xcc", "-mfma"])])
  ]
  let wideDependencies: [Target.Dependency] = ["KernelsAVX2"]
#else
  let wideTargets: [Target] = []
  let wideDependencies: [Target.Dependency] = []
#endif

let package = Package(
  name: "ltd",
  products: [
    .executable(name: "ltd", targets: ["ltd"]),
    .library(name: "LTDCore", targets: ["Tensors", "Networks", "Datasets", "Robustness"]),
    .library(name: "LTDLanguage", targets: ["Syntax", "Interpreter"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
  ],
  targets: [
    // C libraries
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CLibedit", pkgConfig: "libedit", providers: [.apt(["libedit-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CEditline", dependencies: ["CLibedit"]),
    .target(name: "CCPU"),

    // The core: knows nothing of the language
    .target(name: "KernelTypes", swiftSettings: kernels),
    .target(name: "KernelsBase", dependencies: ["KernelTypes"], swiftSettings: kernels),
    .target(
      name: "Kernels", dependencies: ["KernelTypes", "KernelsBase", "CCPU", "COpenBLAS"] + wideDependencies,
      swiftSettings: optimised),
    .target(name: "Tensors", dependencies: ["Kernels", "KernelTypes"], swiftSettings: optimised),
    .target(name: "Networks", dependencies: ["Tensors"], swiftSettings: optimised),
    .target(name: "Datasets", dependencies: ["Tensors", "CZlib"], swiftSettings: optimised),
    .target(name: "Robustness", dependencies: ["Networks", "Datasets"], swiftSettings: optimised),

    // The language: knows nothing of the core
    .target(name: "Syntax", exclude: ["GRAMMAR.md"]),
    .target(name: "Interpreter", dependencies: ["Syntax"], swiftSettings: scalar),

    // Where they meet
    .target(name: "Stdlib", path: "stdlib", resources: [.embedInCode("studies.ltd")]),
    .target(name: "Builtins", dependencies: ["Interpreter", "Robustness"]),
    .target(name: "Console", dependencies: ["Builtins", "Stdlib", "CEditline"]),
    .executableTarget(
      name: "ltd",
      dependencies: ["Console", .product(name: "ArgumentParser", package: "swift-argument-parser")]),

    // Tests
    .target(name: "TestSupport", path: "Tests/TestSupport"),
    .testTarget(name: "KernelsTests", dependencies: ["Kernels", "KernelTypes"]),
    .testTarget(name: "TensorsTests", dependencies: ["Tensors"]),
    .testTarget(
      name: "ReferenceVectors", dependencies: ["Robustness", "TestSupport"], path: "Tests/ReferenceVectors"),
    .testTarget(name: "NetworksTests", dependencies: ["Networks"]),
    .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "TestSupport"]),
    .testTarget(name: "RobustnessTests", dependencies: ["Robustness"]),
    .testTarget(name: "SyntaxTests", dependencies: ["Syntax", "TestSupport"], exclude: ["Snapshots"]),
    .testTarget(name: "InterpreterTests", dependencies: ["Interpreter"]),
    .testTarget(name: "BuiltinsTests", dependencies: ["Builtins", "TestSupport"]),
    .target(name: "CPseudoTerminal", path: "Tests/CPseudoTerminal"),
    .testTarget(name: "ConsoleTests", dependencies: ["Console", "CPseudoTerminal", "TestSupport", "ltd"]),
    .testTarget(name: "ScriptTests", dependencies: ["Console", "TestSupport", "ltd"]),
  ] + wideTargets,
  swiftLanguageModes: [.v6]
)
