// swift-tools-version:6.2
import PackageDescription

// Numeric code is optimised in debug builds too: unoptimised it runs about 100 times slower and the tests take for ever.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O", "-wmo", "-num-threads", "2", "-disable-batch-mode"])]
let kernels: [SwiftSetting] = [.unsafeFlags(["-Ounchecked", "-wmo", "-num-threads", "2", "-disable-batch-mode"])]

// The evaluator reads class properties in its innermost loops: the run-time check for overlapping access costs a tenth.
let scalar: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"])]

// Swift's libraries within the program: it starts 6 ms of 20 sooner. What Foundation, which GRDB uses, needs itself is named,
// as code that is compiled for shared libraries does not name it.
let standalone =
  ["-static-stdlib"]
  + ["CoreFoundation", "_FoundationICU", "_FoundationCollections", "_FoundationCShims"].map { "-l\($0)" }

// The rooms of the core that those above it work with.
let core: [Target.Dependency] = ["Base", "Platform", "Tensors", "Networks", "Datasets", "Robustness"]

// The library written in the language: a file of stdlib/ each.
let modules = ["files", "grids", "lists", "recipes", "statistics", "studies", "tables", "texts", "times"]

#if arch(x86_64)
  // The same sources again (these folders are links to KernelsBase), compiled for wider vectors; chosen at run time.
  let avx2: [SwiftSetting] = [.define("LTD_FMA"), .unsafeFlags(["-Xcc", "-mavx2", "-Xcc", "-mfma"])]
  let avx512: [SwiftSetting] =
    avx2 + [
      .define("LTD_WIDE"),
      .unsafeFlags(["avx512f", "avx512vl", "avx512bw", "avx512dq"].flatMap { ["-Xcc", "-m\($0)"] }),
    ]
  let wideTargets: [Target] = [
    .target(name: "KernelsAVX2", dependencies: ["KernelTypes", "CCPU", "Platform"], swiftSettings: kernels + avx2),
    .target(name: "KernelsAVX512", dependencies: ["KernelTypes", "CCPU", "Platform"], swiftSettings: kernels + avx512),
  ]
  let wideDependencies: [Target.Dependency] = ["KernelsAVX2", "KernelsAVX512"]
#else
  let wideTargets: [Target] = []
  let wideDependencies: [Target.Dependency] = []
#endif

let package = Package(
  name: "ltd",
  products: [
    .executable(name: "ltd", targets: ["ltd"]),
    .library(name: "LTDCore", targets: ["Base", "Tensors", "Networks", "Datasets", "Robustness"]),
    .library(name: "LTDLanguage", targets: ["Base", "Syntax", "Interpreter"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    // C libraries
    .systemLibrary(name: "CLibedit", pkgConfig: "libedit", providers: [.apt(["libedit-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CMinizip", pkgConfig: "minizip", providers: [.apt(["libminizip-dev"])]),
    .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),
    .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CLibPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CSearch"),
    .target(name: "CEditline", dependencies: ["CLibedit", "CCPU"]),
    .target(name: "CPNG", dependencies: ["CLibPNG"]),
    .target(name: "CCurl"),
    .target(name: "COpenBLAS"),
    .target(name: "CCairo"),
    .target(name: "CCPU"),
    .target(name: "CAllocator"),

    // Under both sides: errors, what ends long work, files, JSON, numbers as text, one lock
    .target(name: "Platform"),
    .target(
      name: "Base", dependencies: ["Platform", "CCPU", "CDeflate", "CMinizip", "CNettle", "CZlib"],
      swiftSettings: optimised),

    // Processes that work together: MPI, opened when a launcher has started the program
    .target(name: "Cluster", dependencies: ["Base", "CCPU", "Platform"], swiftSettings: optimised),

    // The core: knows nothing of the language
    .target(name: "KernelTypes", swiftSettings: kernels),
    .target(name: "KernelsBase", dependencies: ["KernelTypes", "CCPU", "Platform"], swiftSettings: kernels),
    .target(
      name: "Kernels",
      dependencies: ["Base", "Platform", "KernelTypes", "KernelsBase", "CCPU", "COpenBLAS"] + wideDependencies,
      swiftSettings: optimised),
    .target(name: "Devices", dependencies: ["Base", "Platform", "KernelTypes", "Kernels"], swiftSettings: optimised),
    .target(name: "Tensors", dependencies: ["Base", "Platform", "Devices"], swiftSettings: optimised),
    .target(name: "Networks", dependencies: ["Base", "Platform", "Tensors"], swiftSettings: optimised),
    .target(
      name: "Datasets", dependencies: ["Base", "Platform", "Tensors", "CTurboJPEG", "CPNG", "CCurl"],
      swiftSettings: optimised),
    .target(
      name: "Robustness", dependencies: ["Base", "Platform", "Tensors", "Networks", "Datasets"],
      swiftSettings: optimised),

    .target(
      name: "Runs",
      dependencies: core + ["Devices", .product(name: "GRDB", package: "GRDB.swift")],
      exclude: ["SCHEMA.md"]),

    // The language: knows nothing of the core
    .target(name: "Syntax", exclude: ["GRAMMAR.md"]),
    .target(
      name: "Interpreter", dependencies: ["Base", "Platform", "Syntax", "CCPU", "CSearch"], swiftSettings: scalar),

    // Pictures: between the core and those who look
    .target(name: "Drawing", dependencies: ["Base", "Platform", "CCairo", "CZlib"], swiftSettings: optimised),

    // Where they meet
    .target(
      name: "Stdlib", path: "stdlib",
      resources: ["tour", "temperature", "cluster", "errors"].map { .embedInCode("\($0).md") }
        + modules.map { .embedInCode("\($0).ltd") }),
    .target(name: "Builtins", dependencies: core + ["Devices", "Drawing", "Interpreter", "KernelTypes", "Runs"]),
    .target(name: "Help", dependencies: ["Base", "Platform", "Interpreter", "Stdlib"]),
    .target(
      name: "Console",
      dependencies: [
        "Base", "Platform", "Cluster", "Devices", "Tensors", "Drawing", "Interpreter", "Builtins", "Help", "Runs",
        "Stdlib", "CAllocator", "CEditline",
      ]),
    .executableTarget(
      name: "ltd",
      dependencies: [
        "Base", "Console", "Platform", "Runs", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      linkerSettings: [.unsafeFlags(standalone, .when(platforms: [.linux], configuration: .release))]),

    // Benchmarks: ltd's side of Tests/Benchmarks/run
    .target(name: "Peaks", path: "Tests/Benchmarks/Peaks", cSettings: [.unsafeFlags(["-O3"])]),
    .executableTarget(
      name: "ltd-bench", dependencies: core + ["Operations", "Peaks"], path: "Tests/Benchmarks/Worker",
      swiftSettings: optimised),

    .testTarget(name: "BenchmarkTests", dependencies: ["TestSupport", "ltd-bench"]),

    // Tests
    .target(name: "TestSupport", dependencies: ["Base", "CZlib", "Syntax"], path: "Tests/TestSupport"),
    .target(
      name: "LongCalls", dependencies: ["Interpreter", "Builtins", "Robustness", "TestSupport"], path: "Tests/LongCalls"
    ),
    .target(name: "HostSupport", dependencies: ["Base", "Interpreter"], path: "Tests/HostSupport"),
    .target(name: "Operations", dependencies: ["Base", "Tensors"], path: "Tests/Operations", swiftSettings: optimised),
    .executableTarget(
      name: "ltd-fuzz",
      dependencies: [
        "Base", "Syntax", "Interpreter", "Builtins", "Stdlib", "Tensors", "Networks", "Datasets", "TestSupport",
      ],
      path: "Tests/Fuzz",
      exclude: ["README.md"]),
    .testTarget(name: "BaseTests", dependencies: ["Base", "TestSupport"]),
    .testTarget(name: "ClusterTests", dependencies: ["Base", "Cluster"]),
    .testTarget(name: "DrawingTests", dependencies: ["Base", "Drawing", "CZlib", "TestSupport"]),
    .testTarget(name: "KernelsTests", dependencies: ["Kernels", "KernelTypes"]),
    .testTarget(name: "TensorsTests", dependencies: ["Base", "Devices", "Tensors", "TestSupport"]),
    .testTarget(
      name: "OperationsTests", dependencies: ["Base", "Tensors", "Operations", "Kernels"], swiftSettings: optimised),
    .testTarget(
      name: "ReferenceVectors", dependencies: core + ["Operations", "TestSupport"],
      path: "Tests/ReferenceVectors"),
    .testTarget(name: "NetworksTests", dependencies: ["Base", "Tensors", "Networks", "Kernels", "TestSupport"]),
    .testTarget(name: "DatasetsTests", dependencies: ["Base", "Tensors", "Datasets", "TestSupport"]),
    .testTarget(name: "RobustnessTests", dependencies: core + ["Cluster", "Devices", "TestSupport"]),
    .testTarget(
      name: "RunsTests", dependencies: core + ["Runs", "TestSupport", .product(name: "GRDB", package: "GRDB.swift")]),
    .testTarget(name: "SyntaxTests", dependencies: ["Platform", "Syntax", "TestSupport"], exclude: ["Snapshots"]),
    .testTarget(
      name: "InterpreterTests", dependencies: ["Base", "Syntax", "Interpreter", "HostSupport", "TestSupport"],
      exclude: ["Snapshots"]),
    .testTarget(
      name: "BuiltinsTests",
      dependencies: core + ["Drawing", "Syntax", "Interpreter", "Builtins", "HostSupport", "LongCalls", "TestSupport"],
      exclude: ["Snapshots"]),
    .testTarget(
      name: "HelpTests", dependencies: ["Interpreter", "Builtins", "Help", "HostSupport", "Stdlib", "TestSupport"]),
    .target(name: "CPseudoTerminal", path: "Tests/CPseudoTerminal"),
    .testTarget(
      name: "ConsoleTests",
      dependencies: [
        "Base", "Builtins", "Interpreter", "Console", "Stdlib", "CPseudoTerminal", "LongCalls", "TestSupport",
      ]),
    .testTarget(name: "ScriptTests", dependencies: ["Base", "Console", "TestSupport"]),
  ] + wideTargets,
  swiftLanguageModes: [.v6]
)

// A member comes only from a module that the file imports: GRDB brings Foundation along, whose `contains` differs from that
// of the standard library, and no room above the ledger is to have it unasked.
for target in package.targets where ["Builtins", "Help", "Console"].contains(target.name) {
  target.swiftSettings = (target.swiftSettings ?? []) + [.enableUpcomingFeature("MemberImportVisibility")]
}

// One release build serves users and tests: tests see what is internal, and are not optimised themselves, which takes twice as
// long to compile. Numeric code is (`optimised`), theirs too.
for target in package.targets where target.type != .system {
  let isTest = target.type == .test || target.path?.hasPrefix("Tests/") == true
  let own: SwiftSetting =
    isTest && target.swiftSettings == nil
    ? .unsafeFlags(["-Onone"], .when(configuration: .release))
    : .unsafeFlags(["-enable-testing"], .when(configuration: .release))
  target.swiftSettings = (target.swiftSettings ?? []) + [own]
}

// LTD_ROOM=Tensors, or several names with commas, leaves nothing of the package but these targets, their tests (`TensorsTests`)
// and what both depend on, so that `swift test` builds no more than that. `.ci/quick` sets it.
if let rooms = Context.environment["LTD_ROOM"], !rooms.isEmpty {
  let targets = Dictionary(uniqueKeysWithValues: package.targets.map { ($0.name, $0) })
  var open: [String] = []
  for room in rooms.split(separator: ",").map(String.init) {
    let named = [room, room + "Tests"].filter { targets[$0] != nil }
    if named.isEmpty { fatalError("LTD_ROOM: there is no target \(room)") }
    open += named
    // What they start is no dependency of theirs, which would link it.
    if ["Console", "Script"].contains(room) { open.append("ltd") }
  }
  var kept: Set<String> = []
  var usesPackages = false
  while let name = open.popLast() {
    guard kept.insert(name).inserted, let target = targets[name] else { continue }
    for dependency in target.dependencies {
      switch dependency {
      case .targetItem(let name, _), .byNameItem(let name, _): open.append(name)
      case .productItem: usesPackages = true
      @unknown default: break
      }
    }
  }
  package.targets.removeAll { !kept.contains($0.name) }
  package.products = []
  if !usesPackages { package.dependencies = [] }
}
