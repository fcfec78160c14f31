import Base
import Platform

/// The built-ins that print, convert, raise errors, and tell of the run itself.
enum CoreLanguage {
  static let builtins: [Builtin] = [
    Builtin(
      "print(*values, sep: string = \" \", end: string = \"\\n\", to: string = \"output\", flush: bool = false) -> none",
      "Writes values to the standard output.",
      details: """
        Strings are written as they are, a list of records as a table. With `--json-errors` what goes to standard error is \
        one line of JSON too: {"severity": "printed", "message": …}.

        - values: anything.
        - sep: between two values.
        - end: after the last one.
        - to: "output", or "error" for standard error, where it appears at once, after all that was printed before it.
        - flush: whether to hand the output on at once, as flush() does.
        """,
      examples: [Example("print(\"T =\", 3)", "T = 3")], seeAlso: ["str", "flush"],
      search: ["echo", "write", "show", "display", "stderr", "standard error"],
      family: "language"
    ) { call in
      let options = call.session.printing
      var text = ""
      var followsBlock = false
      for (place, value) in try call.list(0).enumerated() {
        let part = value.text(options)
        // A tensor or table of several lines stands on lines of its own.
        let isBlock = value.asString == nil && !call.isGiven("sep") && part.utf8.contains(UInt8(ascii: "\n"))
        if place > 0 { text += isBlock || followsBlock ? "\n" : try call.string(1) }
        text += part
        followsBlock = isBlock
      }
      text += try call.string(2)
      switch try call.string("to") {
      case "output":
        let values = try call.list(0)
        let picture = values.count == 1 ? values[0].asObject.flatMap { $0.isPicture ? $0 : nil } : nil
        try call.session.write(text, drawing: picture)
      case "error": try call.session.host.writeError(text)
      case let other:
        throw call.error(.value, "to must be \"output\" or \"error\", not \"\(other)\"", at: "to")
      }
      if try call.bool("flush") { try call.session.host.flush() }
      return .none
    },
    Builtin(
      "flush() -> none", "Hands on what print has written so far, and waits until it has been taken.",
      details: """
        On a terminal every line appears at once. In a pipe or file, output is gathered for a tenth of a second at most and \
        is written when the program ends, however it ends. An error where it cannot be written, such as on a full disk.
        """,
      examples: [Example("print(\"epoch 1\"); flush()", "epoch 1")], seeAlso: ["print"],
      search: ["output", "buffer", "stdout", "fflush"], family: "language"
    ) { call in
      try call.session.host.flush()
      return .none
    },
    Builtin(
      "str(x: any) -> string", "A value as a string: as print writes it, but with nothing left out.",
      examples: [Example("str(8 / 2) + \"!\"", "\"4.0!\"")], seeAlso: ["print", "int", "float"],
      search: ["string", "text", "convert", "repr", "to_string"], family: "language"
    ) { call in
      switch call[0] {
      case .string: return call[0]
      case .int(let number): return Value(String(number))
      default: break
      }
      return Value(try Operations.fullText(of: call[0], call.session))
    },
    Builtin(
      "int(x: number | bool | string | tensor) -> int",
      "The whole number of a number, a bool or a string; floats are cut off towards zero.",
      details: "- x: a number, a bool, or a string such as \"42\".",
      examples: [Example("int(3.9)", "3"), Example("int(\"42\")", "42")], seeAlso: ["float", "round", "floor"],
      search: ["convert", "cast", "truncate", "parse"], family: "language", checksFirst: false
    ) { call in
      switch call[0].plain {
      case .int(let number): return .int(number)
      case .bool(let truth): return .int(truth ? 1 : 0)
      case .float(let number): return try CoreMathematics.whole(number.rounded(.towardZero), of: "int(\(number))", call)
      case .string(let text):
        if let number = Int(text.text) { return .int(number) }
        let digits = CoreStrings.trimmed(text.text).filter { $0 != "_" }
        if let number = Int(digits) { return .int(number) }
        throw call.error(
          .value, "\(Value(text.text).shortText(PrintOptions())) is not a whole number",
          hint: Double(digits) == nil ? nil : "int(float(x)) reads a string with decimals", at: "x")
      case .object(let object):
        if let number = try object.number() {
          if case .float(let value) = number {
            return try CoreMathematics.whole(value.rounded(.towardZero), of: "int(x)", call)
          }
          return number
        }
      default: break
      }
      throw call.error(
        .type, "\(call[0].kindText) cannot be made an int", hint: call[0].asObject?.advice(on: "int"), at: "x")
    },
    Builtin(
      "float(x: number | bool | string | tensor) -> float",
      "The floating-point number of a number, a bool or a string.",
      details: "- x: a number, a bool, or a string such as \"1e-3\".",
      examples: [Example("float(\"1e-3\")", "0.001"), Example("float(3)", "3.0")], seeAlso: ["int", "str"],
      search: ["convert", "cast", "parse", "double"], family: "language", checksFirst: false
    ) { call in
      switch call[0] {
      case .int(let number): return .float(Double(number))
      case .float: return call[0]
      case .bool(let truth): return .float(truth ? 1 : 0)
      case .string(let text):
        let digits = CoreStrings.trimmed(text.text).filter { $0 != "_" }
        // What stands after a zero byte would not be looked at.
        if !digits.utf8.contains(0), let number = Double(digits) { return .float(number) }
        throw call.error(.value, "\(Value(text.text).shortText(PrintOptions())) is not a number", at: "x")
      case .object(let object):
        switch try object.scalar() {
        case .int(let number): return .float(Double(number))
        case .bool(let truth): return .float(truth ? 1 : 0)
        case let number?: return number
        case nil: break
        }
      default: break
      }
      throw call.error(
        .type, "\(call[0].kindText) cannot be made a float", hint: call[0].asObject?.advice(on: "float"), at: "x")
    },
    Builtin(
      "bool(x: number | bool | tensor) -> bool", "false for 0 and true for other numbers; bools stay.",
      details: "- x: a number or a bool.",
      examples: [Example("bool(2)", "true")],
      seeAlso: ["int"], search: ["convert", "truth"], family: "language", checksFirst: false
    ) { call in
      switch call[0].plain {
      case .bool: return call[0]
      case .int(let number): return .bool(number != 0)
      case .float(let number): return .bool(number != 0)
      default:
        if case .object(let object) = call[0] { return .bool(try object.truth()) }
        throw call.error(
          .type, "\(call[0].kindText) cannot be made a bool", hint: "compare it: x != none, len(x) > 0", at: "x")
      }
    },
    Builtin(
      "type(x: any) -> string", "The name of a value's type.", examples: [Example("type(8/255)", "\"float\"")],
      seeAlso: ["str"], search: ["typeof", "isinstance", "kind", "class"], family: "language"
    ) { call in Value(call[0].typeName) },
    Builtin(
      "error(message: string | error, hint: string | none = none) -> none",
      "Stops with an error, which try … catch can catch.",
      details:
        "What a caught error has, such as `e.message` and `e.trace`, `?e` lists.\n\n- message: one sentence on what is wrong; or a caught error, which is raised again as it was.\n- hint: what to try instead.",
      examples: [Example("try { error(\"no data\") } catch e { e.message }", "\"no data\"")],
      seeAlso: ["assert", "exit"],
      search: ["raise", "throw", "fail", "exception"], family: "language"
    ) { call in
      if case .error(let caught) = call[0] { throw LTDError(caught.diagnostic) }
      let message = try call.string(0)
      throw call.error(
        .user, message.isEmpty ? "an error without a message" : message, hint: try call.optionalString("hint"))
    },
    Builtin(
      "assert(condition: bool, message: string = \"\") -> none", "Stops with an error unless a condition holds.",
      details: "- condition: what must hold.\n- message: what the error says instead of the condition.",
      examples: [Example("try { assert(1 > 2, \"no\") } catch e { e.message }", "\"no\"")], seeAlso: ["error"],
      search: ["check", "test", "require", "expect"], family: "language"
    ) { call in
      if try call.bool(0) { return .none }
      let message = try call.string(1)
      var text = "the assertion failed"
      if let site = call.site, let span = site.argumentSpans.first ?? nil {
        text += ": " + site.source.text(span)
      }
      throw call.error(.assertion, message.isEmpty ? text : message, at: "condition")
    },
    Builtin(
      "exit(code: int >= 0 <= 255 = 0) -> none", "Ends the script; the code is what the shell sees.",
      details: "0 means success. At the prompt it ends the session.\n\n- code: what the shell sees, 0 to 255.",
      seeAlso: ["error"],
      search: ["quit", "stop", "end", "return"], family: "language"
    ) { call in
      call.session.exitCode = try call.int(0)
      throw LTDError(.interrupted, "exit")
    },
    Builtin(
      "args(**options) -> list | record",
      "The words after the script's name on the command line; with options, a record of the values given for them.",
      details: """
        `args(eps=0.1, seeds=3, quick=false)` reads `--eps 0.05 --seeds=5 --quick`, and `--help` lists the options and ends \
        the script. A word that belongs to no option is an error that names the nearest one.

        - options: the defaults, which also say what is read: an int, a float (8/255 is read as well), a string, a bool \
        (`--quick` makes it true, `--no-quick` false), or a list with commas between its elements, of the type of the first \
        one; none stands for a string that may be missing. `words=[]` takes the words that belong to no option.
        """,
      examples: [Example("args()", "[]"), Example("args(eps=0.1, seeds=3)", "{eps: 0.1, seeds: 3}")],
      seeAlso: ["exit", "env"],
      search: ["argv", "command line", "parameters", "arguments", "options", "flags", "argparse"], family: "language"
    ) { call in
      guard case .record(let defaults) = call[0], defaults.count > 0 else { return Value(call.session.arguments) }
      return try ScriptOptions(defaults, call).read(call.session.arguments)
    },
    Builtin(
      "env(name: string, default: string | none = none) -> string | none", "A variable of the environment.",
      details: "- name: the name of the variable.\n- default: returned when there is no such variable.",
      examples: [Example("env(\"LTD_NO_SUCH_VARIABLE\", \"none set\")", "\"none set\"")], seeAlso: ["args"],
      search: ["environment", "getenv"], family: "language"
    ) { call in
      guard let text = getenv(try call.string(0)) else { return call[1] }
      return Value(String(cString: text))
    },
    Builtin(
      "time(f: function) -> record", "Calls a function without arguments and tells how long it took, in seconds.",
      details: "- f: a function without arguments, such as () => sum(1..1000).",
      examples: [Example("time(() => 6 * 7).value", "42")], seeAlso: ["clock"],
      search: ["timeit", "measure", "duration", "benchmark", "elapsed"], family: "language"
    ) { call in
      let start = monotonicSeconds()
      let value = try call.invoke(call[0])
      return Value(fields: [("seconds", .float(monotonicSeconds() - start)), ("value", value)])
    },
    Builtin(
      "timeit(f: function, seconds: float > 0 = 0.5) -> record",
      "Calls a function without arguments again and again and tells how long one call takes, in seconds.",
      details: """
        The record has the median over the samples, their spread (median absolute deviation) and the number of runs. A \
        sample is as many calls as take a millisecond.

        - seconds: for how long, at least; there are at least seven samples.
        - f: a function without arguments, such as () => sum(1..1000).
        """,
      examples: [Example("timeit(() => 6 * 7, seconds=0.01).runs > 7", "true")], seeAlso: ["time", "clock"],
      search: ["measure", "duration", "benchmark", "median"], family: "language"
    ) { call in
      let begin = monotonicSeconds()
      let least = try call.float(1)
      var samples: [Double] = []
      var calls = 1
      var runs = 0
      while samples.count < 7 || monotonicSeconds() - begin < least && samples.count < 100_000 {
        let start = monotonicSeconds()
        for _ in 0..<calls {
          try call.poll()
          _ = try call.invoke(call[0])
        }
        let taken = monotonicSeconds() - start
        runs += calls
        if taken < 0.001, calls < 1 << 20 { calls *= 2 } else { samples.append(taken / Double(calls)) }
      }
      func median(_ numbers: [Double]) -> Double {
        let sorted = numbers.sorted()
        let half = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
      }
      let middle = median(samples)
      return Value(fields: [
        ("median", .float(middle)), ("spread", .float(median(samples.map { abs($0 - middle) }))), ("runs", .int(runs)),
      ])
    },
    Builtin(
      "clock() -> float", "Seconds on a clock that only goes forward; differences measure time.",
      examples: [Example("clock() > 0", "true")], seeAlso: ["time", "now"],
      search: ["now", "timer", "perf_counter", "seconds"],
      family: "language"
    ) { _ in .float(monotonicSeconds()) },
    Builtin(
      "now() -> float", "Seconds since the beginning of 1970 (UTC), by the clock on the wall.",
      examples: [Example("now() > 1.7e9", "true")], seeAlso: ["clock", "times.iso"],
      search: ["time", "date", "timestamp", "epoch", "unix"], family: "language"
    ) { _ in .float(secondsSince1970()) },
    Builtin(
      "sleep(seconds: float >= 0) -> none", "Waits for some time.", details: "- seconds: how long.",
      examples: [Example("sleep(0)", "")], seeAlso: ["clock"],
      search: ["wait", "pause", "delay"], family: "language"
    ) { call in
      let end = monotonicSeconds() + (try call.float(0))
      while true {
        try call.poll()
        let rest = end - monotonicSeconds()
        if !(rest > 0) { return .none }
        usleep(UInt32(min(rest, 0.05) * 1_000_000))
      }
    },
    Builtin(
      "vars() -> list[record]", "The variables of the session: name, type and value.",
      examples: [Example("eps = 8; vars() |> filter(v => v.name == \"eps\")", "name  type  value\neps   int   8")],
      seeAlso: ["type"],
      search: ["variables", "who", "whos", "globals", "locals", "dir"], family: "language"
    ) { call in
      var options = PrintOptions()
      options.items = 6
      options.characters = 40
      options.depth = 2
      return Value(
        call.session.variables.filter { !$0.name.hasPrefix("_") }.map { name, value in
          Value(fields: [
            ("name", Value(name)), ("type", Value(value.typeName)), ("value", Value(value.shortText(options))),
          ])
        })
    },
  ]
}
