extension BuiltinTable {
  /// What the language itself brings: printing, conversion, lists, strings, records, scalar mathematics, errors.
  public static let core: BuiltinTable = {
    let table = BuiltinTable()
    return table
  }()
}
