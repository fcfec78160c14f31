import Base
import Tensors

/// Images in files, each of which is read, decoded and prepared when a batch needs it.
///
/// Whoever goes through a data set announces the order, so that while a batch is computed the threads of the host decode
/// the next one: one batch ahead and no more than `mostAhead` bytes. Prepared images are bytes, and the same ones whoever
/// decodes them when. An image that cannot be read is an error of the batch that it belongs to.
final class ImageFiles: ImageSource, Sendable {
  let shape: [Int]
  let folder: String
  let names: [String]
  let preparation: ImagePreparation

  /// The most bytes of images that are decoded ahead.
  static let mostAhead = 256 << 20
  /// The most bytes of images that are decoded at a time to be read.
  private static let mostAtOnce = 64 << 20

  private struct State {
    /// Orders that were announced, the newest last, with where reading them stands.
    var orders: [(positions: [Int], next: Int)] = []
    var ahead: DecodingJob?
    /// Digits of the content of selections, by digits of how their files looked.
    var digits: [String: String] = [:]
  }
  private let state = Locked(State())

  /// Images in files of a folder.
  ///
  /// - Parameters:
  ///   - names: paths within the folder.
  ///   - shape: what every image must have when it is prepared.
  init(folder: String, names: [String], shape: [Int], preparation: ImagePreparation) {
    self.folder = folder
    self.names = names
    self.shape = shape
    self.preparation = preparation
  }

  deinit { state.withLock { $0.ahead?.cancel() } }

  /// Digits that were made of files which looked like this; nil for none.
  func kept(_ look: String) -> String? { state.withLock { $0.digits[look] } }

  /// Keeps digits of the content of files which look like this.
  func keep(_ digits: String, for look: String) { state.withLock { $0.digits[look] = digits } }

  var count: Int { names.count }
  private var size: Int { shape.reduce(1, &*) }

  func announce(_ positions: [Int]) {
    state.withLock { state in
      state.orders.removeAll { $0.next >= $0.positions.count }
      if state.orders.count >= 4 { state.orders.removeFirst() }
      state.orders.append((positions, 0))
    }
  }

  func isSame(as other: any ImageSource) -> Bool { (other as? ImageFiles) === self }

  func read(_ positions: [Int]) throws(CoreError) -> Tensor {
    let size = size
    let step = max(1, min(positions.count, Self.mostAtOnce / max(size, 1)))
    return try Tensor(.float32, shape: [positions.count] + shape) { (memory) throws(CoreError) in
      guard let target = memory.baseAddress?.assumingMemoryBound(to: Float.self) else { return }
      for start in stride(from: 0, to: positions.count, by: step) {
        let images = try bytes(Array(positions[start..<min(start + step, positions.count)]))
        Compute.inParallel(images.count, grain: 1) { range in
          for i in range {
            images[i].withUnsafeBufferPointer { writeUnitValues($0, to: target + (start + i) * size) }
          }
        }
        try StopSignal.poll()
      }
    }
  }

  /// The bytes of prepared images; the first that cannot be read is the error.
  func bytes(_ positions: [Int]) throws(CoreError) -> [[UInt8]] {
    let outcomes = try decoded(positions)
    var images: [[UInt8]] = []
    images.reserveCapacity(positions.count)
    for outcome in outcomes { images.append(try outcome.get()) }
    return images
  }

  /// What becomes of the images of these positions, those decoded ahead being taken.
  func decoded(_ positions: [Int]) throws(CoreError) -> [DecodingJob.Outcome] {
    let ahead = state.withLock { state -> DecodingJob? in
      // Only the read that it was made for takes it: one of other images, such as partners to mix with, may share some.
      guard let job = state.ahead, let first = positions.first, job.places[first] == 0 else { return nil }
      state.ahead = nil
      return job
    }
    let missing = positions.filter { ahead?.places[$0] == nil }
    let earlier = try ahead?.wait() ?? []
    let job = missing.isEmpty ? nil : decoding(missing)
    let later = try job?.wait() ?? []
    decodeAhead(after: positions)
    return positions.map { position in
      if let place = ahead?.places[position] { return earlier[place] }
      if let place = job?.places[position] { return later[place] }
      return decode(position)
    }
  }

  private func decodeAhead(after read: [Int]) {
    let size = size
    let next = state.withLock { state -> [Int] in
      guard state.ahead == nil else { return [] }
      for index in state.orders.indices.reversed() {
        let (order, next) = state.orders[index]
        guard order[next...].starts(with: read) else { continue }
        let end = next + read.count
        state.orders[index].next = end
        return Array(order[end...].prefix(min(read.count, Self.mostAhead / max(size, 1))))
      }
      return []
    }
    guard !next.isEmpty else { return }
    let job = decoding(next)
    state.withLock { state in if state.ahead == nil { state.ahead = job } }
  }

  private func decoding(_ positions: [Int]) -> DecodingJob {
    // The threads must not hold the source: when it is dropped, they end.
    let (folder, names, shape, preparation) = (folder, names, shape, preparation)
    return DecodingJob(positions, threads: Compute.threads) { position in
      Self.decode(folder, names[position], shape, preparation)
    }
  }

  private func decode(_ position: Int) -> DecodingJob.Outcome {
    Self.decode(folder, names[position], shape, preparation)
  }

  private static func decode(
    _ folder: String, _ name: String, _ shape: [Int], _ preparation: ImagePreparation
  ) -> DecodingJob.Outcome {
    do throws(CoreError) {
      let path = Folder.joined(folder, name)
      let prepared = try preparation.prepare(Picture(path: path), path: path)
      guard prepared.shape == shape else {
        throw .file(
          path,
          "becomes an image of \(prepared.shape[2])×\(prepared.shape[1]) pixels; the first is \(shape[2])×\(shape[1])",
          hint: "images of different sizes need a crop: resize=256, crop=224")
      }
      return .success(prepared.bytes)
    } catch {
      return .failure(error)
    }
  }
}

extension Picture {
  /// Reads and decodes a file.
  ///
  /// - Throws: `io`, naming the file, where it cannot be read or is not an image.
  init(path: String) throws(CoreError) {
    guard let status = FileStatus(path) else {
      throw .cannot("read", path, hint: "was it there when the folder was read?")
    }
    guard status.isRegular else { throw .file(path, "is not a regular file", hint: "expected a JPEG or PNG image") }
    try self.init(FileReader.bytes(of: path), path: path)
  }
}

/// Bytes as float32 in [0, 1]: divided by 255, as PyTorch does.
func writeUnitValues(_ bytes: UnsafeBufferPointer<UInt8>, to target: UnsafeMutablePointer<Float>) {
  let source = UnsafeRawBufferPointer(bytes)
  var i = 0
  while i + 16 <= bytes.count {
    let values = SIMD16<Float>(source.loadUnaligned(fromByteOffset: i, as: SIMD16<UInt8>.self)) / 255
    UnsafeMutableRawPointer(target + i).storeBytes(of: values, as: SIMD16<Float>.self)
    i += 16
  }
  while i < bytes.count {
    target[i] = Float(bytes[i]) / 255
    i += 1
  }
}
