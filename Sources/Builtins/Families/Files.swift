import Base
import Interpreter
import Tensors

extension BuiltinTable {
  static let files: [Builtin] = [
    Builtin(
      "read_text(path: string) -> string", "The text of a file, which must be UTF-8.",
      examples: [
        Example("write_text(\"/tmp/ltd-example.txt\", \"T = 3\"); read_text(\"/tmp/ltd-example.txt\")", "\"T = 3\"")
      ],
      seeAlso: ["write_text", "lines", "parse_json", "parse_csv"], search: ["open", "load", "file", "slurp"],
      family: "files"
    ) { call in
      try call.requireFiles()
      return Value(try FileReader.text(of: call.string("path"), limit: call.session.limits.largestString))
    },
    Builtin(
      "write_text(path: string, text: string) -> none",
      "Writes a file: its path holds either what was there before or all of the new text, whatever happens.",
      details: """
        The text goes to a temporary file `NAME.PID.tmp` beside it, is flushed to the disk, and takes the place of the old \
        file, with its mode, owner and group; a new file gets mode 666 less the umask. What a killed process left is removed \
        when the same name is next written. Links are followed and stay; a file with several hard links, or in a folder that \
        takes no new files, is written in place once there is room for it; a read-only file is refused. Pipes and devices, \
        such as /dev/stdout, are written to, and a pipe is waited for until it has a reader.

        - text: what the file holds afterwards.
        """,
      examples: [Example("write_text(\"/tmp/ltd-example.txt\", \"eps\\n0.1\\n\")", "")],
      seeAlso: ["read_text", "to_json", "to_csv"], search: ["save", "file", "open", "dump"], family: "files"
    ) { call in
      try call.prepareToWrite()
      let (path, text) = (try call.string("path"), try call.string("text"))
      try AtomicFile.replace(path, parts: [Array(text.utf8)])
      return .none
    },
    Builtin(
      "file_info(path: string) -> record | none",
      "What is at a path: its size in bytes, when it was changed, whether it is a folder.",
      details: "none when there is nothing. `modified` is in seconds since 1970, as now() is.",
      examples: [Example("file_info(\"/no/such/file\")", ""), Example("file_info(\"/tmp\").is_folder", "true")],
      seeAlso: ["list_folder", "read_text"], search: ["exists", "stat", "size", "isfile", "isdir"], family: "files"
    ) { call in
      try call.requireFiles()
      guard let status = FileStatus(try call.string("path")) else { return .none }
      return Value(fields: [
        ("size", Value(status.size)), ("modified", Value(status.modified)), ("is_folder", .bool(status.isFolder)),
      ])
    },
    Builtin(
      "list_folder(path: string = \".\") -> list[string]", "The names in a folder, in order.",
      details: "- path: the folder.",
      examples: [Example("make_folder(\"/tmp/ltd-example/a\"); list_folder(\"/tmp/ltd-example\")", "[\"a\"]")],
      seeAlso: ["file_info", "make_folder"], search: ["ls", "dir", "listdir", "glob", "files"],
      values: ["path": .folders],
      family: "files"
    ) { call in
      try call.requireFiles()
      return Value(try Folder.names(in: call.string("path")).map { Value($0) })
    },
    Builtin(
      "make_folder(path: string) -> none", "Makes a folder and those above it; one that is there already stays.",
      details: "- path: the folder.",
      examples: [Example("make_folder(\"/tmp/ltd-example/a\")", "")], seeAlso: ["list_folder", "remove_file"],
      search: ["mkdir", "directory", "makedirs"], values: ["path": .folders],
      family: "files"
    ) { call in
      try call.requireFiles()
      let path = try call.string("path")
      try call.session.once { try Folder.make(path) }
      return .none
    },
    Builtin(
      "remove_file(path: string) -> none", "Removes a file; folders are left alone.",
      examples: [
        Example("write_text(\"/tmp/ltd-example-old.txt\", \"\"); remove_file(\"/tmp/ltd-example-old.txt\")", "")
      ],
      seeAlso: ["file_info", "write_text"], search: ["delete", "unlink", "rm"], family: "files"
    ) { call in
      try call.requireFiles()
      let path = try call.string("path")
      try call.session.once { try Folder.removeFile(path) }
      return .none
    },
    Builtin(
      "parse_json(text: string) -> any", "The value that a string of JSON holds: objects are records, null is none.",
      details:
        """
        Strict (RFC 8259), but NaN, Infinity and -Infinity are read as Python writes them; whole numbers beyond 64 bits \
        become floats.

        - text: a string of JSON, such as read_text(path).
        """,
      examples: [
        Example("parse_json(\"{{\\\"eps\\\": 0.1, \\\"steps\\\": [10, 20]}}\")", "{eps: 0.1, steps: [10, 20]}")
      ],
      seeAlso: ["to_json", "read_text", "parse_csv"], search: ["load", "decode", "read json"], family: "files"
    ) { call in
      let text = try call.string("text")
      return try call.at("text") {
        try JSON.parse(text).value
      }
    },
    Builtin(
      "to_json(x: any, indent: int >= 0 <= 16 = 0) -> string",
      "A value as JSON: records are objects, none is null, tensors are lists.",
      details:
        """
        parse_json returns the same value again: every bit of a number, every character of a string. Tensors come back as \
        lists, from which tensor(…) makes them again; an empty tensor keeps its shape up to the first axis of size 0. nan \
        and infinities are written NaN, Infinity and -Infinity, which Python reads and strict JSON does not know.

        - indent: spaces for each level; 0 writes one line.
        """,
      examples: [
        Example("print(to_json({eps: 0.1, steps: [10, 20]}))", "{\"eps\":0.1,\"steps\":[10,20]}"),
        Example("print(to_json([nan, -inf, none]))", "[NaN,-Infinity,null]"),
      ],
      seeAlso: ["parse_json", "write_text", "to_csv"], search: ["dump", "encode", "save", "write json"], family: "files"
    ) { call in
      let json = try call.at("x") { try JSON(call[0]) }
      let indent = try call.int("indent")
      return Value(try json.text(indent: indent))
    },
    Builtin(
      "parse_csv(text: string, separator: string = \",\", header: bool = true) -> list[record]",
      "The table that a string of CSV holds: a list of records, one for each line.",
      details: """
        A column is of ints, floats or bools when all of its cells are, else of strings; an empty cell is none, and so are \
        those that a short line lacks. Cells in \
        double quotes are strings (RFC 4180). Whole numbers beyond 64 bits are floats, and those that begin with 0, such as \
        007, are strings.

        - text: a string of CSV, such as read_text(path).
        - separator: one ASCII character that no number contains, such as ";" or "\\t".
        - header: whether the first line has the names of the columns; else they are column_1, column_2, …
        """,
      examples: [Example("parse_csv(\"T,acc\\n1,0.9\\n2,0.7\\n\")", "T  acc\n1  0.9\n2  0.7")],
      seeAlso: ["to_csv", "read_text", "parse_json"], search: ["load", "read csv", "table", "pandas", "tsv"],
      family: "files"
    ) { call in
      try CSV.rows(
        try call.string("text"), separator: try call.separator, hasHeader: try call.bool("header"))
    },
    Builtin(
      "to_csv(rows: list, separator: string = \",\") -> string",
      "A table, that is a list of records, as CSV: a line of names, then a line for each record.",
      details: """
        parse_csv returns the same table again, with nan, infinities and all characters, but for what CSV has no form for: \
        a column that mixes strings with numbers or bools comes back as strings, one of ints and floats as floats, a field \
        that a record lacks as none, and a table without fields as no rows.

        - rows: the table.
        - separator: one ASCII character that no number contains, such as ";" or "\\t".
        """,
      examples: [Example("print(to_csv([{T: 1, acc: 0.9}, {T: 2, acc: 0.7}]))", "T,acc\n1,0.9\n2,0.7")],
      seeAlso: ["parse_csv", "write_text", "to_json"], search: ["save", "write csv", "table", "pandas"], family: "files"
    ) { call in
      let separator = String(Unicode.Scalar(try call.separator))
      let rows = try call.list("rows")
      return Value(try call.at("rows") { try CSV.text(rows, separator: separator) })
    },
  ]
}

extension Call {
  fileprivate var separator: UInt8 {
    get throws {
      let text = try string("separator")
      guard text.utf8.count == 1, let byte = text.utf8.first, byte == 9 || (32..<127).contains(byte) && byte != 34,
        !"+-.".utf8.contains(byte), !byte.isLetterOrDigit
      else {
        throw error(
          .value, "the separator must be one ASCII character that no number contains, and no quote",
          hint: "separator=\";\"", at: "separator")
      }
      return byte
    }
  }
}
