import Foundation
import Networks
import Tensors

/// ltd's side of the benchmarks: answers requests on standard input, one line each, and works only then.
///
/// `ltd-bench FOLDER`, FOLDER holding the weights of the networks (made where they are missing). Requests:
///
///     threads N             "ok"
///     run CASE REPEATS      milliseconds of one repeat
///     check CASE FILE       writes what the case computes, from a fresh start, as safetensors; "ok"
///     memory CASE           peak and starting resident memory in kB
///     leak STEPS            bytes of tensors, and kB of resident memory, by which the last nine tenths of a training run grew
///
///     operations            speed of each operation of Tests/Operations, in lines that begin with "+"; "ok"
///
/// An answer that begins with "error" says what went wrong.
@main enum Worker {
  static func main() {
    guard CommandLine.arguments.count == 2 else {
      print("usage: ltd-bench FOLDER (Tests/Benchmarks/run starts it)")
      exit(2)
    }
    var bench = Bench(folder: CommandLine.arguments[1])
    while let line = readLine() {
      var answer: String
      do {
        answer = try bench.answer(line.split(separator: " ").map(String.init))
      } catch {
        answer = "error \(error)"
      }
      Bench.say(answer)
    }
  }
}

struct Bench {
  let folder: String
  /// The last work done, kept for the next run of the same case.
  private var workload: (name: String, value: any Workload)?

  init(folder: String) { self.folder = folder }

  /// One line, at once.
  static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

  mutating func answer(_ words: [String]) throws -> String {
    switch (words.first, words.count) {
    case ("threads", 2):
      Compute.threads = Int(words[1]) ?? 1
      return "ok"
    case ("run", 3):
      let (value, part) = try find(words[1])
      let repeats = Int(words[2]) ?? 1
      let clock = ContinuousClock()
      let start = clock.now
      for _ in 0..<repeats { try value.run(part) }
      return "\((clock.now - start) / .milliseconds(1) / Double(repeats))"
    case ("check", 3):
      workload = nil
      let (value, part) = try find(words[1], dropout: false)
      try SafeTensors.write(words[2], tensors: value.results(part), metadata: [:])
      workload = nil
      return "ok"
    case ("memory", 2):
      let (value, part) = try find(words[1])
      try resetPeak()
      let start = try residentMemory("VmRSS")
      for _ in 0..<2 { try value.run(part) }
      return "\(try residentMemory("VmHWM")) \(start)"
    case ("operations", 1):
      try OperationSpeed.report { Bench.say("+\($0)") }
      return "ok"
    case ("leak", 2):
      let steps = Int(words[1]) ?? 0
      var run = try LongRun()
      // Reading the figures takes memory too, the first time.
      _ = try residentMemory("VmRSS")
      try run.train(steps: steps / 10)
      let before = (Compute.memory.inUse, try residentMemory("VmRSS"))
      try run.train(steps: steps - steps / 10)
      return "\(Compute.memory.inUse - before.0) \(try residentMemory("VmRSS") - before.1)"
    default: throw BenchError("an unknown request: \(words.joined(separator: " "))")
    }
  }

  /// The work that a name like "preactresnet18.b128.inputgrad.train" stands for, and the part of it to do.
  private mutating func find(_ name: String, dropout: Bool = true) throws -> (any Workload, String) {
    var words = name.split(separator: ".").map(String.init)
    let first = words.removeFirst()
    var group = first
    var batch: Int?
    if let word = words.first, word.hasPrefix("b"), let number = Int(word.dropFirst()) {
      batch = number
      group += "." + words.removeFirst()
    }
    if NetworkSettings.all[first] == nil { group = name }
    if let workload, workload.name == group { return (workload.value, words.joined(separator: ".")) }
    workload = nil
    let value: any Workload
    if let settings = NetworkSettings.all[first] {
      value = try NetworkWorkload(first, settings, batch: batch ?? settings.batch, folder: folder, dropout: dropout)
    } else if first == "step" {
      value = try StepWorkload(words, folder: folder)
    } else if first == "load" {
      value = try LoadWorkload(words, folder: folder)
    } else if first == "data" {
      value = try DataWorkload(words, folder: folder)
    } else {
      value = try TensorWorkload(family: first, words)
    }
    workload = (group, value)
    return (value, words.joined(separator: "."))
  }

  private func resetPeak() throws {
    guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
    try file.write(contentsOf: Data("5".utf8))
  }

  /// kB, from the kernel.
  private func residentMemory(_ field: String) throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix(field + ":") }
    guard let number = line?.split(whereSeparator: { !$0.isNumber }).first, let value = Int(number) else {
      throw BenchError("/proc/self/status does not tell \(field)")
    }
    return value
  }
}

/// Something that can be done again and again.
protocol Workload {
  func run(_ part: String) throws
  /// What `run` computes, for the comparison with PyTorch.
  func results(_ part: String) throws -> [(name: String, tensor: Tensor)]
}

struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
