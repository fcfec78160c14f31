import Tensors

// How layers print: as they could be typed.

extension Layer: CustomStringConvertible {
  /// The call that makes the layer, on one line.
  public var description: String { text(width: .max) }

  /// The call that makes the layer; what does not fit into a line of `width` characters goes over several, indented by
  /// two.
  public func text(width: Int) -> String { piece.text(width: width, indent: 0) }

  fileprivate var piece: Piece {
    switch self {
    case .conv2d(let conv):
      var arguments = ["\(conv.channels)", "kernel=\(conv.kernel.text)"]
      if conv.stride != Size(1) { arguments.append("stride=\(conv.stride.text)") }
      if conv.isSame { arguments.append("padding=\"same\"") }
      if conv.padding != .none { arguments.append("padding=\(conv.padding.text)") }
      if conv.dilation != Size(1) { arguments.append("dilation=\(conv.dilation.text)") }
      if conv.groups != 1 { arguments.append("groups=\(conv.groups)") }
      if !conv.bias { arguments.append("bias=false") }
      return .call("conv2d", arguments + conv.initialisation.arguments)
    case .linear(let linear):
      let bias = linear.bias ? [] : ["bias=false"]
      return .call("linear", ["\(linear.features)"] + bias + linear.initialisation.arguments)
    case .batchNorm(let norm):
      var arguments: [String] = []
      if norm.eps != BatchNorm().eps { arguments.append("eps=\(norm.eps)") }
      if norm.momentum != BatchNorm().momentum { arguments.append("momentum=\(norm.momentum)") }
      return .call("batch_norm", arguments)
    case .relu: return .call("relu")
    case .leakyRelu(let slope): return .call("leaky_relu", ["slope=\(slope)"])
    case .silu: return .call("silu")
    case .relu6: return .call("relu6")
    case .gelu: return .call("gelu")
    case .layerNorm(let eps): return .call("layer_norm", eps == 1e-5 ? [] : ["eps=\(eps)"])
    case .attention(let attention):
      return .call("attention", ["heads=\(attention.heads)"] + attention.initialisation.arguments)
    case .classToken: return .call("class_token")
    case .firstToken: return .call("first_token")
    case .maxPool(let pooling): return .call("max_pool", pooling.arguments)
    case .averagePool(let pooling): return .call("avg_pool", pooling.arguments)
    case .globalAveragePool: return .call("global_avg_pool")
    case .flatten: return .call("flatten")
    case .dropout(let p): return .call("dropout", ["\(p)"])
    case .dropout2d(let p): return .call("dropout2d", ["\(p)"])
    case .quantise(let levels): return .call("quantise", ["\(levels)"])
    case .meanSparse(let mean, let width): return .call("mean_sparse", ["\(mean)", "\(width)"])
    case .gaussianNoise(let std): return .call("gaussian_noise", ["\(std)"])
    case .normalise(let mean, let std): return .call("normalise", ["\(mean)", "\(std)"])
    case .sequential(let layers): return .group("sequential([", layers.map { ("", $0.piece) }, "])")
    case .chain(let children): return .group("sequential({", children.fields, "})")
    case .residual(let block):
      var arguments: [(label: String, Piece)] = []
      func add(_ name: String, _ children: [Child]) {
        guard let first = children.first else { return }
        let isOneLayer = children.count == 1 && first.name == name
        arguments.append(("\(name)=", isOneLayer ? first.layer.piece : .group("{", children.fields, "}")))
      }
      add("body", block.body)
      add("shortcut", block.shortcut)
      add("before", block.before)
      add("after", block.after)
      if block.shortcutReadsBefore { arguments.append(("", .text("shortcut_reads_before=true"))) }
      return .group("residual(", arguments, ")")
    }
  }

  /// Whether weights lie under its name.
  fileprivate var hasWeights: Bool {
    switch self {
    case .conv2d, .linear, .batchNorm, .layerNorm, .attention, .classToken: true
    case .sequential(let layers): layers.contains(where: \.hasWeights)
    case .chain(let children): children.contains(where: \.layer.hasWeights)
    case .residual(let block):
      (block.before + block.body + block.shortcut + block.after).contains(where: \.layer.hasWeights)
    default: false
    }
  }

  /// The function that makes it, for layers without weights to be named by.
  fileprivate var functionName: String {
    if case .text(let text) = piece { return String(text.prefix { $0 != "(" }) }
    return "layer"
  }
}

/// A text that can be broken between its parts.
private indirect enum Piece {
  case text(String)
  case group(String, [(label: String, Piece)], String)

  static func call(_ name: String, _ arguments: [String] = []) -> Piece {
    .text("\(name)(\(arguments.joined(separator: ", ")))")
  }

  var line: String {
    switch self {
    case .text(let text): text
    case .group(let open, let parts, let close):
      open + parts.map { $0.label + $0.1.line }.joined(separator: ", ") + close
    }
  }

  func text(width: Int, indent: Int, label: Int = 0) -> String {
    let line = line
    guard case .group(let open, let parts, let close) = self, line.count + label + 1 > width - indent else {
      return line
    }
    let inner = String(repeating: " ", count: indent + 2)
    let lines = parts.map { inner + $0.label + $0.1.text(width: width, indent: indent + 2, label: $0.label.count) }
    return "\(open)\n\(lines.joined(separator: ",\n"))\n\(String(repeating: " ", count: indent))\(close)"
  }
}

extension [Child] {
  /// Layers with their names. Where a family leaves the name out, it makes no difference to the names of the weights:
  /// the parts of a chain step into its place, a layer without weights is named after its function, and another has the
  /// name "".
  fileprivate var fields: [(label: String, Piece)] {
    var used = Set(map(\.name))
    var fields: [(label: String, Piece)] = []
    var hasUnnamed = false
    for child in self {
      if child.name.isEmpty, case .chain(let children) = child.layer {
        fields += children.fields
        continue
      }
      var name = child.name
      if name.isEmpty, child.layer.hasWeights, !hasUnnamed {
        hasUnnamed = true
      } else if name.isEmpty {
        let base = child.layer.functionName
        name = base
        var number = 1
        while !used.insert(name).inserted {
          number += 1
          name = "\(base)\(number)"
        }
      }
      fields.append(("\(name.isPlainName ? name : "\"\(name)\""): ", child.layer.piece))
    }
    return fields
  }
}

extension String {
  /// Whether it can be the name of a field without quotes.
  fileprivate var isPlainName: Bool {
    guard let first = utf8.first, first == UInt8(ascii: "_") || (first | 0x20) &- 97 < 26 else { return false }
    return utf8.allSatisfy { $0 == UInt8(ascii: "_") || ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 }
  }
}

extension Initialisation {
  fileprivate var arguments: [String] { self == .standard ? [] : ["init=\"\(rawValue)\""] }
}

extension Size {
  fileprivate var text: String { height == width ? "\(height)" : "[\(height), \(width)]" }
}

extension Padding {
  fileprivate var text: String {
    guard top == bottom, left == right else { return "[\(top), \(bottom), \(left), \(right)]" }
    return top == left ? "\(top)" : "[\(top), \(left)]"
  }
}

extension Pooling {
  fileprivate var arguments: [String] {
    var arguments = [kernel.text]
    if stride != kernel { arguments.append("stride=\(stride.text)") }
    if padding != .none { arguments.append("padding=\(padding.text)") }
    return arguments
  }
}
