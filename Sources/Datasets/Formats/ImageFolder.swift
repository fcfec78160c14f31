import Base
import Tensors

/// Photographs in a folder: one folder of JPEG and PNG files for each class, as ImageNet is laid out, or a list of files.
///
/// Classes are the folders in the order of their names, and images come in the order of theirs, as torchvision's
/// `ImageFolder` has them; names that begin with a dot are left out. A `list` chooses images, orders them, and may give
/// them classes of its own. Images are decoded and prepared at once and kept as bytes, or, where they are more than
/// `mostInMemory` bytes, when a batch needs them.
public struct ImageFolder: Sendable {
  /// The folder.
  public var path: String
  /// A file that names the images to read, and maybe their classes; nil reads the class folders.
  public var list: String?
  /// The folders of the classes in the order of their labels; nil is all folders, by name.
  public var classes: [String]?
  /// How many classes there are, where the list gives numbers; nil is up to the largest.
  public var classCount: Int?
  /// What is done with each image.
  public var preparation: ImagePreparation
  /// Whether images are decoded when a batch needs them; nil where they are more than `mostInMemory` bytes.
  public var isStreamed: Bool?

  /// The most bytes of images that are kept in memory unless it is asked for: 1 GiB, some 7,000 images of 224×224.
  public static let mostInMemory = 1 << 30

  /// All images of a folder.
  public init(_ path: String, preparation: ImagePreparation) {
    self.path = path
    self.preparation = preparation
  }

  private struct Content {
    var files: [String] = []
    var labels: [Int] = []
    var classNames: [String] = []
  }

  /// Reads the folder and, unless they are streamed, the images.
  ///
  /// - Parameter progress: hears how many images are decoded.
  /// - Throws: `io` where the folder or the list cannot be used, and for damaged images: the first, and how many there
  ///   are; `value` where classes do not fit.
  public func load(progress: any Progress = SilentProgress()) throws(CoreError) -> Dataset {
    defer { progress.finish() }
    try CoreError.checkPath(path)
    guard let status = FileStatus(path) else {
      throw .cannot(
        "list", path, "there is no such file or folder", hint: "expected a folder with a folder for each class")
    }
    guard status.isFolder else {
      throw .file(
        path, "is a file; images are read from a folder with a folder for each class", hint: "give the folder")
    }
    let content: Content
    if let list { content = try listed(in: ImageList(list)) } else { content = try found() }
    let source = ImageFiles(
      folder: path, names: content.files, shape: try shape(content.files), preparation: preparation)
    let (bytes, overflow) = content.files.count.multipliedReportingOverflow(by: source.shape.reduce(1, &*))
    let isStreamed = isStreamed ?? (overflow || bytes > Self.mostInMemory)
    let parts = path.split(separator: "/")
    return Dataset(
      name: parts.last.map(String.init) ?? "images", classNames: content.classNames, labels: content.labels,
      ids: Array(content.labels.indices), source: isStreamed ? source : try inMemory(source, progress))
  }

  /// The shape of the images: that of the first where no crop says it.
  private func shape(_ files: [String]) throws(CoreError) -> [Int] {
    if let crop = preparation.crop { return [preparation.channels, crop, crop] }
    let first = Folder.joined(path, files[0])
    return try preparation.prepare(Picture(path: first), path: first).shape
  }

  private func inMemory(_ source: ImageFiles, _ progress: any Progress) throws(CoreError) -> InMemoryImages {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(source.count * source.shape.reduce(1, &*))
    var failure: CoreError?
    var failures = 0
    let order = Array(0..<source.count)
    source.announce(order)
    for start in stride(from: 0, to: order.count, by: 64) {
      for outcome in try source.decoded(Array(order[start..<min(start + 64, order.count)])) {
        switch outcome {
        case .success(let image): if failures == 0 { bytes += image }
        case .failure(let error):
          failures += 1
          failure = failure ?? error
        }
      }
      progress.update(
        title: "images", done: min(start + 64, order.count), total: order.count, fields: [], secondsLeft: nil)
    }
    if var failure {
      if failures > 1 { failure.message += "; \(failures) of \(order.count) images cannot be used" }
      throw failure
    }
    return InMemoryImages(bytes: bytes, shape: source.shape)
  }

  // MARK: Class folders

  /// Whether a name ends as those of images do.
  static func isImage(_ name: some StringProtocol) -> Bool { hasEnding(name, [".jpg", ".jpeg", ".png"]) }

  private static func hasEnding(_ name: some StringProtocol, _ endings: [String]) -> Bool {
    let end = name.suffix(5).lowercased()
    return endings.contains { end.hasSuffix($0) }
  }

  private func found() throws(CoreError) -> Content {
    if classCount != nil {
      throw CoreError(
        .value, "a number of classes needs a list that gives each image a number",
        hint: "leave classes out, or give list",
        argument: "classes")
    }
    let folders = try classFolders()
    var content = Content()
    content.classNames = classes ?? folders
    let places = try placesOfClasses(content.classNames)
    for folder in folders {
      guard let label = places[folder] else {
        throw .file(
          Folder.joined(path, folder), "is none of the \(content.classNames.count) classes that are given",
          hint: "classes must name every folder of '\(path)'")
      }
      let files = try Self.images(below: folder, in: path)
      guard !files.isEmpty else {
        throw .file(
          Folder.joined(path, folder), "holds no JPEG or PNG image", hint: "remove the folder, or put images there")
      }
      content.files += files
      content.labels += [Int](repeating: label, count: files.count)
    }
    return content
  }

  private func placesOfClasses(_ names: [String]) throws(CoreError) -> [String: Int] {
    var places: [String: Int] = [:]
    for (label, name) in names.enumerated() {
      guard places.updateValue(label, forKey: name) == nil else {
        throw CoreError(
          .value, "'\(name)' stands twice among the classes", hint: "name each folder once", argument: "classes")
      }
    }
    return places
  }

  private func classFolders() throws(CoreError) -> [String] {
    let names = try Folder.names(in: path).filter { !$0.hasPrefix(".") }
    let folders = names.filter { FileStatus(Folder.joined(path, $0))?.isFolder == true }
    guard !folders.isEmpty else {
      let images = names.filter(Self.isImage).count
      throw .file(
        path, images > 0 ? "holds \(images) images but no folder for each class" : "holds no folder for each class",
        hint: images > 0
          ? "list=FILE gives the images their classes" : "put the images of each class into a folder of its name")
    }
    return folders
  }

  /// The images in a folder and the folders below it, as paths within `root`.
  private static func images(below folder: String, in root: String) throws(CoreError) -> [String] {
    var found: [(folder: String, files: [String])] = []
    var open = [(folder: folder, depth: 0)]
    while let (folder, depth) = open.popLast() {
      let path = Folder.joined(root, folder)
      guard depth < 16 else {
        throw .file(path, "is nested more than 16 deep", hint: "is there a link to a folder above it?")
      }
      var files: [String] = []
      for name in try Folder.names(in: path) where !name.hasPrefix(".") {
        let inside = Folder.joined(folder, name)
        if isImage(name) {
          files.append(inside)
        } else if hasEnding(name, [".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif", ".avif", ".heic", ".jxl"])
        {
          throw .file(
            Folder.joined(root, inside), "is an image that is neither JPEG nor PNG", hint: "convert it, or leave it out"
          )
        } else if FileStatus(Folder.joined(root, inside))?.isFolder == true {
          open.append((inside, depth + 1))
        }
      }
      found.append((folder, files))
    }
    found.sort { $0.folder.utf8.lexicographicallyPrecedes($1.folder.utf8) }
    return found.flatMap(\.files)
  }

  // MARK: Lists

  private func listed(in list: ImageList) throws(CoreError) -> Content {
    var content = Content()
    let folders: [String]
    if let classes { folders = classes } else { folders = try classFoldersIfAny() }
    let places = try placesOfClasses(folders)
    var names: [Int: String] = [:]
    var hasNumbers = false
    var hasFolders = false
    var missing = 0
    var firstMissing: ImageList.Item?
    for (index, item) in list.items.enumerated() {
      try StopSignal.poll(at: index)
      if FileStatus(Folder.joined(path, item.path)) == nil {
        missing += 1
        firstMissing = firstMissing ?? item
      }
      let folder = item.path.contains("/") ? item.path.prefix { $0 != "/" }.description : nil
      let label: Int
      if let number = item.label.flatMap(Int.init) {
        guard number >= 0, number < classCount ?? classes?.count ?? 100_000 else {
          throw list.wrong(
            item.line, "has the class \(number)",
            hint: "classes count from 0\((classCount ?? classes?.count).map { " to \($0 - 1)" } ?? "")")
        }
        label = number
        hasNumbers = true
        if let name = item.className ?? folder {
          guard names.updateValue(name, forKey: label).map({ $0 == name }) ?? true else {
            throw list.wrong(
              item.line, "calls class \(label) '\(name)', another line calls it otherwise", hint: "check the list")
          }
        }
      } else if let name = item.label ?? folder, let place = places[name] {
        label = place
        hasFolders = true
      } else {
        throw list.wrong(
          item.line, item.label.map { "has the class '\($0.prefix(40))', which is no folder" } ?? "gives no class",
          hint: "a class is a number from 0, or the name of a folder of '\(path)'")
      }
      content.files.append(item.path)
      content.labels.append(label)
    }
    if let firstMissing {
      throw list.wrong(
        firstMissing.line,
        "names '\(firstMissing.path)', which is not there (\(missing) of \(list.items.count) are not)",
        hint: "paths are within '\(path)'")
    }
    if hasNumbers, hasFolders {
      throw .file(
        list.path, "gives some classes as numbers and some by folders", hint: "give all of them in one way"
      ).about("list")
    }
    if let classes {
      content.classNames = classes
    } else if hasNumbers {
      content.classNames = (0..<(classCount ?? (content.labels.max() ?? 0) + 1)).map { names[$0] ?? "class \($0)" }
    } else {
      guard classCount.map({ $0 == folders.count }) ?? true else {
        throw CoreError(
          .value, "classes must be \(folders.count), the number of folders, not \(classCount ?? 0)",
          hint: "a list with a column class_index gives images the numbers of a larger set", argument: "classes")
      }
      content.classNames = folders
    }
    return content
  }

  private func classFoldersIfAny() throws(CoreError) -> [String] {
    try Folder.names(in: path).filter { !$0.hasPrefix(".") && FileStatus(Folder.joined(path, $0))?.isFolder == true }
  }
}
