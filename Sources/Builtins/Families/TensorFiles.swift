import Base
import Interpreter
import Networks
import Tensors

extension BuiltinTable {
  static let tensorFiles: [Builtin] = [
    Builtin(
      "load_tensors(path: string, key: string | none = none) -> tensor | record | list",
      "The tensors of a file of NumPy, PyTorch or safetensors.",
      details: """
        A .npy file is a tensor; of any other the result is a record from names to tensors, in the order of the file, or a \
        list where the file holds a list. Floats become float32 and whole numbers int64; what neither can hold is an error. \
        The content of the file decides what it is, not its name, and nothing in it is run. What is no tensor is left alone: \
        numbers and strings without a word, other objects with one.

        - key: which table of a file that holds several, such as "state_dict" or "ema.0": the keys and indices that lead \
        to it, "" for the outermost. The error for a file with several lists them.
        """,
      examples: [
        Example(
          "save_tensors({w: [3.0]}, \"/tmp/ltd-example.npz\"); load_tensors(\"/tmp/ltd-example.npz\").w[0]", "3.0"),
        Example("save_tensors([1, 2], \"/tmp/ltd-example.npy\"); load_tensors(\"/tmp/ltd-example.npy\")[1]", "2"),
      ],
      seeAlso: ["save_tensors", "load_model", "load_weights"],
      search: ["numpy", "npy", "npz", "torch.load", "safetensors", "checkpoint", "import"],
      values: ["path": .files(weightFileEndings)],
      family: "files"
    ) { call in
      try call.requireFiles()
      let file = try openWeights(call.string("path"))
      let table = try table(of: file, call)
      for note in file.notes.prefix(5) { call.session.host.warn("'\(file.path)': \(note)") }
      var values: [(String, Value)] = []
      for entry in table.entries {
        // A tensor without axes stays a number that is saved as it was.
        values.append((entry.name, Value(try file.tensor(entry.name, in: table.key))))
      }
      switch table.form {
      case .dictionary: return Value(fields: values)
      case .list: return Value(values.map(\.1))
      case .tensor: return values.first?.1 ?? .none
      }
    },
    Builtin(
      "save_tensors(tensors: tensor | list | record, path: string) -> none",
      "Writes tensors to a file; its ending says in which form.",
      details: """
        A record of tensors goes to a file that ends in .npz (NumPy), .safetensors, .pt or .pth (PyTorch, which reads it with \
        weights_only=True), a tensor without a name to one that ends in .npy. Floats are written as float32, ints as int64 \
        and bools as bools, and are read back bit for bit. The file is written as write_text does it: a file of the same \
        name is never half replaced.

        - tensors: a record from names to tensors, or one tensor; numbers and lists of numbers are taken as tensors.
        """,
      examples: [
        Example("save_tensors({images: zeros([2, 1, 28, 28]), labels: [3, 7]}, \"/tmp/ltd-example.npz\")", ""),
        Example("save_tensors(arange(3), \"/tmp/ltd-example.npy\")", ""),
      ],
      seeAlso: ["load_tensors", "save_model", "write_text"],
      search: ["numpy", "npy", "npz", "torch.save", "safetensors", "export", "savez"],
      values: ["path": .files(weightFileEndings)],
      family: "files", checksFirst: false
    ) { call in
      try call.prepareToWrite()
      let path = try call.string("path")
      func tensor(_ value: Value, _ what: String) throws -> Tensor {
        if let tensor = try Tensor.operand(value) { return tensor }
        throw call.error(
          .type, "\(what) must be a tensor, not \(value.described)",
          hint: "a tensor, a number, or numbers in lists", at: "tensors")
      }
      if case .record(let record) = try call["tensors"] {
        var tensors: [(name: String, tensor: Tensor)] = []
        for (name, value) in record.fields { tensors.append((name, try tensor(value, "field '\(name)' of tensors"))) }
        try TensorFile.write(path, tensors: tensors)
      } else {
        try TensorFile.write(path, tensor: try tensor(call["tensors"], "tensors of save_tensors"))
      }
      return .none
    },
  ]

  /// The table that a call asks for, or the only one.
  private static func table(of file: any WeightFile, _ call: Call) throws -> StateDict {
    let keys = file.stateDicts.map { "\"\($0.key)\"" }
    let listed = keys.prefix(12).joined(separator: ", ") + (keys.count > 12 ? " and \(keys.count - 12) more" : "")
    guard let first = file.stateDicts.first else {
      throw call.error(.io, "'\(file.path)' holds no tensors", hint: "it is a \(file.formatName)", at: "path")
    }
    if let key = try call.optionalString("key") {
      if let table = file.stateDict(key) { return table }
      throw call.error(.value, "'\(file.path)' has no tensors under \"\(key)\"", hint: "it has \(listed)", at: "key")
    }
    guard file.stateDicts.count == 1 else {
      throw call.error(
        .value, "'\(file.path)' holds \(file.stateDicts.count) tables of tensors",
        hint: "say which: key=\(keys[0]); it has \(listed)", at: "path")
    }
    return first
  }
}
