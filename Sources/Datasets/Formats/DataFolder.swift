import Base
import Tensors

/// A folder with the files of one data set.
struct DataFolder {
  let path: String
  let title: String
  /// Where to get the files and what to do with them, in one sentence.
  let advice: String

  init(_ path: String, title: String, advice: String) throws(CoreError) {
    self.path = path
    self.title = title
    self.advice = advice
    guard let status = FileStatus(path) else {
      throw CoreError(.io, "there is no folder '\(path)' to read \(title) from", hint: advice, argument: "path")
    }
    guard status.isFolder else {
      throw CoreError(
        .io, "'\(path)' is a file; \(title) is read from the folder that holds its files", hint: advice,
        argument: "path")
    }
  }

  /// The path of the first of these names that exists.
  func find(_ names: [String]) -> String? {
    names.map { joined($0) }.first { FileStatus($0) != nil }
  }

  /// The path of the first of these names that exists; an error with advice where none does.
  ///
  /// - Parameter usual: names of subfolders where such files often lie.
  func require(_ names: [String], usual: [String]) throws(CoreError) -> String {
    if let found = find(names) { return found }
    for folder in usual where names.contains(where: { FileStatus(joined("\(folder)/\($0)")) != nil }) {
      throw CoreError(
        .io, "there is no \(names[0]) in the folder '\(path)'", hint: "the files are in '\(joined(folder))': give that",
        argument: "path")
    }
    throw CoreError(
      .io, "\(title): there is no \(names.prefix(2).joined(separator: " or ")) in the folder '\(path)'", hint: advice,
      argument: "path")
  }

  private func joined(_ name: String) -> String { Folder.joined(path, name) }
}

/// Refuses numbers of images that cannot be.
func checkCounts(train: Int?, test: Int?) throws(CoreError) {
  try checkCount(train, "train")
  try checkCount(test, "test")
}

func checkCount(_ count: Int?, _ setting: String) throws(CoreError) {
  guard let count, count < 0 else { return }
  throw CoreError(
    .value, "\(setting) must be at least 0, not \(count)", hint: "leave \(setting) out to read all",
    argument: setting)
}

/// More images are wanted than there are.
func tooFew(_ path: String, _ count: Int, _ setting: String, _ wanted: Int) -> CoreError {
  CoreError(
    .value, "'\(path)' holds \(count) images, fewer than \(setting)=\(wanted)",
    hint: "leave \(setting) out to read all", argument: setting)
}
