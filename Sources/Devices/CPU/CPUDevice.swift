import Base
import KernelTypes
import Kernels

/// The processor: kernels over the memory pool and the thread pool.
///
/// A storage is a `Buffer` of the pool, and this folder is the only place that knows it: `floats`, `ints` and the like are
/// pointers into it, which no other module can ask for. Each call does its work at once, on the threads of `Threads`, and is
/// over when it returns. Most calls hand pointers to one kernel of the module `Kernels`; what needs strides walks them with
/// `Loops`.
struct CPUDevice: Device {
  func allocate(byteCount: Int) throws(CoreError) -> AnyObject {
    guard let buffer = Buffer.make(byteCount: byteCount) else { throw .outOfMemory(byteCount) }
    return buffer
  }

  func upload(_ source: UnsafeRawBufferPointer, to y: Storage) throws(CoreError) {
    guard let base = source.baseAddress else { return }
    try kernel { () throws(KernelError) in copyBytes(y.bytes, base, source.count) }
  }

  func upload(
    byteCount: Int, to y: Storage, filledBy fill: (UnsafeMutableRawBufferPointer) throws(CoreError) -> Void
  ) throws(CoreError) {
    try fill(UnsafeMutableRawBufferPointer(start: y.bytes, count: byteCount))
    extendLifetime(y)
  }

  private func copyBytes(_ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ count: Int) {
    Threads.parallelFor(count, grain: 1 << 20) { r in
      (target + r.lowerBound).copyMemory(from: source + r.lowerBound, byteCount: r.count)
    }
  }

  func download(_ x: Storage, to target: UnsafeMutableRawBufferPointer) {
    HostReads.note(byteCount: target.count)
    if let base = target.baseAddress { base.copyMemory(from: x.bytes, byteCount: target.count) }
  }

  func convert(_ x: Storage, _ from: DType, to y: Storage, _ to: DType, count: Int) throws(CoreError) {
    try kernel { () throws(KernelError) in convert(x, from, y, to, count) }
  }

  private func convert(_ x: Storage, _ from: DType, _ y: Storage, _ to: DType, _ count: Int) {
    switch (from, to) {
    case (.float32, .int64): convert(x.floats, y.ints, count) { Int(exactly: $0.rounded(.towardZero)) ?? 0 }
    case (.float32, .bool): convert(x.floats, y.bools, count) { $0 != 0 ? 1 : 0 }
    case (.int64, .float32): convert(x.ints, y.floats, count) { Float($0) }
    case (.int64, .bool): convert(x.ints, y.bools, count) { $0 != 0 ? 1 : 0 }
    case (.bool, .float32): convert(x.bools, y.floats, count) { Float($0) }
    case (.bool, .int64): convert(x.bools, y.ints, count) { Int($0) }
    case (.float32, .float32), (.int64, .int64), (.bool, .bool):
      copyBytes(y.bytes, x.bytes, count &* from.stride)
    }
  }

  private func convert<A, B>(_ x: UnsafeMutablePointer<A>, _ y: UnsafeMutablePointer<B>, _ count: Int, _ f: (A) -> B) {
    Threads.parallelFor(count, grain: Self.grain) { r in for i in r { y[i] = f(x[i]) } }
  }

  func random(_ distribution: Distribution, _ streams: [RandomStream], _ y: Storage, count: Int) throws(CoreError) {
    let values = y.floats
    let columns = streams.isEmpty ? 0 : count / streams.count
    try kernel { () throws(KernelError) in
      Threads.parallelFor(count, grain: 1 << 13) { r in
        var first = r.lowerBound
        while first < r.upperBound {
          let (row, column) = first.quotientAndRemainder(dividingBy: columns)
          let end = Swift.min(r.upperBound, (row + 1) * columns)
          let part = UnsafeMutableBufferPointer(start: values + first, count: end - first)
          switch distribution {
          case .uniform(let low, let high): streams[row].fillUniform(part, from: low, to: high, start: column)
          case .normal(let mean, let deviation):
            streams[row].fillNormal(part, mean: mean, deviation: deviation, start: column)
          }
          first = end
        }
      }
    }
  }

  func concurrently(_ count: Int, _ body: (Int) throws(CoreError) -> Void) throws(CoreError) {
    let settings = RunSettings.ofThread
    let failure = Locked<CoreError?>(nil)
    try kernel { () throws(KernelError) in
      Threads.parallelFor(count, grain: 1) { range in
        settings.carry {
          for i in range where failure.withLock({ $0 == nil }) {
            do throws(CoreError) { try body(i) } catch { failure.withLock { $0 = $0 ?? error } }
          }
        }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  // MARK: Rows

  func greatest(_ k: Int, _ x: Storage, rows: Int, columns: Int, _ y: Storage) throws(CoreError) {
    try kernel { () throws(KernelError) in greatestColumns(k, x, rows, columns, y) }
  }

  private func greatestColumns(_ k: Int, _ x: Storage, _ rows: Int, _ columns: Int, _ y: Storage) {
    let (values, best) = (x.floats, y.ints)
    Threads.parallelFor(rows, grain: Swift.max(1, (1 << 13) / Swift.max(columns, 1))) { r in
      for row in r {
        let (values, best) = (values + row &* columns, best + row &* k)
        // Insertion into the k best so far.
        for column in 0..<columns {
          if column & 0xFFFF == 0xFFFF, Threads.isStopped { return }
          let value = values[column]
          var rank = Swift.min(column, k)
          while rank > 0 {
            let other = values[best[rank &- 1]]
            guard value > other || (value.isNaN && !other.isNaN) else { break }
            if rank < k { best[rank] = best[rank &- 1] }
            rank &-= 1
          }
          if rank < k { best[rank] = column }
        }
      }
    }
  }

  func softmax(_ x: Storage, rows: Int, columns: Int, temperature: Float, logarithm: Bool, _ y: Storage)
    throws(CoreError)
  {
    try kernel { () throws(KernelError) in
      if logarithm {
        Rows.logSoftmax(x.floats, rows: rows, columns: columns, temperature: temperature, y.floats)
      } else {
        Rows.softmax(x.floats, rows: rows, columns: columns, temperature: temperature, y.floats)
      }
    }
  }

  func softmaxGradient(
    y: Storage, dy: Storage, rows: Int, columns: Int, temperature: Float, logarithm: Bool, _ dx: Storage
  ) throws(CoreError) {
    try kernel { () throws(KernelError) in
      if logarithm {
        Rows.logSoftmaxGradient(
          y: y.floats, dy: dy.floats, rows: rows, columns: columns, temperature: temperature, dx.floats)
      } else {
        Rows.softmaxGradient(
          y: y.floats, dy: dy.floats, rows: rows, columns: columns, temperature: temperature, dx.floats)
      }
    }
  }

  // MARK: Blocks

  func take(
    _ x: Storage, _ dtype: DType, block: Int, _ indices: Storage, count: Int, _ y: Storage
  ) throws(CoreError) {
    let size = block &* dtype.stride
    let (source, target, indices) = (x.bytes, y.bytes, indices.ints)
    try kernel { () throws(KernelError) in
      if size > Self.longBlock {
        for i in 0..<count where !Threads.isStopped {
          copyBytes(target + i &* size, source + indices[i] &* size, size)
        }
        return
      }
      Threads.parallelFor(count, grain: Swift.max(1, (1 << 16) / Swift.max(size, 1))) { r in
        for i in r { (target + i &* size).copyMemory(from: source + indices[i] &* size, byteCount: size) }
      }
    }
  }

  func put(
    _ x: Storage, _ dtype: DType, block: Int, _ indices: Storage, count: Int, adding: Bool, _ y: Storage
  ) throws(CoreError) {
    let size = block &* dtype.stride
    let indices = indices.ints
    try kernel { () throws(KernelError) in
      if size > Self.longBlock {
        for i in 0..<count where !Threads.isStopped {
          if adding {
            Elementwise.scaleAdd(1, x.floats + i &* block, 1, y.floats + indices[i] &* block, count: block)
          } else {
            copyBytes(y.bytes + indices[i] &* size, x.bytes + i &* size, size)
          }
        }
        return
      }
      Threads.serialFor(count, grain: Swift.max(1, (1 << 16) / Swift.max(size, 1))) { r in
        if adding {
          let (source, target) = (x.floats, y.floats)
          for i in r {
            let index = indices[i]
            for j in 0..<block { target[index &* block &+ j] += source[i &* block &+ j] }
          }
        } else {
          for i in r {
            (y.bytes + indices[i] &* size).copyMemory(from: x.bytes + i &* size, byteCount: size)
          }
        }
      }
    }
  }

  /// Bytes of a block that is worth several threads.
  private static let longBlock = 4 << 20
}

// The memory of a storage, for this folder alone.
extension Storage {
  var bytes: UnsafeMutableRawPointer { unsafeDowncast(memory, to: Buffer.self).bytes }
  var floats: UnsafeMutablePointer<Float> { bytes.assumingMemoryBound(to: Float.self) }
  var ints: UnsafeMutablePointer<Int> { bytes.assumingMemoryBound(to: Int.self) }
  var bools: UnsafeMutablePointer<UInt8> { bytes.assumingMemoryBound(to: UInt8.self) }
}

extension CoreError {
  static func outOfMemory(_ byteCount: Int) -> CoreError {
    if Compute.isRunLimited {
      return .limit(
        "stopped where tensors would take \(byteCount) bytes more than the run may hold", option: "--max-memory")
    }
    return CoreError(
      .memory, "not enough memory: \(byteCount) bytes more are needed",
      hint: "use smaller batches, or raise the limit LTD_MEMORY_LIMIT")
  }
}

/// Runs kernels. When they were stopped, and may have left work out, this throws, so that nobody sees the results.
func kernel(_ body: () throws(KernelError) -> Void) throws(CoreError) {
  do { try body() } catch {
    switch error {
    case .outOfMemory(let bytes): throw .outOfMemory(bytes)
    }
  }
  try StopSignal.poll()
}
