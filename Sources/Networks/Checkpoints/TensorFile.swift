import Base
import Tensors

/// Writes tensors to a file whose ending says in which form: `.safetensors`, `.npy`, `.npz`, `.pt` or `.pth`.
///
/// What is written is read back bit for bit by the libraries that the forms are of, and by `openWeights`.
public enum TensorFile {
  /// The forms, by the ending of a name.
  public enum Form: String, CaseIterable, Sendable {
    /// Named tensors, of Hugging Face.
    case safetensors
    /// One array, of NumPy.
    case npy
    /// Named arrays, of NumPy.
    case npz
    /// Named tensors, of PyTorch.
    case pt
    /// The same as `pt`.
    case pth

    /// The form that the ending of a path says; nil for any other ending.
    public init?(_ path: String) {
      let name = path.split(separator: "/").last ?? ""
      guard let point = name.lastIndex(of: ".") else { return nil }
      self.init(rawValue: name[name.index(after: point)...].lowercased())
    }
  }

  /// Writes named tensors in the order given; a file that exists is replaced in one step.
  ///
  /// - Throws: `value` where the ending is of no form for named tensors, or two have one name; `io`.
  public static func write(_ path: String, tensors: [(name: String, tensor: Tensor)]) throws(CoreError) {
    switch try form(path) {
    case .safetensors: try SafeTensors.write(path, tensors: tensors)
    case .pt, .pth: try TorchWriter.write(path, tensors: tensors)
    case .npz:
      var archive = ZipWriter()
      var names: Set<String> = []
      for (name, tensor) in tensors {
        guard names.insert(name).inserted else { throw CoreError(.value, "two tensors named '\(name)'") }
        archive.add("\(name).npy", try array(tensor).flatMap { $0 }, alignment: 64)
      }
      try AtomicFile.replace(path, parts: archive.finished())
    case .npy:
      throw CoreError(
        .value, "a .npy file takes one array without a name; this is a record of \(tensors.count)",
        hint: "save one of them, or all in a file that ends in .npz", argument: "path")
    }
  }

  /// Writes one tensor without a name; a file that exists is replaced in one step.
  ///
  /// - Throws: `value` where the ending is of no form for it; `io`.
  public static func write(_ path: String, tensor: Tensor) throws(CoreError) {
    guard try form(path) == .npy else {
      throw CoreError(
        .value, "a tensor without a name is saved as .npy, not as '\(path)'",
        hint: "give it a name: {x: tensor}, or another ending to the path", argument: "path")
    }
    try AtomicFile.replace(path, parts: try array(tensor))
  }

  private static func form(_ path: String) throws(CoreError) -> Form {
    if let form = Form(path) { return form }
    throw CoreError(
      .value, "the ending of '\(path)' says no form of tensors",
      hint: "end it in one of \(Form.allCases.map { ".\($0.rawValue)" }.joined(separator: ", "))", argument: "path")
  }

  /// The head and the elements of an array, as `numpy.save` writes them (version 1).
  private static func array(_ tensor: Tensor) throws(CoreError) -> [[UInt8]] {
    let (element, bytes) = try Element.bytes(of: tensor)
    let type = element == .float32 ? "<f4" : element == .int64 ? "<i8" : "|b1"
    let sizes = tensor.shape.map(String.init).joined(separator: ", ")
    let shape = tensor.shape.count == 1 ? "(\(sizes),)" : "(\(sizes))"
    var text = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }".utf8)
    // The elements begin at a multiple of 64; the last byte of the head is a line feed.
    text += [UInt8](repeating: 0x20, count: 63 - (10 + text.count) % 64) + [0x0A]
    let length = [UInt8(truncatingIfNeeded: text.count), UInt8(truncatingIfNeeded: text.count >> 8)]
    return [[0x93] + Array("NUMPY".utf8) + [1, 0] + length + text, bytes]
  }
}
