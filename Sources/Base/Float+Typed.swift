extension Float {
  /// The double that this float32 stands for: what somebody has typed, before it was rounded to float32.
  ///
  /// Quarters of a grey level, k/255 with k a multiple of 1/4 up to 255, are recognised, since radii are given in them;
  /// anything else is the shortest decimal that names the float: 0.1 rather than 0.10000000149011612. Rounded to float32
  /// it is this float again, whatever it is, so that different floats stay different and in their order.
  public var asTyped: Double {
    if self == rounded(), abs(self) <= 0x1p24 { return Double(self) }
    guard isFinite else { return Double(self) }
    let exact = Double(self)
    if abs(exact) < 1 {
      let quarters = (exact * 1020).rounded()
      let level = quarters / 4 / 255
      if quarters != 0, Float(level) == self { return level }
    }
    return shortestDecimal(exact) ?? Double(description) ?? exact
  }

  /// The shortest decimal, where it has at most eleven places, of a float below 2²⁴: to within those the products below are exact and the
  /// quotients rounded once, so that it is the one that `description` gives, without the text.
  private func shortestDecimal(_ exact: Double) -> Double? {
    guard abs(exact) < 0x1p24 else { return nil }
    return powersOfTen.withUnsafeBufferPointer { powers in
      func decimal(_ places: Int) -> Double? {
        let value = (exact * powers[places]).rounded(.toNearestOrEven) / powers[places]
        return Float(value) == self ? value : nil
      }
      // More places name it too: the search starts in the middle.
      var places = 6
      if var best = decimal(places) {
        while places > 1, let shorter = decimal(places - 1) { (best, places) = (shorter, places - 1) }
        return best
      }
      while places < powers.count - 1 {
        places += 1
        if let found = decimal(places) { return found }
      }
      return nil
    }
  }
}

/// From 1 to 10¹¹, all of them exact.
private let powersOfTen: [Double] = (0...11).map { (0..<$0).reduce(1) { power, _ in power * 10 } }
