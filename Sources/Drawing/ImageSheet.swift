/// Images in a grid, with words below each.
public struct ImageSheet: Sendable {
  /// An image and what is said of it.
  public struct Picture: Sendable {
    /// 1 for grey, 3 for red, green and blue.
    public var channels: Int
    public var height: Int
    public var width: Int
    /// Values in [0, 1], row by row, channel by channel; others are cut, and what is no number is black.
    public var values: [Float]
    /// Lines below it: its label, a prediction.
    public var captions: [String]
    /// Shares of classes, the greatest first: a soft label.
    public var shares: [(name: String, share: Double)]

    /// An image; nil where the values do not fill it, or where it has neither 1 nor 3 channels.
    public init?(
      channels: Int, height: Int, width: Int, values: [Float], captions: [String] = [],
      shares: [(name: String, share: Double)] = []
    ) {
      guard channels == 1 || channels == 3, height > 0, width > 0, values.count / channels / height == width,
        values.count % (channels * height) == 0
      else { return nil }
      (self.channels, self.height, self.width, self.values) = (channels, height, width, values)
      (self.captions, self.shares) = (captions, shares)
    }
  }

  /// The images, row by row.
  public var pictures: [Picture]
  /// How many stand beside each other; nil for as many as fit.
  public var columns: Int?
  /// Words above the columns.
  public var heads: [String]
  /// Lines below all.
  public var notes: [String]
  /// How many images there are that are not in the sheet.
  public var left = 0

  /// A sheet of images.
  public init(_ pictures: [Picture], columns: Int? = nil, heads: [String] = [], notes: [String] = []) {
    (self.pictures, self.columns, self.heads, self.notes) = (pictures, columns, heads, notes)
  }
}

/// Colours of pixels, row by row.
struct Pixels {
  let width: Int
  let height: Int
  var colours: [Colour]

  /// Each pixel as a square of pixels.
  func enlarged(by factor: Int) -> Pixels {
    guard factor > 1 else { return self }
    var large = Pixels(width: width * factor, height: height * factor)
    for y in 0..<large.height {
      for x in 0..<large.width { large.colours[y * large.width + x] = colours[y / factor * width + x / factor] }
    }
    return large
  }

  /// An image at another size: the mean of what a smaller pixel covers, the nearest where it is larger.
  init(_ picture: ImageSheet.Picture, width: Int, height: Int) {
    (self.width, self.height) = (max(1, width), max(1, height))
    colours = []
    colours.reserveCapacity(self.width * self.height)
    let plane = picture.height * picture.width
    func span(_ index: Int, _ count: Int, _ size: Int) -> Range<Int> {
      let first = index * size / count
      return first..<min(size, max(first + 1, (index + 1) * size / count))
    }
    for y in 0..<self.height {
      let rows = span(y, self.height, picture.height)
      for x in 0..<self.width {
        let columns = span(x, self.width, picture.width)
        func mean(_ channel: Int) -> Double {
          var sum = 0.0
          for row in rows {
            for column in columns {
              let value = picture.values[channel * plane + row * picture.width + column]
              sum += value > 0 ? Double(min(1, value)) : 0
            }
          }
          return sum / Double(rows.count * columns.count)
        }
        if picture.channels == 1 {
          let grey = mean(0)
          colours.append(Colour(grey, grey, grey))
        } else {
          colours.append(Colour(mean(0), mean(1), mean(2)))
        }
      }
    }
  }

  subscript(x: Int, y: Int) -> Colour { colours[y * width + x] }
}
