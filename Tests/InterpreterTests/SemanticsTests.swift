import Interpreter
import Testing

/// What programs compute: source on the left, what it prints or gives on the right.
@Suite struct SemanticsTests {
  @Test(arguments: [
    ("1 + 2 * 3", "7"), ("7 / 2", "3.5"), ("6 / 3", "2.0"), ("7 // 2", "3"), ("-7 // 2", "-4"), ("-7 % 3", "2"),
    ("7 % -3", "-2"), ("7.5 // 2", "3.0"), ("-7.5 % 2", "0.5"), ("2 ** 10", "1024"), ("2 ** -1", "0.5"),
    ("-2 ** 2", "-4"), ("2.0 ** 3", "8.0"), ("8/255", "0.03137254901960784"), ("1 + 2.5", "3.5"), ("1e3", "1000.0"),
    ("1_000", "1000"), ("0xff", "255"), ("1e-5", "1e-05"), ("9007199254740993 == 9007199254740992.0", "false"),
    ("(-3) ** 3", "-27"), ("(-1) ** 1000001", "-1"), ("0 ** 0", "1"),
  ])
  func arithmetic(_ source: String, _ expected: String) { #expect(run(source) == expected) }

  @Test(arguments: [
    ("1 < 2 < 3", "true"), ("1 < 3 < 2", "false"), ("1 == 1.0", "true"), ("\"a\" < \"b\"", "true"),
    ("1 == \"1\"", "false"),
    ("[1, [2]] == [1, [2.0]]", "true"), ("[1, 2] < [1, 3]", "true"), ("{a: 1, b: 2} == {b: 2, a: 1}", "true"),
    ("none == none", "true"), ("nan == nan", "false"), ("nan < 1", "false"), ("1..3 == [1, 2, 3]", "true"),
    ("3 in [1, 2, 3]", "true"), ("4 in 1..3", "false"), ("2.0 in 1..3", "true"), ("\"b\" in \"abc\"", "true"),
    ("\"a\" in {a: 1}", "true"), ("5 not in [5]", "false"), ("not true", "false"), ("true and false or true", "true"),
    ("false and 1 / 0 == 1", "false"),
  ])
  func comparisonAndLogic(_ source: String, _ expected: String) { #expect(run(source) == expected) }

  @Test(arguments: [
    ("\"T = {1 + 1}\"", "T = 2"), ("'{raw}'", "{raw}"), ("\"{{}}\"", "{}"), ("\"{0.12345:.2%}\"", "12.35%"),
    ("\"{3.14159:.3f}\"", "3.142"), ("\"{7:04d}\"", "0007"), ("\"[{\"x\":>5}]\"", "[    x]"),
    ("\"[{\"x\":<3}]\"", "[x  ]"),
    ("\"[{\"x\":^5}]\"", "[  x  ]"), ("\"{1234567:,}\"", "1,234,567"), ("\"{1234.5:,.2f}\"", "1,234.50"),
    ("\"{255:x} {255:b} {255:#x}\"", "ff 11111111 0xff"), ("\"{1e10:g}\"", "1e+10"), ("\"{12.5:e}\"", "1.250000e+01"),
    ("\"{2:+d} {-2:+d}\"", "+2 -2"), ("\"{2.0} {true} {none} {[1, \"a\"]}\"", "2.0 true none [1, \"a\"]"),
    ("\"{-5:06.1f}\"", "-005.0"), ("\"{\"héllo\":.2}\"", "hé"), ("\"{inf:08.2f}\"", "00000inf"),
  ])
  func interpolation(_ source: String, _ expected: String) { #expect(run(source) == expected) }

  @Test(arguments: [
    ("[1, 2, 3][0]", "1"), ("[1, 2, 3][-1]", "3"), ("[1, 2, 3, 4][1:3]", "[2, 3]"), ("[1, 2, 3][::-1]", "[3, 2, 1]"),
    ("[1, 2, 3, 4][::2]", "[1, 3]"), ("[1, 2][5:]", "[]"), ("\"héllo\"[1]", "é"), ("\"hello\"[1:3]", "el"),
    ("\"τε日本\"[::-1]", "本日ετ"), ("(1..10)[2:4]", "3..4"), ("(1..10)[::-3]", "10..1 by -3"), ("(0..9)[-1]", "9"),
    ("{a: 1}[\"a\"]", "1"), ("[1] + [2]", "[1, 2]"), ("[0] * 3", "[0, 0, 0]"), ("\"ab\" * 2", "abab"),
    ("[*[1, 2], 3]", "[1, 2, 3]"), ("{...{a: 1}, b: 2}", "{a: 1, b: 2}"), ("list(1..10 by 4)", "[1, 5, 9]"),
    ("list(5..1 by -2)", "[5, 3, 1]"), ("list(3..1)", "[]"), ("{\"a b\": 1}", "{\"a b\": 1}"), ("x = 1; {x}", "{x: 1}"),
  ])
  func containers(_ source: String, _ expected: String) { #expect(run(source) == expected) }

  @Test(arguments: [
    ("[x * x for x in 1..4 if x > 1]", "[4, 9, 16]"),
    ("[[a, b] for a in 1..2 for b in [3, 4]]", "[[1, 3], [1, 4], [2, 3], [2, 4]]"),
    ("[k for k, v in {a: 1, b: 2} if v > 1]", "[\"b\"]"),
    ("x = 5; ys = [x for x in 1..3]; [x, ys]", "[5, [1, 2, 3]]"),
    ("[f() for f in [() => i for i in 0..2]]", "[0, 1, 2]"),
    ("[[j for j in 1..i] for i in 1..3]", "[[1], [1, 2], [1, 2, 3]]"),
  ])
  func comprehensions(_ source: String, _ expected: String) { #expect(run(source) == expected) }

  @Test(arguments: [
    ("a, b = 1, 2; [a, b]", "[1, 2]"), ("a, *r = [1, 2, 3]; r", "[2, 3]"), ("*r, z = 1..3; [r, z]", "[[1, 2], 3]"),
    ("a, [b, c] = [1, [2, 3]]; a + b + c", "6"), ("{x, y: z} = {x: 1, y: 2}; [x, z]", "[1, 2]"),
    ("a, b = 1, 2; a, b = b, a; [a, b]", "[2, 1]"),
    ("xs = [0, 0]; xs[0], xs[1] = 1, 2; xs", "[1, 2]"),
    ("for i, x in enumerate([\"a\", \"b\"]) { print(i, x) }", "0 a\n1 b\n"),
    ("for name, v in {a: 1} { print(name, v) }", "a 1\n"), ("for name in {a: 1} { print(name) }", "a\n"),
  ])
  func destructuring(_ source: String, _ expected: String) { #expect(run(source) == expected) }

  @Test(arguments: [
    ("x = [1, 2]; y = x; y[0] = 9; [x, y]", "[[1, 2], [9, 2]]"),
    ("r = {a: {b: [1]}}; s = r; s.a.b[0] = 5; [r.a.b[0], s.a.b[0]]", "[1, 5]"),
    ("fn f(xs) { xs[0] = 9; xs }; x = [1]; [f(x), x]", "[[9], [1]]"),
    ("x = [1, 2, 3]; for v in x { x[0] = 7 }; x", "[7, 2, 3]"),
    ("x = [[0]] * 2; x[0][0] = 1; x", "[[1], [0]]"),
    ("x = [1, 2, 3, 4]; x[1:3] = [9]; x", "[1, 9, 4]"),
    ("x = [1, 2, 3, 4]; x[::2] = [0, 0]; x", "[0, 2, 0, 4]"),
    ("r = {}; r.a = 1; r[\"b\"] = 2; r", "{a: 1, b: 2}"),
    ("r = {n: 1}; r.n += 2; r.n", "3"),
    ("x = [1]; x[0] *= 5; x", "[5]"),
    ("a = \"x\"; b = a; a += \"y\"; [a, b]", "[\"xy\", \"x\"]"),
    ("a = [1]; b = a; a += [2]; [a, b]", "[[1, 2], [1]]"),
    ("a = [1]; b = a; a = append(a, 2); [a, b]", "[[1, 2], [1]]"),
    ("a = [1]; a = a + a; a += a; a", "[1, 1, 1, 1]"),
    ("a = \"ab\"; a += a; a", "abab"),
  ])
  func valuesAreCopiedWhenShared(_ source: String, _ expected: String) { #expect(run(source) == expected) }

  @Test(arguments: [
    ("fn f(x, T=2) { x * T }; [f(1), f(1, 5), f(1, T=3), 1.f(T=4)]", "[2, 5, 3, 4]"),
    ("fn f(a, *r, k=0, **o) { [a, r, k, o] }; f(1, 2, 3, k=4, z=5)", "[1, [2, 3], 4, {z: 5}]"),
    ("fn f(a, b) { a - b }; f(*[5, 3]) + f(**{b: 1, a: 2})", "3"),
    ("fn f(xs=[]) { xs = append(xs, 1); xs }; f(); f()", "[1]"),
    ("fn f(a, b=a * 2) { b }; f(4)", "8"),
    ("fn fib(n) { if n < 2 { return n }\n fib(n - 1) + fib(n - 2) }; fib(15)", "610"),
    (
      "fn even(n) { if n == 0 { true } else { odd(n - 1) } }\nfn odd(n) { if n == 0 { false } else { even(n - 1) } }\neven(10)",
      "true"
    ),
    ("(x => x + 1)(2)", "3"), ("f = fn(x) { x + 1 }; f(2)", "3"), ("5 |> str |> len", "1"),
    ("fn g(x, k) { x * k }; 5 |> g(k=3)", "15"), ("[3, 1, 2] |> sort |> (xs => xs[0])", "1"),
    ("fn s(n, body) { body(n) }; s(n=3, x => x * 2)", "6"),
    ("r = {f: x => x + 1, n: 2}; r.f(1) + r.n", "4"), ("r = {len: 5}; [r.len, r.len()]", "[5, 1]"),
    ("h = [1, 2].len; h()", "2"), ("max = max([1, 5, 2]); max", "5"), ("len = 3; len([1, 2])", "2"),
    ("fn f() { for i in 1..10 { if i == 3 { return i } }\n 0 }; f()", "3"),
    ("fn f() { while true { try { return 7 } catch e { } } }; f()", "7"),
    ("fn f() { }; f()", ""), ("fn f(_, _) { 1 }; f(2, 3)", "1"),
  ])
  func functions(_ source: String, _ expected: String) { #expect(run(source) == expected) }

  @Test(arguments: [
    (
      "fn counter() { n = 0\n fn next() { outer n = n + 1\n n }\n next }\nc = counter(); d = counter(); c(); [c(), d()]",
      "[2, 1]"
    ),
    ("fn a() { x = 1\n f = () => x\n x = 2\n f() }; a()", "2"),
    ("n = 0; fn bump() { outer n += 1 }; bump(); bump(); n", "2"),
    ("fn f(x) { g = () => x * 2\n x = 5\n g() }; f(1)", "10"),
    ("fn f() { fn g(n) { if n == 0 { 0 } else { n + g(n - 1) } }\n g(4) }; f()", "10"),
    ("fn f(x) { () => { () => x } }; f(3)()()", "3"),
    ("fn f(k) { [x => x + k for i in 1..2] }; [h(1) for h in f(10)]", "[11, 11]"),
    ("xs = [1]; fn set() { outer xs[0] = 5 }; set(); xs", "[5]"),
  ])
  func closures(_ source: String, _ expected: String) { #expect(run(source) == expected) }

  @Test(arguments: [
    ("x = if 1 < 2 { \"a\" } else { \"b\" }; x", "a"), ("x = if false { 1 }; x", ""),
    ("s = 0; for i in 1..10 { if i % 2 == 0 { continue }\n if i > 7 { break }\n s += i }; s", "16"),
    ("i = 0; while i < 3 { i += 1 }; i", "3"), ("for i in range(3) { }; i", "2"),
    ("x = try { 1 / 0 } catch e { e.kind }; x", "numeric"),
    (
      "try { error(\"boom\", hint=\"h\") } catch e { [e.kind, e.message, e.hint, e.line] }",
      "[\"error\", \"boom\", \"h\", 1]"
    ),
    ("try { try { 1 / 0 } catch e { error(\"again\") } } catch e { e.message }", "again"),
    ("for c in \"aτ\" { print(c) }", "a\nτ\n"), ("exit(3)", "exit 3"), ("try { exit(2) } catch e { 1 }", "exit 2"),
    ("const k = 3; k", "3"), ("1;", "1"),
  ])
  func controlFlow(_ source: String, _ expected: String) { #expect(run(source) == expected) }
}
