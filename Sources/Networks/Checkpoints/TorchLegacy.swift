import Base
import Tensors

/// What `torch.save` wrote before version 1.6: five pickles one after the other (a number that marks the form, the
/// version, the system, the object, and the keys of its storages), then the numbers of each storage in the order of the
/// keys, each after its count. Nothing of the pickles is run.
///
/// Where each storage lies is found out when the file is opened, so that one that was cut off is refused at once, by the
/// name of the first storage that is not whole.
public final class TorchLegacy: WeightFile {
  /// The path of the file.
  public let path: String
  /// The name of the format.
  public let formatName = "PyTorch file (legacy form)"
  /// The form has none.
  public let metadata: [String: String] = [:]
  /// Every table of tensors in the object.
  public var stateDicts: [StateDict] { contents.stateDicts }
  /// What of the object was left alone.
  public var notes: [String] { contents.notes }

  private let file: FileReader
  private let contents: TorchContents
  /// Where the numbers of each storage begin, and how many there are.
  private let places: [String: (offset: Int, count: Int)]
  private var latest: (key: String, bytes: [UInt8])?

  private static let magic = "0x1950a86a20f9469cfc6c"
  private static let mostPickle = 1 << 28

  static func recognises(_ file: FileReader) -> Bool {
    let start = file.beginning
    return start.count > 3 && start[0] == 0x80 && start[2...].starts(with: [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46])
  }

  /// Reads the pickles of a file, and where its storages are.
  init(_ file: FileReader) throws(CoreError) {
    path = file.path
    self.file = file
    let pickles = try Self.pickles(file)
    let path = file.path
    func damaged(_ what: String) -> CoreError { .file(path, "is damaged: \(what)", hint: downloadAgain) }
    let (first, version, system, object, keys) = (pickles[0], pickles[1], pickles[2], pickles[3], pickles[4])
    guard case .largeInt(Self.magic) = first[first.root], version.int(version.root) == 1001 else {
      throw damaged("it is of no version of torch.save that is known")
    }
    for pair in system.pairs(system.root) ?? [] where system.text(pair.key) == "little_endian" {
      if case .bool(false) = system[pair.value] {
        throw .file(
          path, "was written on a machine of the other byte order, whose files of this form are not read",
          hint: "load it with PyTorch there, and save it in the zip form")
      }
    }
    contents = try TorchContents(object, path: path)
    guard let names = keys.items(keys.root) else { throw damaged("it has no list of its storages") }
    places = try Self.storages(
      file, from: keys.end, names.map { keys.text($0) ?? keys.int($0).map(String.init) }, object)
    for (name, tensor) in contents.all {
      guard let place = places[tensor.storage.key], tensor.storage.start + tensor.storage.count <= place.count else {
        throw damaged("the storage '\(tensor.storage.key)' of tensor '\(name)' is missing or too short")
      }
    }
  }

  /// The five pickles at the start. How long they are shows only when they are read: more is taken until it is enough.
  private static func pickles(_ file: FileReader) throws(CoreError) -> [Pickle] {
    let names = ["mark", "version", "system", "object", "list of storages"].map { "the \($0) of a torch.save file" }
    var count = min(file.size, 1 << 20)
    while true {
      let bytes = try file.read(at: 0, count: count)
      var (pickles, position): ([Pickle], Int) = ([], 0)
      do throws(Pickle.Failure) {
        for _ in names {
          pickles.append(try Pickle(bytes, from: position))
          position = pickles[pickles.count - 1].end
        }
        return pickles
      } catch {
        if case .endsEarly = error, count < file.size {
          guard count < mostPickle else {
            throw .file(file.path, "is damaged: \(names[pickles.count]) has more than \(mostPickle >> 20) MiB")
          }
          count = min(file.size, count * 8)
          continue
        }
        throw error.error(in: file.path, names[pickles.count])
      }
    }
  }

  /// Goes from storage to storage.
  private static func storages(
    _ file: FileReader, from start: Int, _ keys: [String?], _ object: Pickle
  ) throws(CoreError) -> [String: (offset: Int, count: Int)] {
    // How large the elements of each are, as the object says.
    var types: [String: TorchType] = [:]
    for node in object.nodes.indices {
      if let storage = TorchStorage(object, node) { types[storage.key] = storage.type }
    }
    var places: [String: (offset: Int, count: Int)] = [:]
    var position = start
    for (index, key) in keys.enumerated() {
      try StopSignal.poll(at: index)
      let shown = "the storage '\(key ?? "?")' (\(index + 1) of \(keys.count))"
      guard let key, places[key] == nil, let type = types[key] else {
        throw .file(file.path, "is damaged: \(shown) belongs to no tensor", hint: downloadAgain)
      }
      guard file.size - position >= 8 else {
        throw .file(file.path, "is cut short: \(shown) and what follows is not there", hint: downloadAgain)
      }
      let count = try file.read(at: position, count: 8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
      position += 8
      let (bytes, overflow) = Int(clamping: count).multipliedReportingOverflow(by: type.size)
      guard !overflow, bytes <= file.size - position else {
        throw .file(
          file.path,
          "is cut short: \(shown) has \(count) elements of \(type.size) bytes, and \(file.size - position) bytes are there",
          hint: downloadAgain)
      }
      places[key] = (position, Int(clamping: count))
      position += bytes
    }
    guard position == file.size else {
      throw .file(
        file.path, "is damaged: \(file.size - position) bytes follow its last storage", hint: downloadAgain)
    }
    return places
  }

  /// Reads one tensor; the file must not have changed since it was opened.
  public func tensor(_ name: String, in key: String) throws(CoreError) -> Tensor {
    guard let tensor = contents.tensor(name, in: key) else {
      throw missing(name, in: key, contents.reason(name, in: key))
    }
    guard let place = places[tensor.storage.key] else { throw missing(name, in: key, nil) }
    do throws(CoreError) {
      let size = tensor.element.size
      if tensor.isContiguous {
        let offset = place.offset + tensor.offset * size
        if tensor.element.isTensorMemory {
          return try Tensor(tensor.element.dtype, shape: tensor.shape) { (target) throws(CoreError) in
            try file.read(at: offset, into: target)
          }
        }
        return try tensor.element.tensor(try file.read(at: offset, count: tensor.count * size), shape: tensor.shape)
      }
      let bytes: [UInt8]
      if let latest, latest.key == tensor.storage.key {
        bytes = latest.bytes
      } else {
        latest = nil
        bytes = try file.read(at: place.offset, count: place.count * tensor.storage.type.size)
        if tensor.count != tensor.storage.count { latest = (tensor.storage.key, bytes) }
      }
      return try tensor.read(bytes, isBigEndian: false)
    } catch {
      throw about(name, error)
    }
  }
}
