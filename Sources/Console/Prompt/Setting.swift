import Interpreter

/// What `:set` can change while the prompt is open.
enum Setting: String, CaseIterable {
  case digits, items, width, history

  static let names = allCases.map(\.rawValue)

  /// What it sets, for `:set`.
  var summary: String {
    switch self {
    case .digits: "significant digits of a float; auto prints as many as it has"
    case .items: "items of a list or rows of a table that are shown"
    case .width: "characters in a line; auto follows the terminal"
    case .history: "statements that are kept and recalled"
    }
  }
}
