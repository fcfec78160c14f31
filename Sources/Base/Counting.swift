extension Int {
  /// The number with a noun in its number: "1 image", "2 images".
  package func of(_ noun: String, _ plural: String? = nil) -> String {
    "\(self) \(self == 1 ? noun : plural ?? noun + "s")"
  }
}
