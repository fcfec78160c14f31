import Base
import Datasets
import Interpreter
import Platform

extension BuiltinTable {
  static let downloads: [Builtin] = [
    Builtin(
      "download(name: string, dir: string, form: string | none = none, quiet: bool = false) -> string",
      "Puts the official files of a data set into a folder, and returns the folder to read it from.",
      details: """
        Files come from where they are published, or from the server that the environment variable LTD_MIRROR names, such \
        as https://mirror.example/data. Under it each file has its official name, in a folder called as the data set \
        (cifar10/cifar-10-binary.tar.gz) or without one. Every file is verified by its size, its MD5 and its SHA-256 before \
        it has its name; until then it is NAME.part, which a later call continues from where Ctrl-C or a lost connection \
        left it. Files that are there already are verified and not taken again; nothing is written over. Proxies are those         of http_proxy, https_proxy and no_proxy.

        mnist and fashion_mnist are four .gz files each, 12 and 31 MB, which are read as they are; since they have the same \
        names, give each a folder of its own. cifar10 and cifar100 are an archive of 170 MB each, which stays, and whose \
        files are unpacked into the folder beside it that the result names, 184 MB more.

        - name: "mnist", "fashion_mnist", "cifar10" or "cifar100".
        - dir: the folder for the files; made where it is missing.
        - form: of CIFAR "binary", which is taken when left out, or "python", the files that other programs may want.
        """,
      seeAlso: ["mnist", "fashion_mnist", "cifar10", "cifar100"],
      search: ["fetch", "url", "http", "torchvision", "mirror", "LTD_MIRROR", "wget", "official"],
      values: [
        "dir": .folders, "name": .words(OfficialFiles.all.map(\.name)),
        "form": .words(OfficialFiles.all.compactMap(\.form)),
      ],
      family: "data"
    ) { call in
      try call.requireFiles()
      let set = try officialFiles(call)
      let mirror = getenv("LTD_MIRROR").map { String(cString: $0) }
      let progress = call.session.progress(quiet: try call.bool("quiet"))
      func take() throws -> DownloadReport {
        try download(
          set, to: call.string("dir"), mirror: mirror?.isEmpty == true ? nil : mirror, progress: progress)
      }
      // The others of several ranks find it there.
      let report = try call.session.onFirstRank { try take() } ?? take()
      let size = (Double(set.files.reduce(0) { $0 + $1.size }) / 1e6).fixed(1)
      progress.note(
        report.wasThere
          ? "\(set.title) is in '\(report.folder)' already, verified: nothing was downloaded"
          : "\(set.title) is in '\(report.folder)', complete and verified (\(size) MB): \(set.name)(dir) reads it")
      return Value(report.folder)
    }
  ]

  /// The files of the data set that a call names, in the form that it asks for.
  private static func officialFiles(_ call: Call) throws -> OfficialFiles {
    let name = try call.string("name")
    let forms = OfficialFiles.all.filter { $0.name == name }
    guard let usual = forms.first else {
      let names = OfficialFiles.all.reduce(into: [String]()) { if $0.last != $1.name { $0.append($1.name) } }
      throw call.error(
        .value, "there is no data set '\(name)' to download",
        hint: "name must be one of " + names.map { "\"\($0)\"" }.joined(separator: ", "), at: "name")
    }
    guard let form = try call.optionalString("form") else { return usual }
    if let set = forms.first(where: { $0.form == form }) { return set }
    guard usual.form != nil else {
      throw call.error(.value, "\(name) has one form only", hint: "leave form out", at: "form")
    }
    throw call.error(
      .value, "there is no form '\(form)' of \(name)",
      hint: "form must be " + forms.compactMap(\.form).map { "\"\($0)\"" }.joined(separator: " or "), at: "form")
  }
}
