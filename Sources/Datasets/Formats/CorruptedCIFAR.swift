import Base
import Tensors

/// The test images of CIFAR-10 or CIFAR-100 under a common corruption: the files of CIFAR-10-C and CIFAR-100-C.
///
/// Each file is an array [50000, 32, 32, 3] of bytes: the 10,000 test images at severity 1, then at 2, up to 5;
/// `labels.npy` has their labels. Only the images of the severity are read.
///
/// - Parameters:
///   - directory: the folder with `fog.npy` and the others.
///   - corruption: one of `commonCorruptions` or `extraCorruptions`.
///   - severity: 1 to 5.
///   - classes: 10 or 100.
/// - Throws: `value` for another corruption or severity; `io` where files are missing, damaged, or of another shape.
///
/// Source: D. Hendrycks, T. Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
/// 2019.
public func corruptedCIFAR(
  directory: String, corruption: String, severity: Int, classes: Int
) throws(CoreError) -> Dataset {
  let title = "CIFAR-\(classes)-C"
  let all = commonCorruptions + extraCorruptions
  guard all.contains(corruption) else {
    throw CoreError(
      .value, "there is no corruption '\(corruption)' in \(title)",
      hint: "there are \(commonCorruptions.joined(separator: ", ")); and \(extraCorruptions.joined(separator: ", "))",
      argument: "corruption")
  }
  guard (1...5).contains(severity) else {
    throw CoreError(
      .value, "severity must be from 1 to 5, not \(severity)", hint: "severity=5 is the strongest", argument: "severity"
    )
  }
  let folder = try DataFolder(
    directory, title: title, advice: "unpack \(title).tar and give its folder, with \(corruption).npy and labels.npy")
  let images = try slice(
    try folder.require(["\(corruption).npy"], usual: [title]), [50_000, 32, 32, 3], severity, title, isBytes: true)
  let labels = try slice(try folder.require(["labels.npy"], usual: [title]), [50_000], severity, title, isBytes: false)
  let arrays = LabelledArrays(path: directory, layout: .nhwc, classes: classes)
  return Dataset(
    name: "\(title) \(corruption) \(severity)",
    classNames: classes == 10
      ? ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
      : (0..<classes).map(String.init),
    labels: try arrays.labels(labels, images: 10_000).classes, ids: Array(0..<10_000), source: try arrays.images(images)
  )
}

/// The fifteen corruptions whose mean accuracy is reported, in the order of RobustBench.
public let commonCorruptions = [
  "shot_noise", "motion_blur", "snow", "pixelate", "gaussian_noise", "defocus_blur", "brightness", "fog", "zoom_blur",
  "frost", "glass_blur", "impulse_noise", "contrast", "jpeg_compression", "elastic_transform",
]

/// The four that are kept for validation.
public let extraCorruptions = ["gaussian_blur", "saturate", "spatter", "speckle_noise"]

/// The part of an array that belongs to a severity.
private func slice(
  _ path: String, _ shape: [Int], _ severity: Int, _ title: String, isBytes: Bool
) throws(CoreError) -> RawArray {
  let reader = try FileReader(path, expected: "an array \(shape) of \(title)")
  guard NumPyHeader.begins(reader.beginning) else {
    let kind = FileKind(reader.beginning[...], size: reader.size)?.rawValue ?? "something else"
    throw .file(path, "is \(kind), not a NumPy array", hint: downloadAgain)
  }
  let header = try NumPyHeader(
    reader.read(at: 0, count: min(reader.size, NumPyHeader.limit)), size: reader.size, path: path)
  let element = Element(header.type)
  guard header.shape == shape, !header.isFortran, isBytes ? element == .uint8 : element.size <= 8 else {
    throw .file(
      path, "holds an array \(header.shape) of \(header.type.name); \(title) has \(shape)\(isBytes ? " of uint8" : "")",
      hint: "check which file was saved under this name")
  }
  let part = header.byteCount / 5
  let bytes = try reader.read(at: header.start + (severity - 1) * part, count: part)
  return RawArray(
    name: path, element: element, shape: [shape[0] / 5] + shape[1...], isBigEndian: header.type.isBigEndian,
    bytes: bytes)
}
