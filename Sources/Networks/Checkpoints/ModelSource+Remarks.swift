import Base

// What loading says: few sentences, each of something that was decided and could have been otherwise.

extension ModelSource {
  /// The source of weights that were found in a file.
  init(_ file: any WeightFile, _ found: NetworkSearch.Found, _ decision: Decision) {
    self.init(
      path: file.path, format: file.formatName, key: found.table.key, prefix: found.table.prefix, decision: decision,
      known: nil, remarks: [])
  }

  init(_ file: any WeightFile, _ found: NetworkSearch.Found, _ request: LoadRequest) {
    if case .open = request.network { self.init(file, found, .recognised) } else { self.init(file, found, .given) }
  }

  /// The sentences for a person.
  ///
  /// - Parameters:
  ///   - architecture: the network; nil where the caller has the model already.
  ///   - normalisation: where that of the network comes from, as a sentence; empty or nil for none.
  func remarks(
    of architecture: Architecture?, _ found: NetworkSearch.Found, _ blueprint: Blueprint, _ file: any WeightFile,
    normalisation: String?
  ) -> [String] {
    var remarks: [String] = []
    if let known {
      remarks.append(
        "'\(path)' is \(known.name) (SHA-256 \(known.sha256.prefix(8))…): \(architecture?.description ?? "")")
      remarks += known.sentences
    } else if let architecture, decision == .recognised {
      var sentence = "the weights of '\(path)' are those of \(architecture)"
      let assumed = found.guess.assumed.joined(separator: ", ")
      if !assumed.isEmpty { sentence += "; not shown by weights, and taken as usual: \(assumed)" }
      remarks.append(sentence)
    }
    let details = details(found, blueprint, file)
    if !details.isEmpty { remarks.append(details.joined(separator: "; ")) }
    if let normalisation, !normalisation.isEmpty { remarks.append(normalisation) }
    return remarks
  }

  private func details(_ found: NetworkSearch.Found, _ blueprint: Blueprint, _ file: any WeightFile) -> [String] {
    var details: [String] = []
    let table = found.table
    if !table.key.isEmpty { details.append("taken from \"\(table.key)\"") }
    if !found.alternatives.isEmpty {
      details.append("\(listedKeys(found.alternatives)) would fit as well: key=\"\(found.alternatives[0])\" takes it")
    }
    if !table.prefix.isEmpty { details.append("prefix \"\(table.prefix)\" taken off") }
    if case .given = decision, !found.guess.assumed.isEmpty {
      details.append("taken as usual: \(found.guess.assumed.joined(separator: ", "))")
    }
    let leftAlone = leftAlone(found, blueprint, file)
    if !leftAlone.isEmpty { details.append("left alone: \(leftAlone.joined(separator: ", "))") }
    return details
  }

  /// What of the file the network does not get.
  private func leftAlone(_ found: NetworkSearch.Found, _ blueprint: Blueprint, _ file: any WeightFile) -> [String] {
    let table = found.table
    var parts = table.putAside
    let unused = Fit(table.shapes, blueprint, found.guess.architecture).unused
    for prefix in found.guess.architecture.unusedNames {
      let count = unused.filter { $0.hasPrefix(prefix) }.count
      if count > 0 { parts.append("\(prefix)* (\(count) tensors that the network never uses)") }
    }
    // Other state dicts, by the first key that tells them from this one.
    var others: [String] = []
    for dict in file.stateDicts where dict.key != table.key && !found.alternatives.contains(dict.key) {
      let first = String(dict.key.prefix { $0 != "." })
      let name = table.key.hasPrefix(first) ? dict.key : first
      if !name.isEmpty, !others.contains(name) { others.append(name) }
    }
    if !others.isEmpty { parts.append(listedKeys(others)) }
    return parts + file.notes
  }
}
