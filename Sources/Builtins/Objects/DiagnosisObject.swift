import Base
import Drawing
import Interpreter
import Robustness

/// What `diagnose` found: prints as a table with what follows from it; its parts are attributes.
final class DiagnosisObject: HostObject {
  let diagnosis: Diagnosis

  init(_ diagnosis: Diagnosis) { self.diagnosis = diagnosis }

  override func save(to out: ObjectWriter) throws(CoreError) {
    out.kind = "diagnosis"
    var diagnosis = diagnosis
    if out.isComparing { diagnosis.seconds = 0 }
    try PlainCoder.write(diagnosis, to: out)
  }

  override class var typeName: String { "diagnosis" }
  override class var typeSummary: String { "What diagnose found; it prints as a table with a summary." }
  override class var members: [Member] { own }
  private static let own = [
    Member("complete", "bool", "Whether all checks were made; false after Ctrl-C.") { (object: DiagnosisObject) in
      Value(!object.diagnosis.isInterrupted)
    },
    Member("flags", "list[string]", "The names of the checks that flag; mostly nothing.") {
      (object: DiagnosisObject) in Value(object.diagnosis.flags.map { Value($0) })
    },
    Member(
      "lowest", "float",
      "The share of the examples that nothing here has broken: an upper bound of the robust accuracy."
    ) { (object: DiagnosisObject) in Value(object.share(object.diagnosis.lowest)) },
    Member("n", "int", "How many examples there are.") { (object: DiagnosisObject) in Value(object.diagnosis.n) },
    Member("natural", "float", "Accuracy on the natural images.") { (object: DiagnosisObject) in
      Value(object.share(object.diagnosis.natural))
    },
    Member("rows", "list[record]", "A table with a row for each check.") { (object: DiagnosisObject) in
      Value(
        object.diagnosis.findings.map { finding in
          Value(fields: [
            ("check", Value(finding.check)), ("verdict", Value(finding.verdict.rawValue)),
            ("measured", finding.measurement.value.map { Value($0) } ?? .none),
            ("threshold", finding.measurement.threshold.map { Value($0) } ?? .none),
            ("found", Value(finding.measurement.note)), ("question", Value(finding.question)),
            ("remedy", Value(finding.remedy)), ("source", Value(finding.source)),
          ])
        })
    },
    Member("seconds", "float", "How long it took.") { (object: DiagnosisObject) in Value(object.diagnosis.seconds) },
    Member("summary", "string", "What a report may say, in sentences.") { (object: DiagnosisObject) in
      Value(object.diagnosis.summary)
    },
    Member("tables", "record", "Of each check that has measured at several places, its table, by its name.") {
      (object: DiagnosisObject) in
      Value(
        fields: object.diagnosis.findings.filter { !$0.measurement.rows.isEmpty }.map { finding in
          (finding.check, Value(finding.measurement.rows.map(DiagnosisObject.record)))
        })
    },
    Member("unknown", "list[string]", "The names of the checks that could not be judged; `rows` has the reasons.") {
      (object: DiagnosisObject) in
      Value(object.diagnosis.findings(.unknown).map { Value($0.check) })
    },
    Member("usual", "float | none", "The share of the examples that the steps of PGD leave; none where it was not run.")
    {
      (object: DiagnosisObject) in object.diagnosis.usual.map { Value(object.share($0)) } ?? .none
    },
  ]

  private static func record(_ row: Measurement.Row) -> Value {
    Value(
      fields: [("of", Value(row.name))] + row.numbers.map { ($0.name, Value($0.value)) } + [
        ("flag", Value(row.isFlagged))
      ])
  }

  private func share(_ count: Int) -> Double { Double(count) / Double(max(diagnosis.n, 1)) }

  override func shortText(_ options: PrintOptions) -> String {
    let flags = diagnosis.flags
    return "<diagnosis of \(diagnosis.model): "
      + (flags.isEmpty ? "no flags" : flags.count.of("flag")) + ">"
  }

  override func text(_ options: PrintOptions) -> String {
    let radius = diagnosis.eps.asRadius
    let decimal = radius.contains("/") ? " = \(diagnosis.eps.general(4))" : ""
    let title =
      "\(diagnosis.model) on \(diagnosis.n) images of \(diagnosis.data), \(diagnosis.norm.rawValue) \(radius)\(decimal)"
    var table = [["check", "measured", "limit", ""]]
    for finding in diagnosis.findings {
      let measured = finding.measurement
      table.append([
        finding.check, measured.value.map { Self.text($0, measured) } ?? "",
        measured.threshold.map { Self.text($0, measured) } ?? "",
        finding.verdict == .flag ? "FLAG" : finding.verdict.rawValue,
      ])
    }
    var lines = [title] + AlignedText(table, sides: [.left, .right, .right, .left]).lines(gap: 3, indent: 2)
    for finding in diagnosis.findings where finding.verdict == .flag {
      lines += Self.folded("\(finding.check): \(finding.measurement.note). Try \(finding.remedy).", options.width)
    }
    for (reason, names) in reasons {
      lines += Self.folded("cannot be judged: \(names.joined(separator: ", ")): \(reason).", options.width)
    }
    lines += Self.folded(diagnosis.summary, options.width)
    return (lines + ["\(diagnosis.seconds.fixed(1)) s"]).joined(separator: "\n")
  }

  /// The checks that cannot be judged, by the reason.
  private var reasons: [(reason: String, names: [String])] {
    var found: [(reason: String, names: [String])] = []
    for finding in diagnosis.findings(.unknown) {
      if let i = found.firstIndex(where: { $0.reason == finding.measurement.note }) {
        found[i].names.append(finding.check)
      } else {
        found.append((finding.measurement.note, [finding.check]))
      }
    }
    return found
  }

  private static func text(_ value: Double, _ measurement: Measurement) -> String {
    measurement.isShare ? "\((100 * value).fixed(2)) %" : value.general(3)
  }

  /// A sentence in lines of a width, the later ones indented.
  private static func folded(_ text: String, _ width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > max(width, 40) {
        lines.append(line)
        line = "  " + word
      } else {
        line += (line.isEmpty ? "" : " ") + word
      }
    }
    return lines + [line]
  }

  /// Each check's value in units of its limit, and what attacks leave at each scale of the logits.
  func figure(title: String) -> Figure {
    let judged = diagnosis.findings.filter { $0.measurement.value != nil }
    let shares = judged.map { finding in
      let (value, limit) = (finding.measurement.value ?? 0, finding.measurement.threshold ?? 0)
      return limit > 0 ? min(max(value / limit, 0), 3) : value > 0 ? 3 : 0
    }
    var panels: [Figure.Panel] = [
      .chart(
        Chart(
          x: .init("measured / limit, up to 3; more than 1 is a flag", reaches: [0, 1]),
          y: .init(categories: judged.map(\.check)),
          series: [Series("", .bars, x: shares, y: shares.indices.map(Double.init))], showsLegend: false))
    ]
    if let table = diagnosis.findings.first(where: { $0.check == "temperature" })?.measurement.rows, !table.isEmpty {
      let scales = table.map { $0["scale"] ?? 1 }
      let lines = [("cross-entropy", "ce"), ("mifpe", "rescued")].map { name, column in
        Series(name, .line, x: scales, y: table.map { ($0[column] ?? 0) / Double(max(diagnosis.n, 1)) })
      }
      panels.append(
        .chart(
          Chart(x: .init("logits multiplied by", isLog: true), y: .init("accuracy under attack"), series: lines)))
    }
    return Figure(title: title.isEmpty ? "\(diagnosis.model) on \(diagnosis.data)" : title, panels: panels)
  }
}
