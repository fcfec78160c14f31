/// A command of the prompt, such as `:vars`.
struct Command {
  let name: String
  /// What may stand behind it.
  let form: String
  let summary: String
  let run: (Prompt, String) -> Void

  init(_ name: String, _ form: String, _ summary: String, run: @escaping (Prompt, String) -> Void) {
    self.name = name
    self.form = form
    self.summary = summary
    self.run = run
  }

  static var all: [Command] {
    [
      Command("vars", "[name…]", "the variables: kind, size, value") { $0.listVariables($1) },
      Command("time", "statement", "run once and say how long it took") { $0.time($1) },
      Command("timeit", "expression", "run many times: median, spread, runs") { $0.timeRepeatedly($1) },
      Command("load", "file", "run a script with the variables of this session") { $0.load($1) },
      Command("save", "file", "write what ran so far as a script") { $0.save($1) },
      Command("edit", "[file]", "write the next statement, or a file, in $EDITOR and run it") { $0.edit($1) },
      Command("history", "[number or text]", "the last statements, or those with a text") { $0.listHistory($1) },
      Command("set", "[name [value]]", "the settings of the prompt") { $0.set($1) },
      Command("reset", "", "forget all variables") { prompt, _ in prompt.reset() },
      Command("help", "[name]", "this list, or what ?name shows") { $0.help($1) },
      Command("quit", "", "leave, as Ctrl-D does") { prompt, _ in prompt.exitStatus = ExitStatus.success },
    ]
  }
}
