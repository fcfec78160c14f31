import Base

/// What is done with a decoded image before a network sees it: torchvision's `Resize` and `CenterCrop`.
///
/// `Resize` makes the shorter side as long as asked and keeps the proportions, the longer side being rounded down;
/// `CenterCrop` cuts a square whose offset is rounded to the nearest whole number, halves to even ones.
public struct ImagePreparation: Sendable, Equatable {
  /// The length of the shorter side after resizing; nil leaves the size.
  public var resize: Int?
  /// The side of the square that is cut out of the middle; nil keeps all.
  public var crop: Int?
  /// How pixels between pixels are made.
  public var interpolation: Interpolation
  /// Whether images become grey, of one channel, as PIL's `convert("L")` makes them.
  public var isGrey: Bool

  /// The usual preparation of ImageNet when nothing is given.
  ///
  /// - Throws: `value` where a length is out of range, or the crop is larger than what it is cut of.
  public init(
    resize: Int? = 256, crop: Int? = 224, interpolation: Interpolation = .bilinear, isGrey: Bool = false
  ) throws(CoreError) {
    for (length, name) in [(resize, "resize"), (crop, "crop")] {
      guard let length, !(1...4096).contains(length) else { continue }
      throw CoreError(
        .value, "\(name) must be from 1 to 4096 pixels, not \(length)",
        hint: name == "resize"
          ? "resize=256 is usual; none leaves images as they are" : "crop=224 is usual; none keeps all",
        argument: name)
    }
    if let resize, let crop, crop > resize {
      throw CoreError(
        .value, "crop must be at most resize, \(resize), not \(crop)", hint: "for instance resize=256, crop=224",
        argument: "crop")
    }
    self.resize = resize
    self.crop = crop
    self.interpolation = interpolation
    self.isGrey = isGrey
  }

  /// How many channels a prepared image has.
  var channels: Int { isGrey ? 1 : 3 }

  /// An image ready for a network: channels, rows, columns.
  struct Prepared {
    let shape: [Int]
    let bytes: [UInt8]
  }

  /// Resizes and crops an image.
  ///
  /// - Parameter path: the file of the image, for errors.
  /// - Throws: `io` where the image is smaller than the crop, or too long to be resized.
  func prepare(_ picture: Picture, path: String) throws(CoreError) -> Prepared {
    var (width, height) = (picture.width, picture.height)
    if let resize {
      let (short, long) = (min(width, height), max(width, height))
      let longer = resize * long / short
      guard longer <= 1 << 16 else {
        throw .file(
          path, "has \(width)×\(height) pixels and would become \(longer) pixels long with resize=\(resize)",
          hint: "leave it out, or cut it before")
      }
      (width, height) = width <= height ? (resize, longer) : (longer, resize)
    }
    var (columns, rows) = (0..<width, 0..<height)
    if let crop {
      guard crop <= width, crop <= height else {
        throw .file(
          path, "has \(width)×\(height) pixels, fewer than crop=\(crop)", hint: "give resize=\(crop) or more as well")
      }
      let left = Int((Double(width - crop) / 2).rounded(.toNearestOrEven))
      let top = Int((Double(height - crop) / 2).rounded(.toNearestOrEven))
      (columns, rows) = (left..<left + crop, top..<top + crop)
    }
    let part =
      resize == nil
      ? Resampling.crop(picture, columns: columns, rows: rows)
      : Resampling.resize(picture, width: width, height: height, columns: columns, rows: rows, interpolation)
    return Prepared(shape: [channels, part.height, part.width], bytes: planes(part))
  }

  /// Pixels side by side to planes one after another.
  private func planes(_ picture: Picture) -> [UInt8] {
    let count = picture.width * picture.height
    return [UInt8](filling: count * channels) { out, written in
      guard let target = out.baseAddress else { return }
      picture.pixels.withUnsafeBufferPointer { pixels in
        if isGrey {
          for i in 0..<count {
            let (red, green, blue) = (Int(pixels[i * 4]), Int(pixels[i * 4 + 1]), Int(pixels[i * 4 + 2]))
            target[i] = UInt8(truncatingIfNeeded: (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16)
          }
        } else {
          for i in 0..<count {
            target[i] = pixels[i * 4]
            target[count + i] = pixels[i * 4 + 1]
            target[2 * count + i] = pixels[i * 4 + 2]
          }
        }
      }
      written = count * channels
    }
  }
}
