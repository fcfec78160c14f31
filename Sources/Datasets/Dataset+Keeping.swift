import Base
import Platform
import Tensors

/// All that a data set is made of, to be written into a saved session and read again.
package struct DatasetParts {
  /// Images in memory: bytes from 0 to 255, or floats from 0 to 1.
  package enum Pixels {
    case bytes([UInt8])
    case floats([Float])
  }
  /// Where the images are.
  package enum Images {
    /// In memory; data sets that were selected from one share the address.
    case memory(Pixels, address: UInt)
    /// In files of a folder that are read when they are needed. The digest is of their names and sizes.
    case files(folder: String, names: [String], preparation: ImagePreparation, digest: UInt64)
  }

  /// The name for people.
  package var name: String
  /// The names of the classes.
  package var classNames: [String]
  /// The class of each example.
  package var labels: [Int]
  /// The id of each example.
  package var ids: [Int]
  /// Where each example stands among the images.
  package var positions: [Int]
  /// The shape of an image.
  package var shape: [Int]
  /// The images.
  package var images: Images
  /// The rows of the exact distributions.
  package var posterior: [Float]?
  /// The rows of the soft labels.
  package var targets: [Float]?

  /// The parts of a data set that was kept.
  package init(
    name: String, classNames: [String], labels: [Int], ids: [Int], positions: [Int], shape: [Int], images: Images,
    posterior: [Float]?, targets: [Float]?
  ) {
    (self.name, self.classNames, self.labels, self.ids) = (name, classNames, labels, ids)
    (self.positions, self.shape, self.images) = (positions, shape, images)
    (self.posterior, self.targets) = (posterior, targets)
  }

  /// What names and sizes of files add up to; other files have another number.
  package static func digest(folder: String, names: [String]) -> UInt64 {
    var hash = Hash64()
    for name in names {
      hash.absorb(name)
      var status = stat()
      hash.absorb(stat(Folder.joined(folder, name), &status) == 0 ? UInt64(bitPattern: Int64(status.st_size)) : .max)
    }
    return UInt64(hash.digits, radix: 16) ?? 0
  }
}

extension Dataset {
  /// What it is made of; nil for images that come from elsewhere than memory and files.
  package var parts: DatasetParts? {
    let images: DatasetParts.Images
    switch source {
    case let memory as InMemoryImages:
      let kept = memory.kept
      images = .memory(kept.content, address: kept.address)
    case let files as ImageFiles:
      images = .files(
        folder: files.folder, names: files.names, preparation: files.preparation,
        digest: DatasetParts.digest(folder: files.folder, names: files.names))
    default: return nil
    }
    return DatasetParts(
      name: name, classNames: classNames, labels: labels, ids: ids, positions: positions, shape: imageShape,
      images: images, posterior: posteriorValues, targets: targetValues)
  }

  /// A data set of the parts of one that was kept.
  ///
  /// - Throws: `value` where they do not fit each other.
  package init(_ parts: DatasetParts) throws(CoreError) {
    let source: any ImageSource
    let size = parts.shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    let available: Int
    switch parts.images {
    case .memory(.bytes(let bytes), _):
      available = size > 0 ? bytes.count / size : 0
      source = InMemoryImages(bytes: bytes, shape: parts.shape)
    case .memory(.floats(let floats), _):
      available = size > 0 ? floats.count / size : 0
      source = InMemoryImages(floats: floats, shape: parts.shape)
    case .files(let folder, let names, let preparation, _):
      available = names.count
      source = ImageFiles(folder: folder, names: names, shape: parts.shape, preparation: preparation)
    }
    let count = parts.labels.count
    guard parts.shape.count == 3, parts.shape.allSatisfy({ $0 > 0 }), parts.ids.count == count,
      parts.positions.count == count, parts.positions.allSatisfy({ $0 >= 0 && $0 < available }),
      parts.labels.allSatisfy(parts.classNames.indices.contains),
      [parts.posterior, parts.targets].allSatisfy({ $0.map { $0.count == count * parts.classNames.count } ?? true })
    else { throw CoreError(.value, "the parts of the data set \(parts.name) do not fit each other") }
    self.init(
      name: parts.name, classNames: parts.classNames, labels: parts.labels, ids: parts.ids, source: source,
      positions: parts.positions, posteriorValues: parts.posterior, targetValues: parts.targets)
  }
}
