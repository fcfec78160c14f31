import Syntax
import TestSupport
import Testing

@Suite struct ParserTests {
  @Test(arguments: [
    ("1 + 2 * 3", "(+ 1 (* 2 3))"),
    ("(1 + 2) * 3", "(* (group (+ 1 2)) 3)"),
    ("1 - 2 - 3", "(- (- 1 2) 3)"),
    ("-2 ** 2", "(- (** 2 2))"),
    ("2 ** -1", "(** 2 (- 1))"),
    ("2 ** 3 ** 2", "(** 2 (** 3 2))"),
    ("-x.f()", "(- (x.f))"),
    ("not a == b", "(not (a == b))"),
    ("not a and b or c", "(or (and (not a) b) c)"),
    ("a < b <= c", "(a < b <= c)"),
    ("a in b and c not in d", "(and (a in b) (c not in d))"),
    ("0..n - 1", "(0..(- n 1))"),
    ("1..10 by 2", "(1..10 by 2)"),
    ("x in 1..3", "(x in (1..3))"),
    ("8/255 // 3 % 2 @ w", "(@ (% (// (/ 8 255) 3) 2) w)"),
    ("x |> f |> g(eps=8/255)", "(|> (|> x f) (call g eps=(/ 8 255)))"),
    ("a or b |> f", "(|> (or a b) f)"),
    ("x => x |> f", "(fn (x) (|> x f))"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("a - b", "(- a b)"), ("a -b", "(- a b)"), ("a--b", "(- a (- b))"),
  ])
  func operators(text: String, expected: String) { #expect(tree(text) == expected) }

  @Test(arguments: [
    ("1", "1"), ("1_000", "1000"), ("1.5", "1.5"), ("1e-3", "0.001"), ("0xff", "255"), ("0b101", "5"), ("0o17", "15"),
    ("1_0.2_5", "10.25"), ("9223372036854775807", "9223372036854775807"), ("1..2", "(1..2)"), ("1.abs()", "(1.abs)"),
    ("τ + ε₁", "(+ τ ε₁)"), ("true", "true"), ("none", "none"),
    ("\"a\\n\\t\\\"\\\\\\u{3c4}\"", #""a\n\t\"\\τ""#), (#"'raw \n {x}'"#, #""raw \\n {x}""#),
    ("\"acc {acc:.2%} at T={T}\"", #""acc "+{acc:.2%}+" at T="+{T}"#), ("\"{{}}\"", #""{}""#), ("\"\"", "\"\""),
    ("\"{f(\"in {x}\")}!\"", #"{(call f "in "+{x})}+"!""#), ("\"{x[1:2]:>8}\"", "{x[1:2:]: >8}"),
    ("\"{ {a: 1}.a }\"", "{{a:1}.a}"),
    ("\"\"\"\na \"quoted\"\nb\"\"\"", #""a \"quoted\"\nb""#), ("\"\"\"{a}\n{b}\"\"\"", #"{a}+"\n"+{b}"#),
    ("[]", "[]"), ("[1, 2,]", "[1 2]"), ("[*xs, 1]", "[*xs 1]"), ("{}", "{}"),
    ("{a: 1, \"b c\": 2, ...r, d}", "{a:1 b c:2 ...r d:d}"), ("{if: 1, in: 2}", "{if:1 in:2}"),
    ("[f(t) for t in grid if t > 1]", "[(call f t) (for t grid) (if (t > 1))]"),
    ("[a * b for a, b in ps for c in a if c]", "[(* a b) (for [a b] ps) (for c a) (if c)]"),
    ("(1, 2)", "(group [1 2])"), ("1, 2", "[1 2]"),
  ])
  func literals(text: String, expected: String) { #expect(tree(text) == expected) }

  @Test(arguments: [
    ("f()", "(call f)"), ("f(x, eps=8/255)", "(call f x eps=(/ 8 255))"), ("f(*xs, a=1, **o)", "(call f *xs a=1 **o)"),
    ("sweep(T=[1], (T, s) => { T })", "(call sweep T=[1] (fn (T s) {T}))"),
    ("x.f(a).g", "(x.f a).g"), ("x.in", "x.in"),
    ("x[2:5, ::2, ..., none, mask, -1]", "x[2:5:,::2,...,none,mask,(- 1)]"),
    ("x[:]", "x[::]"), ("x[a:b:c]", "x[a:b:c]"), ("x[1:]", "x[1::]"), ("f (x)", "(call f x)"),
    ("x => x*2", "(fn (x) (* x 2))"), ("(a, b=1, *c, **d) => a", "(fn (a b=1 *c **d) a)"), ("() => 1", "(fn () 1)"),
    ("x => {a: x}", "(fn (x) {a:x})"), ("x => {a, b}", "(fn (x) {a:a b:b})"), ("x => { a }", "(fn (x) {a})"),
    ("x => {}", "(fn (x) {})"), ("x => { a, b = x; a }", "(fn (x) {(= [a b] x); a})"),
    ("x => {...r}", "(fn (x) {...r})"),
    ("x => { \"{y}\" }", "(fn (x) {{y}})"), ("fn(x) { x }", "(fn (x) {x})"), ("x => y => x", "(fn (x) (fn (y) x))"),
    (
      "fn f(T: float > 0 = 1, n: int | none = none) -> list[tensor] { T }",
      "(fn f (T:float>0=1 n:int|none=none) -> list[tensor] {T})"
    ),
    ("fn f(x: tensor[n, 3, ...], r: string in [\"a\"]) { }", "(fn f (x:tensor[n,3,...] r:stringin[\"a\"]) {})"),
    ("fn f(p: float >= 0 <= 1, *xs, axis=0) { }", "(fn f (p:float>=0<=1 *xs axis=0) {})"),
    ("if a { 1 } else if b { 2 } else { 3 }", "(if a {1} b {2} else {3})"),
    ("x = if a { 1 } else { 2 }", "(= x (if a {1} else {2}))"),
    ("try { f() } catch e { g(e) }", "(try {(call f)} e {(call g e)})"),
    ("try { f() } catch { 1 }", "(try {(call f)} _ {1})"),
  ])
  func callsAndFunctions(text: String, expected: String) { #expect(tree(text) == expected) }

  @Test(arguments: [
    ("x = 1", "(= x 1)"), ("const k = 3", "(const = k 3)"), ("outer x = 1", "(outer = x 1)"),
    ("outer x += 1", "(outer += x 1)"),
    ("x **= 2", "(**= x 2)"), ("x //= 2; y @= w", "(//= x 2)\n(@= y w)"), ("a, b = f()", "(= [a b] (call f))"),
    ("[a, [b, *c]] = x", "(= [a [b *c]] x)"), ("(a, b) = x", "(= [a b] x)"), ("a, b = b, a", "(= [a b] [b a])"),
    ("*a, b = x", "(= [*a b] x)"), ("{x, y: z} = r", "(= {x:x y:z} r)"), ("x[0], r.a = 1, 2", "(= [x[0] r.a] [1 2])"),
    ("x[0] = 1", "(= x[0] 1)"), ("r.name = 1", "(= r.name 1)"), ("for x in xs { f(x) }", "(for x xs {(call f x)})"),
    ("for x, y in xs { }", "(for [x y] xs {})"), ("for (x, [y, z]) in xs { }", "(for [x [y z]] xs {})"),
    ("for {a, b: c} in xs { }", "(for {a:a b:c} xs {})"), ("for x in 1, 2 { }", "(for x [1 2] {})"),
    ("while true { break; continue }", "(while true {(break); (continue)})"), ("return", "(return)"),
    ("return a, b", "(return [a b])"), ("fn f() { return }", "(fn f () {(return)})"),
    ("import attacks", "(import attacks attacks)"), ("import attacks as a", "(import attacks a)"),
    ("import \"lib/metrics.ltd\"", "(import \"lib/metrics.ltd\" metrics)"),
    ("import \"lib/my metrics.ltd\" as m", "(import \"lib/my metrics.ltd\" m)"),
    ("a; b;", "a\nb"), (";;a", "a"),
  ])
  func statements(text: String, expected: String) { #expect(tree(text) == expected) }

  @Test(arguments: [
    ("a\nb", "a\nb"), ("a +\nb", "(+ a b)"), ("a\n+ b", "a\n(+ b)"), ("a\n- b", "a\n(- b)"),
    ("f(a\n+ b\n,\nc\n)", "(call f (+ a b) c)"),
    ("a\n  .f()\n  .g", "(a.f).g"), ("a\n  |> f\n  |> g", "(|> (|> a f) g)"), ("a\n(b)", "a\n(group b)"),
    ("a\n[0]", "a\n[0]"),
    ("x =\n1", "(= x 1)"), ("x =>\n1", "(fn (x) 1)"), ("a,\nb = c", "(= [a b] c)"), ("[1,\n2\n]", "[1 2]"),
    ("if a { 1 }\nelse { 2 }", "(if a {1} else {2})"), ("if a\n{ 1 }", "(if a {1})"),
    ("try { 1 }\ncatch e { 2 }", "(try {1} e {2})"),
    ("f(x => {\na\nb\n})", "(call f (fn (x) {a; b}))"),
    ("f(if a {\nb\n-c\n} else { d })", "(call f (if a {b; (- c)} else {d}))"),
    ("{a:\n1\n,\nb\n: 2}", "{a:1 b:2}"), ("a\n# comment\nb", "a\nb"), ("a # c\n# d\n.f", "a.f"),
    ("\u{FEFF}a\r\nb\r\n", "a\nb"),
    ("return\nx", "(return)\nx"), ("1\n..2", "error: a range needs a start"), ("x = 1..\n3", "(= x (1..3))"),
  ])
  func lines(text: String, expected: String) { #expect(tree(text) == expected) }

  /// What stands within each other without brackets counts as nesting too: nobody writes it, but programs do.
  @Test func chainsHaveAnEnd() {
    for text in [
      Array(repeating: "if x { 1 }", count: 100_000).joined(separator: " else "),
      "[1 " + String(repeating: "for x in y ", count: 100_000) + "]",
      "[1 for x in y " + String(repeating: "if x ", count: 100_000) + "]",
    ] {
      #expect(tree(text).hasPrefix("error: this expression has too many steps"))
    }
  }

  /// Time that grows with the square of these would be minutes.
  @Test func longListsOfNames() {
    let begin = threadSeconds()
    for text in [
      "f(" + (0..<50_000).map { "a\($0)=1" }.joined(separator: ", ") + ")",
      "fn f(" + (0..<50_000).map { "a\($0)" }.joined(separator: ", ") + ") { }",
    ] {
      #expect(parse(Source(name: "test", text: text)).diagnostics.isEmpty)
    }
    #expect(threadSeconds() - begin < 60)
  }
}
