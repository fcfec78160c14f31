import Base
import Devices

/// A convolution with fixed weights, with what comes before and after it: bias, addend and ReLU in the forward
/// pass; addend and mask in the gradient with respect to the input. Nothing is recorded.
package struct FixedConvolution: Sendable {
  /// [filters, channels / groups, kh, kw].
  package var weight: Tensor
  /// The weights of the gradient: those of the forward pass, with a scale of the input folded in if there is one.
  package var gradientWeight: Tensor
  /// [filters].
  package var bias: Tensor?
  /// Rows and columns from one window to the next.
  package var stride: (Int, Int)
  /// Zeros around the image.
  package var padding: Padding
  /// Rows and columns from one tap of the kernel to the next.
  package var dilation: (Int, Int)
  /// Parts of the channels that do not mix.
  package var groups: Int

  /// A convolution whose gradient has the weights of the forward pass.
  /// - Throws: `memory` where the weights have to be copied and cannot be.
  package init(
    weight: Tensor, bias: Tensor?, stride: (Int, Int), padding: Padding, dilation: (Int, Int), groups: Int
  ) throws(CoreError) {
    self.weight = try weight.rowMajor()
    gradientWeight = self.weight
    self.bias = try bias?.rowMajor()
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  private func shape(_ input: [Int]) -> ConvolutionShape {
    ConvolutionShape(
      batch: input[0], height: input[2], width: input[3], channels: input[1], filters: weight.shape[0],
      kernel: (weight.shape[2], weight.shape[3]), stride: stride,
      padding: (padding.top, padding.bottom, padding.left, padding.right), dilation: dilation, groups: groups)
  }

  /// relu(conv(x) + bias + addend).
  ///
  /// - Parameters:
  ///   - x: [n, channels, h, w].
  ///   - addend: like the result.
  package func forward(_ x: Tensor, adding addend: Tensor? = nil, relu: Bool = false) throws(CoreError) -> Tensor {
    _ = try Window.output(
      x.shape, kernel: (weight.shape[2], weight.shape[3]), stride: stride, padding: padding, dilation: dilation,
      "conv2d")
    try StopSignal.poll()
    let s = shape(x.shape)
    let y = try Tensor(
      .float32, shape: [s.batch, s.filters, s.outputHeight, s.outputWidth], layout: .channelsLast)
    let epilogue = ConvolutionEpilogue(
      bias: bias?.storage, addend: try addend?.channelsLast().storage, relu: relu)
    if y.count > 0 { try device.convolve(s, try x.channelsLast().storage, weight.storage, epilogue, y.storage) }
    return y
  }

  /// Whether `forward` of images of this shape gives each output the bits that it gives it where only its window is there.
  package func isByWindow(_ input: [Int]) -> Bool { device.convolvesByWindow(shape(input)) }

  /// The same without zeros around the image.
  package var unpadded: FixedConvolution {
    var convolution = self
    convolution.padding = .none
    return convolution
  }

  /// The gradient with respect to the input, plus the addend, 0 where the mask is not positive.
  ///
  /// - Parameters:
  ///   - gradient: with respect to the result.
  ///   - input: the shape of the input; addend and mask have it too.
  ///   - masksFirst: the addend is added after the mask was applied, not before.
  package func inputGradient(
    _ gradient: Tensor, input: [Int], adding addend: Tensor? = nil, mask: Tensor? = nil, masksFirst: Bool = false
  ) throws(CoreError) -> Tensor {
    try StopSignal.poll()
    let dx = try Tensor(.float32, shape: input, layout: .channelsLast)
    let epilogue = ConvolutionEpilogue(
      addend: try addend?.channelsLast().storage, mask: try mask?.channelsLast().storage, masksFirst: masksFirst)
    if dx.count > 0 {
      try device.convolveInputGradient(
        shape(input), try gradient.channelsLast().storage, gradientWeight.storage, epilogue, dx.storage)
    }
    return dx
  }
}

extension FixedConvolution {
  /// relu(x · weightᵀ + bias + addend), the convolution being one of single pixels.
  ///
  /// - Parameters:
  ///   - x: [..., inputs], or [n, channels, h, w] where it is flattened.
  ///   - flattens: an image is one row, in the order of memory with channels last.
  ///   - addend: like the result.
  /// - Returns: [..., outputs].
  package func linear(
    _ x: Tensor, flattens: Bool, adding addend: Tensor?, relu: Bool
  ) throws(CoreError) -> Tensor {
    let pixels = try pixels(x, weight.shape[1], flattens: flattens)
    let y = try forward(pixels, adding: addend.map { (a) throws(CoreError) in try rows(a) }, relu: relu)
    let shape = flattens ? [x.shape[0], weight.shape[0]] : x.shape.dropLast() + [weight.shape[0]]
    return Tensor(y.storage, .float32, shape: shape, count: y.count)
  }

  /// The gradient with respect to the input of `linear`, plus the addend, 0 where the mask is not positive.
  ///
  /// - Parameters:
  ///   - gradient: with respect to the result.
  ///   - input: the shape of the input; addend and mask have it too.
  package func linearInputGradient(
    _ gradient: Tensor, input: [Int], flattens: Bool, adding addend: Tensor?, mask: Tensor?
  ) throws(CoreError) -> Tensor {
    let g = try rows(gradient)
    let inputs = weight.shape[1]
    let dx = try inputGradient(
      g, input: [g.shape[0], inputs, 1, 1],
      adding: addend.map { (a) throws(CoreError) in try pixels(a, inputs, flattens: flattens) },
      mask: mask.map { (m) throws(CoreError) in try pixels(m, inputs, flattens: flattens) })
    return Tensor(
      dx.storage, .float32, shape: input, count: dx.count, layout: flattens ? .channelsLast : .rowMajor)
  }

  private func rows(_ x: Tensor) throws(CoreError) -> Tensor { try pixels(x, weight.shape[0], flattens: false) }

  /// Rows of `count` values as images of one pixel.
  private func pixels(_ x: Tensor, _ count: Int, flattens: Bool) throws(CoreError) -> Tensor {
    guard count > 0, flattens ? x.count == x.shape[0] * count : x.shape.last == count else {
      throw CoreError(
        .shape,
        "a linear layer with weights \(weight.shape.prefix(2)) [outputs, inputs] does not take an input of shape \(x.shape)"
      )
    }
    let x = flattens ? try x.channelsLast() : try x.rowMajor()
    return Tensor(x.storage, .float32, shape: [x.count / count, count, 1, 1], count: x.count, layout: .channelsLast)
  }
}

/// The gradient before a ReLU from that after it and the ReLU's result.
package func reluGradient(_ g: Tensor, result y: Tensor) throws(CoreError) -> Tensor {
  let g = try g.inLayout(y.layout)
  let dx = try y.similar()
  try device.binary(.reluGradient, y.view, g.view, dx.view)
  return dx
}
