import Help

/// A command of the prompt, such as `:vars`.
struct Command {
  /// What help and completion know of it.
  let page: CommandPage
  /// Runs it with what follows its name.
  let run: (Prompt, String) -> Void

  var name: String { page.name }

  init(
    _ name: String, _ form: String, _ summary: String, takes argument: CommandPage.Argument = .statement,
    run: @escaping (Prompt, String) -> Void
  ) {
    page = CommandPage(name, form, summary, takes: argument)
    self.run = run
  }

  static var all: [Command] {
    [
      Command("vars", "[name…]", "the variables: kind, size, value", takes: .name) { $0.listVariables($1) },
      Command("time", "statement", "run once and say how long it took") { $0.time($1) },
      Command("timeit", "expression", "run many times: median, spread, runs") { $0.timeRepeatedly($1) },
      Command("load", "file", "run a script with the variables of this session", takes: .file) { $0.load($1) },
      Command("save", "file", "write what ran so far as a script", takes: .file) { $0.save($1) },
      Command("edit", "[file]", "write the next statement, or a file, in $EDITOR and run it", takes: .file) {
        $0.edit($1)
      },
      Command("history", "[number or words]", "the last statements, or those that hold the words") {
        $0.listHistory($1)
      },
      Command("set", "[name [value]]", "the settings of the prompt", takes: .choice(Setting.names)) { $0.set($1) },
      Command("reset", "", "forget all variables") { prompt, _ in prompt.reset() },
      Command("help", "[name]", "this list, or what ?name shows", takes: .page) { $0.help($1) },
      Command("quit", "", "leave, as Ctrl-D does") { prompt, _ in prompt.exitStatus = ExitStatus.success },
    ]
  }
}
