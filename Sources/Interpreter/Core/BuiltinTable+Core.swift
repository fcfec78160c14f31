extension BuiltinTable {
  /// What the language itself brings: printing, conversion, lists, strings, records, scalar mathematics, errors.
  public static let core: BuiltinTable = {
    var table = BuiltinTable()
    table.add(CoreLanguage.builtins)
    return table
  }()
}
