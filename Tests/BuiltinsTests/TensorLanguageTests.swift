import Testing

@Suite struct TensorLanguageTests {
  @Test(arguments: [
    ("x = arange(12).reshape([3, 4]); x[1]", "tensor i64 [4]  4 5 6 7"),
    ("x = arange(12).reshape([3, 4]); x[-1, ::2]", "tensor i64 [2]  8 10"),
    ("x = arange(12).reshape([3, 4]); x[:, 1]", "tensor i64 [3]  1 5 9"),
    ("x = arange(12).reshape([3, 4]); x[..., -1]", "tensor i64 [3]  3 7 11"),
    ("x = arange(12).reshape([3, 4]); x[[2, 0], 1]", "tensor i64 [2]  9 1"),
    ("x = arange(12).reshape([3, 4]); x[x > 9]", "tensor i64 [2]  10 11"),
    ("x = arange(3); x[:, none].shape", "[3, 1]"),
    ("x = arange(5); x[::-1]", "tensor i64 [5]  4 3 2 1 0"),
    ("x = arange(5); x[3:1:-1]", "tensor i64 [2]  3 2"),
    ("x = arange(3); x[1]", "1"),
    ("x = tensor([0.1, 0.2]); x[0] == 0.1", "true"),
  ])
  func reading(_ code: String, _ result: String) { #expect(evaluated(code) == result) }

  @Test(arguments: [
    ("x = zeros([3]); y = x; y[0] = 1; [x[0], y[0]]", "[0.0, 1.0]"),
    ("x = zeros([2, 2]); x[0] = [1.0, 2]; x", "tensor f32 [2, 2]\n  1 2\n  0 0"),
    ("x = zeros([2, 2]); x[:, 1] = 5; x", "tensor f32 [2, 2]\n  0 5\n  0 5"),
    ("x = arange(4); x[x > 1] = 0; x", "tensor i64 [4]  0 1 0 0"),
    ("x = zeros([4]); x[[0, 3]] = 1; x", "tensor f32 [4]  1 0 0 1"),
    ("x = zeros([4]); x[1:3] += 2; x", "tensor f32 [4]  0 2 2 0"),
  ])
  func writing(_ code: String, _ result: String) { #expect(evaluated(code) == result) }

  @Test(arguments: [
    ("[2, 4, 8] / 4", "tensor f32 [3]  0.5 1 2"),
    ("2 * tensor([1, 2])", "tensor i64 [2]  2 4"),
    ("tensor([1.0, 2]) + [10, 20]", "tensor f32 [2]  11 22"),
    ("tensor([[1.0, 2]]) @ tensor([[3.0], [4]])", "tensor f32 [1, 1]\n  11"),
    ("tensor([7, -7]) % 3", "tensor i64 [2]  1 2"),
    ("-tensor([1, 2])", "tensor i64 [2]  -1 -2"),
    ("tensor([1, 2]) == [1, 3]", "tensor bool [2]  true false"),
    ("sum(tensor([[1, 2], [3, 4]]), axis=0)", "tensor i64 [2]  4 6"),
    ("max(tensor([1.0, 5, 3]))", "5.0"),
    ("tensor([[1, 2], [3, 4]]).T", "tensor i64 [2, 2]\n  1 3\n  2 4"),
    ("zeros([0, 3])", "tensor f32 [0, 3]  empty"),
    ("exp(tensor([0.0]))", "tensor f32 [1]  1"),
    ("[x * 2 for x in tensor([1, 2])]", "[2, 4]"),
    ("len(zeros([4, 2]))", "4"),
    ("2 in tensor([1, 2])", "true"),
    ("log([1, 8, 0.5], base=2)", "tensor f32 [3]  0 3 -1"),
    ("round(tensor([1.236, -5.678]), 2)", "tensor f32 [2]  1.24 -5.68"),
    ("round(tensor([1250.0, 1350, 3e38]), -2)", "tensor f32 [3]  1200 1400 3e+38"),
  ])
  func arithmetic(_ code: String, _ result: String) { #expect(evaluated(code) == result) }

  @Test(arguments: [
    ("grad(x => sum(x * x), [1.0, 2])", "tensor f32 [2]  2 4"),
    ("grad(x => cross_entropy(x, [0]), [[0.0, 0]])", "tensor f32 [1, 2]\n  -0.5 0.5"),
    ("grad(x => x[0] * x[1], [2.0, 3])", "tensor f32 [2]  3 2"),
    ("grad(x => 5, [1.0])", "tensor f32 [1]  0"),
    ("grad(x => norm(x) + std(x), [0.0, 0])", "tensor f32 [2]  0 0"),
    ("grad(x => sum(log(x, base=2)), [1 / log(2.0), 2 / log(2.0)])", "tensor f32 [2]  1 0.5"),
    ("grad(fn(v) { y = zeros([2, 2]); y[0] = v; y[1] += v[0]; sum(y * y) }, [5.0, 6])", "tensor f32 [2]  30 12"),
    ("grad(fn(x) { y = x * 1; y[x > 1] = 7; y[[0, 0]] = x[2]; sum(y * y) }, [0.5, 2, 3])", "tensor f32 [3]  0 0 6"),
  ])
  func gradients(_ code: String, _ result: String) { #expect(evaluated(code) == result) }

  @Test(arguments: [
    ("zeros([2, 3]) + zeros([4])", "shapes"), ("tensor([[1, 2], [3]])", "different lengths"),
    ("arange(3)[5]", "outside of axis 0"), ("if zeros([2]) > 0 { 1 }", "neither true nor false"),
    ("zeros([10 ** 9, 10 ** 9])", "memory"), ("zeros([-1])", "negative"), ("softmax([1.0], T=1, axis=4)", "axis"),
    ("grad(x => x, [1.0, 2])", "single number"), ("tensor(\"a\")", "numbers"), ("one_hot([5], classes=3)", "5"),
    ("perturb(mlp(), zeros([1, 1, 28, 28]) + 2, [0], fgsm())", "[0, 1]"), ("pgd(steps=0)", "steps"),
    ("mlp()(zeros([2, 3]))", "reads images"), ("glyphs(n=-1)", "n"), ("ltd(mlp(), on=\"x\")", "trades"),
    ("fit(mlp(), glyphs(n=8)[0], attack=fgsm())", "no validation"), ("mnist(\"/nowhere\")", "/nowhere"),
  ])
  func errors(_ code: String, _ part: String) {
    let result = evaluated(code)
    #expect(result.hasPrefix("error: ") && result.contains(part), "\(result)")
  }
}
