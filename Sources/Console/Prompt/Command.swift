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
      Command("timeit", "statement", "run many times: median, spread, runs") { $0.timeRepeatedly($1) },
      Command("profile", "statement", "run once: what each operation and each line costs") { $0.profile($1) },
      Command("trace", "statement", "run once: its operations in order of time") { $0.trace($1) },
      Command("load", "file", "run a script with the variables of this session", takes: .file) { $0.load($1) },
      Command("save", "file", "write all variables, to be brought back by :restore", takes: .file) { $0.save($1) },
      Command("restore", "[file]", "bring back what :save wrote, or a session that ended unasked", takes: .file) {
        $0.restore($1)
      },
      Command("undo", "[name]", "take back what the last statement set, or one variable", takes: .name) { $0.undo($1) },
      Command("script", "[file] [name…]", "the fewest statements that make the variables again, tried", takes: .file) {
        $0.script($1)
      },
      Command("transcript", "file", "the session as .md, .html, or .ltd for ltd test", takes: .file) {
        $0.transcript($1)
      },
      Command("edit", "[file]", "write the next statement, or a file, in $EDITOR and run it", takes: .file) {
        $0.edit($1)
      },
      Command("history", "[number or words]", "the last statements, or those that hold the words") {
        $0.listHistory($1)
      },
      Command("try", "[number][!]", "put an example of the last page into the line, or run it with !") {
        $0.tryExample($1)
      },
      Command("cd", "[folder]", "work in another folder; without one, at home", takes: .file) { $0.changeFolder($1) },
      Command("ls", "[folder]", "what is in a folder", takes: .file) { $0.listFolder($1) },
      Command("pwd", "", "the folder that paths begin at") { prompt, _ in prompt.showFolder() },
      Command("clear", "", "clear the screen") { prompt, _ in prompt.clearScreen() },
      Command("set", "[name [value]]", "the settings of the prompt", takes: .choice(Setting.names)) { $0.set($1) },
      Command("reset", "", "forget all variables") { prompt, _ in prompt.reset() },
      Command("help", "[name]", "this list, or what ?name shows", takes: .page) { $0.help($1) },
      Command("jobs", "", "what runs in the background") { prompt, _ in prompt.listJobs() },
      Command("wait", "[job]", "wait for a job; Ctrl-C stops it", takes: .name) { $0.waitForJob($1) },
      Command("stop", "[job]", "stop a job", takes: .name) { $0.stopJob($1) },
      Command("quit", "", "leave, as Ctrl-D does") { prompt, _ in
        if !prompt.holdsUpLeaving() { prompt.exitStatus = ExitStatus.success }
      },
    ]
  }
}
