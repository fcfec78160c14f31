import Builtins
import Interpreter

/// The built-ins as they are fuzzed: those that read clocks or the surroundings, wait or change settings of the process
/// take their arguments and do nothing.
enum FuzzTable {
  static let standard: BuiltinTable = {
    var table = BuiltinTable.standard
    let still = [
      "sleep", "background", "wait", "time", "timeit", "clock", "now", "env", "threads", "memory", "check_finite",
      "vars",
    ]
    table.add(
      still.compactMap { table.functions[$0] }.map { builtin in
        Builtin(builtin.signature.text, builtin.summary, family: builtin.family) { _ in .none }
      })
    return table
  }()
}
