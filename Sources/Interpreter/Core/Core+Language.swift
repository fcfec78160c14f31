/// Printing, kinds, errors, the run itself.
enum CoreLanguage {
  static let builtins: [Builtin] = [
    Builtin(
      "print(*values, sep: string = \" \", end: string = \"\\n\") -> none", "Writes values to the output.",
      details: "Strings are written as they are, a list of records as a table.",
      examples: [Example("print(\"T =\", 3)", "T = 3")], seeAlso: ["str"],
      search: ["echo", "write", "show", "display"],
      family: "language"
    ) { call throws(LTDError) in
      let options = call.session.printing
      var text = ""
      for (place, value) in try call.list(0).enumerated() {
        if place > 0 { text += try call.string(1) }
        text += value.text(options)
      }
      call.write(text + (try call.string(2)))
      return .none
    }
  ]
}
