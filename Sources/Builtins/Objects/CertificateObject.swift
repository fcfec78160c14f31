import Base
import Interpreter
import Robustness
import Tensors

/// What `certify` found: prints as a table; its parts are attributes.
final class CertificateObject: HostObject {
  let certificate: Certificate

  init(_ certificate: Certificate) { self.certificate = certificate }

  override func save(to out: ObjectWriter) throws(CoreError) {
    out.kind = "certificate"
    try PlainCoder.write(certificate, to: out)
  }

  override class var typeName: String { "certificate" }
  override class var typeSummary: String { "What certify proved; it prints as a table." }
  override class var members: [Member] { own }
  private static let own = [
    Member(
      "bounds", "tensor",
      "A lower bound of the least margin in the ball of each example [n]; -inf where the image itself is misclassified."
    ) { (object: CertificateObject) in
      let bounds = object.certificate.bounds
      // Rounded down: a bound stays one.
      return Value(
        try Tensor(bounds.map { $0.map(CertificateObject.roundedDown) ?? -.infinity }, shape: [bounds.count]))
    },
    Member("certified", "float", "The share of the examples that is proven: a lower bound of the robust accuracy.") {
      (object: CertificateObject) in Value(object.certificate.certified.value)
    },
    Member("n", "int", "How many examples there are.") { (object: CertificateObject) in Value(object.certificate.n) },
    Member("natural", "float", "Accuracy on the natural images.") { (object: CertificateObject) in
      Value(object.certificate.natural.value)
    },
    Member("proven", "tensor", "A mask [n]: the examples that are certified.") { (object: CertificateObject) in
      let verdicts = object.certificate.verdicts
      return Value(try Tensor(bools: verdicts.map { $0 == .certified }, shape: [verdicts.count]))
    },
    Member("rows", "list[record]", "A table with a row for each line that is printed.") {
      (object: CertificateObject) in
      Value(
        object.lines.map { name, accuracy in
          Value(
            fields: [("what", Value(name))] + accuracy.fields + [
              ("count", Value(accuracy.correct)), ("n", Value(accuracy.n)),
            ])
        })
    },
    Member("seconds", "float", "How long it took.") { (object: CertificateObject) in
      Value(object.certificate.seconds)
    },
    Member(
      "unbroken", "float",
      "The share of the examples that nothing broke, neither here nor in the evaluation: an upper bound of the robust accuracy."
    ) { (object: CertificateObject) in Value(object.certificate.unbroken.value) },
    Member("undecided", "list[int]", "The positions of the examples that are neither proven nor broken.") {
      (object: CertificateObject) in Value(object.certificate.undecided)
    },
    Member(
      "verdicts", "list[string]", "\"certified\", \"undecided\", \"broken\" or \"misclassified\" for each example."
    ) { (object: CertificateObject) in Value(object.certificate.verdicts.map { Value($0.rawValue) }) },
  ]

  /// The greatest float32 that is not above the number.
  private static func roundedDown(_ x: Double) -> Float {
    let rounded = Float(x)
    return Double(rounded) > x ? rounded.nextDown : rounded
  }

  /// The lines of the table: from the natural accuracy down to what is proven.
  private var lines: [(name: String, accuracy: Accuracy)] {
    var lines = [("natural", certificate.natural)]
    if let attacked = certificate.attacked { lines.append(("attacked", Accuracy(attacked))) }
    if certificate.attacked == nil || certificate.limit != nil { lines.append(("not broken", certificate.unbroken)) }
    lines.append(("certified", certificate.certified))
    return lines
  }

  override func shortText(_ options: PrintOptions) -> String {
    "<certificate of \(certificate.model): \(certificate.certified.correct) of \(certificate.n)>"
  }

  override func text(_ options: PrintOptions) -> String {
    var table = [["", "images", "accuracy", "95 % interval"]]
    for (name, accuracy) in lines {
      table.append([name, String(accuracy.correct), accuracy.percent, accuracy.percentInterval])
    }
    let radius = certificate.eps.asRadius
    let decimal = radius.contains("/") ? " = \(certificate.eps.general(4))" : ""
    let title =
      "\(certificate.model) on \(certificate.n) images of \(certificate.data), \(certificate.norm.rawValue) "
      + "\(radius)\(decimal), \(certificate.method.rawValue)"
    var notes = [bracket]
    if let limit = certificate.limit {
      let late = certificate.searches.filter { certificate.verdicts[$0.position] == .undecided }.count
      let worst = certificate.searches.reduce(0) { max($0, $1.seconds) }
      notes.append(
        "branch and bound: \(certificate.searches.count) images, \(worst.fixed(1)) s the longest"
          + (late > 0 ? "; \(late) undecided after \(limit.general(4)) s each" : ""))
    }
    notes.append("\(certificate.seconds.fixed(1)) s")
    return title + "\n"
      + (AlignedText(table, sides: [.left, .right]).lines(gap: 3, indent: 2) + notes).joined(separator: "\n")
  }

  /// The two bounds of the robust accuracy in one line.
  private var bracket: String {
    let (low, high) = (certificate.certified.correct, certificate.unbroken.correct)
    if low == high { return "robust: exactly \(low) of \(certificate.n)" }
    return "robust: from \(low) to \(high) of \(certificate.n), \(certificate.undecided.count) undecided"
  }
}
