import Base
import Foundation
import Tensors
import TestSupport

/// `ltd-fuzz files`: valid files of every format, damaged, and read in this process.
///
/// What a crash or a hang is finds the `Watch`, as for programs. Besides that every error must have words that name the
/// file, no case may take a second, and none may take more memory than its file of at most some 128 KiB can mean.
enum FileFuzz {
  private static let folder = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
  private static let mostGrowth = 192 << 20

  /// - Returns: the number of findings.
  static func run(_ options: Options, _ cases: Range<UInt64>, keeps: Bool) -> Int {
    let formats = options.format == "all" ? FileFormat.all : FileFormat.all.filter { $0.name == options.format }
    guard !formats.isEmpty else {
      print("the formats are all, \(FileFormat.all.map(\.name).joined(separator: ", "))")
      exit(2)
    }
    Compute.threads = 1
    Compute.memoryLimit = 256 << 20
    let folder = "\(folder)/ltd-fuzz-\(getpid())"
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { if !keeps { try? FileManager.default.removeItem(atPath: folder) } }
    var found = options.found
    var read = 0
    let start = seconds()
    Watch.enterThread()
    for number in cases {
      Watch.begin(number)
      let format = formats[Int(number % UInt64(formats.count))]
      var mixer = SeededGenerator(seed: options.seed &* 0x2545_F491_4F6C_DD1D &+ number)
      var mutator = FileMutator(seed: mixer.next())
      var files = format.make(&mutator)
      if !mutator.isMutated || mutator.chance(4) { files[0].1 = mutator.mutated(files[0].1) }
      let own = "\(folder)/\(format.name)"
      if number < cases.lowerBound + UInt64(formats.count) { mkdir(own, 0o700) }
      for (name, bytes) in files { write(bytes, "\(own)/\(name)") }
      if keeps { print("case \(number): \(files.map { "\(own)/\($0.0)" }.joined(separator: ", "))") }
      if let problem = problem(format, own, &read) {
        found += 1
        Watch.found(found)
        say("files --format \(options.format) --seed \(options.seed) --case \(number) (\(format.name)): \(problem)")
        if found >= 200 { break }
      }
      if number % 100_000 == 99_999 {
        let done = Double(number + 1 - cases.lowerBound)
        let each = (seconds() - start) / done * 1e6
        say(
          "\(number + 1) cases, \(found) findings; \(each.rounded()) µs a case; \(Int(Double(read) / done * 100)) % read"
        )
      }
    }
    return found
  }

  private static func problem(_ format: FileFormat, _ folder: String, _ read: inout Int) -> String? {
    let (before, began) = (peak(), seconds())
    var problem: String?
    do {
      try format.read(folder)
      read += 1
    } catch let error as CoreError {
      if error.message.isEmpty { problem = "an error without a message" }
      let isOfFile = error.message.contains(folder) || [.memory, .limit].contains(error.kind)
      if !isOfFile { problem = "the error does not name the file: \(error.message)" }
    } catch let finding as FileFormat.Finding {
      problem = finding.what
    } catch { problem = "an error of another kind: \(error)" }
    if seconds() - began > 1 { problem = problem ?? "\(seconds() - began) s" }
    let growth = peak() - before
    if growth > mostGrowth { problem = problem ?? "\(growth >> 20) MiB" }
    return problem
  }

  private static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// The most memory that the process has had, in bytes.
  private static func peak() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss << 10
  }

  private static func write(_ bytes: [UInt8], _ path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { close(descriptor) }
    var done = 0
    while done < bytes.count {
      let put = bytes.withUnsafeBytes {
        Foundation.write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done)
      }
      guard put > 0 else { return }
      done += put
    }
  }

  private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
