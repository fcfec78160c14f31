/// What people type at a prompt out of habit, from shells and from IPython, with the command that does it here.
///
/// `ls`, `cd ..` and `%who` are no statements of the language, and what it would say of them (an unknown name, an unfinished
/// range) helps nobody. A word of the shell is one only where nothing of the session has its name, and where what follows
/// it cannot belong to a variable: `cat = 3` is a statement.
package enum PromptHabits {
  /// Words that begin a line in a shell, each with what to type here; nil where the shell's own is meant.
  private static let words: [String: String?] = [
    "ls": ":ls lists a folder; !ls is the shell's", "ll": ":ls lists a folder; !ls -l is the shell's",
    "dir": ":ls lists a folder", "cd": ":cd folder works in another folder", "pwd": ":pwd says which folder this is",
    "clear": ":clear clears the screen, as Ctrl-L does", "cls": ":clear clears the screen, as Ctrl-L does",
    "history": ":history lists the last statements", "who": ":vars lists the variables",
    "whos": ":vars lists the variables", "help": ":help is about the prompt, ?name about a name, ? lists the chapters",
    "man": "?name is the page of a name", "vi": ":edit opens the editor", "vim": ":edit opens the editor",
    "nano": ":edit opens the editor", "emacs": ":edit opens the editor", "source": ":load runs a script",
    "cat": nil, "less": nil, "more": nil, "head": nil, "tail": nil, "grep": nil, "mkdir": nil, "rm": nil, "mv": nil,
    "cp": nil,
    "python": nil, "python3": nil, "pip": nil, "conda": nil, "git": nil, "htop": nil, "nvidia-smi": nil, "free": nil,
    "df": nil,
    "du": nil, "which": nil, "echo": nil, "export": nil,
  ]

  /// IPython's magic commands.
  private static let magic: [String: String] = [
    "who": ":vars lists the variables", "whos": ":vars lists the variables", "who_ls": ":vars lists the variables",
    "time": ":time runs a statement and says how long it took", "timeit": ":timeit runs an expression many times",
    "run": ":load runs a script", "load": ":load runs a script", "save": ":save writes what ran as a script",
    "history": ":history lists the last statements", "hist": ":history lists the last statements",
    "edit": ":edit opens the editor", "reset": ":reset forgets all variables",
    "cd": ":cd folder works in another folder",
    "ls": ":ls lists a folder", "pwd": ":pwd says which folder this is", "clear": ":clear clears the screen",
    "pinfo": "?name is the page of a name", "precision": ":set digits sets how many digits are printed",
    "env": "env(\"NAME\") reads a variable of the environment", "memit": "memory() says how much is in use",
    "paste": "paste it: whole statements run as they are, with or without prompts",
    "cpaste": "paste it: whole statements run as they are, with or without prompts",
    "matplotlib": "leave it out: nothing has to be switched on", "autoreload": "leave it out: import reads a file anew",
  ]

  /// What to say of a line that is a habit and no statement; nil for all others.
  /// - Parameter isKnown: whether the session has something of a name.
  package static func advice(on text: String, isKnown: (String) -> Bool) -> (message: String, hint: String)? {
    if text.hasPrefix("%") { return magic(text) }
    if text.contains("\n") { return nil }
    let word = String(text.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" })
    guard let found = words[word], !isKnown(word) else { return nil }
    let rest = text.dropFirst(word.count)
    if let next = rest.first, next != " " { return nil }
    if let next = rest.first(where: { $0 != " " }), "=([{,|+*:@<>%".contains(next) { return nil }
    return ("\(word) is a command of the shell, not of ltd", found ?? "!\(text) runs it")
  }

  private static func magic(_ text: String) -> (message: String, hint: String)? {
    let name = String(text.drop { $0 == "%" }.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
    if name.isEmpty { return nil }
    return ("%\(name) is a command of IPython", magic[name] ?? ":help lists the commands of this prompt")
  }
}
