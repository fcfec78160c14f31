import Syntax
import TestSupport
import Testing

@Suite struct FormatterTests {
  private func formatted(_ text: String, width: Int = 100) -> String {
    do throws(LTDError) {
      return try format(Source(name: "test", text: text), width: width)
    } catch {
      return error.diagnostic.render()
    }
  }

  @Test(arguments: [
    ("", ""), ("\n\n", ""), ("x=1", "x = 1\n"), ("x  =  1 ;y=2;", "x = 1; y = 2;\n"), ("a,b=b,a", "a, b = b, a\n"),
    ("f( a ,* c,b = 8/255,** d )", "f(a, *c, b=8/255, **d)\n"), ("x=a*b+c/d-e%2", "x = a * b + c / d - e % 2\n"),
    ("x ** 2 + y**-1", "x**2 + y**-1\n"), ("- x", "-x\n"), ("not  x", "not x\n"), ("1 .. 10 by 2", "1..10 by 2\n"),
    ("0..n-1", "0 .. n - 1\n"),
    ("x[ 1 : 2 , : , ... ]", "x[1:2, :, ...]\n"), ("x[i+1:]", "x[i + 1 :]\n"), ("x [0] (1)", "x[0](1)\n"),
    ("x . f ( ) . g", "x.f().g\n"),
    ("{a:1,\"b\" : 2,...r,c}", "{a: 1, \"b\": 2, ...r, c}\n"), ("[ 1,2, ]", "[1, 2,]\n"), ("( 1,2 )", "(1, 2)\n"),
    ("[]", "[]\n"), ("{ }", "{}\n"),
    ("[ x*2 for x , y in zs if x ]", "[x * 2 for x, y in zs if x]\n"), ("x=>x*2", "x => x * 2\n"),
    ("( a,b=1 )=>{ a }", "(a, b=1) => { a }\n"),
    ("fn  f( a:float>0=1 , * r )->int|none { a }", "fn f(a: float > 0 = 1, *r) -> int | none { a }\n"),
    ("x not  in y", "x not in y\n"),
    ("if a{1}else  if b{2}else{3}", "if a { 1 } else if b { 2 } else { 3 }\n"), ("if a {\n}", "if a {}\n"),
    ("try{a}catch e{b}", "try { a } catch e { b }\n"),
    ("for  x,y in  z{f(x)}", "for x, y in z { f(x) }\n"), ("while a{\nb}", "while a {\n  b\n}\n"),
    ("import  \"a.ltd\"  as  b", "import \"a.ltd\" as b\n"),
    ("const  k=3", "const k = 3\n"), ("outer x+=1", "outer x += 1\n"), ("x|>f|>g( 1 )", "x |> f |> g(1)\n"),
    ("x\n|>f\n  |>g", "x\n  |> f\n  |> g\n"),
    ("-9223372036854775808", "-9223372036854775808\n"), ("\"a {x+1:.2f}  b\"", "\"a {x+1:.2f}  b\"\n"),
    ("x=1#c", "x = 1  #c\n"),
    ("x = {}\n{a,b:c}=r", "x = {}\n{a, b: c} = r\n"), ("*a,b=c", "*a, b = c\n"), ("(a,b)=c", "(a, b) = c\n"),
    ("[a,[b,*c]]=d", "[a, [b, *c]] = d\n"),
    ("5 . # c\nabs()", "5 .  # c\nabs()\n"), ("5 .\n# c\nabs()", "5 .\n# c\nabs()\n"),
    ("{a,\"b c\":d}=r", "{a, \"b c\": d} = r\n"),
    ("x=\"\"\"a\r\nb\"\"\"\r\ny=1\r\n", "x = \"\"\"a\nb\"\"\"\ny = 1\n"),
    ("fn f( x:tensor[ n , 3 ] )->list[ tensor[n] ]{ x }", "fn f(x: tensor[n, 3]) -> list[tensor[n]] { x }\n"),
  ])
  func spacing(text: String, expected: String) { #expect(formatted(text) == expected) }

  @Test func blankLinesAndComments() {
    let text = """


      # first


      x=1   # one
      # between

      fn f(a)   {

          # inside
        y=a # y


        # before the last
        y

        # at the end

      }
      if a { # why
      b
      }   # done
      # after
      else { c }
      z = [ # open
      1, # one
      # two
      2
      # end
      ]
      # last
      """
    #expect(
      formatted(text) == """
        # first

        x = 1  # one
        # between

        fn f(a) {
          # inside
          y = a  # y

          # before the last
          y

          # at the end
        }
        if a {  # why
          b
        }  # done
        # after
        else {
          c
        }
        z = [  # open
          1,  # one
          # two
          2
          # end
        ]
        # last

        """)
  }

  @Test(arguments: [
    "print(add(1))  # one\n", "x = [1, [2, 3], {a: f(4)}]  # one\n", "fn f(x) { x }  # note\n",
    "f = x => { x }  # note\n",
    "if a { b }  # note\n", "if a { b } else if c { d } else { e }  # note\n",
    "x = if a { [1] } else { [2] }  # note\n",
    "try { a } catch e { b }  # note\n", "for x in [1, 2] { f(x) }  # note\n", "while f(a) { b }  # note\n",
    "x |> f(1) |> g(2)  # note\n", "x.f(1).g([2])  # note\n", "x = a + f(b) * c  # note\n", "(a, b) = (c, d)  # note\n",
    "x[f(1), 2:3] = [i * 2 for i in y if i]  # note\n", "f(a, x => { x })  # note\n", "f(a, {b: 1})  # note\n",
    "print(f(1))  # expect: 1\nprint(f(2))  # expect: 2\n",
    "fn f(x) {\n  g(x)  # one\n  return [x]  # two\n}  # three\n",
    "x = [\n  [1, 2],  # one\n  f(3),  # two\n  {a: 4}  # three\n]  # four\n",
    "x = {\n  a: [1, 2],  # one\n  b: x => { x },  # two\n  c: if d { 1 } else { 2 }  # three\n}  # four\n",
    "f([1])  # \(String(repeating: "long ", count: 30))end\n",
  ])
  func trailingCommentsBreakNothing(text: String) {
    #expect(formatted(text) == text)
    #expect(Self.problem(with: text) == nil)
  }

  @Test func trailingCommentsStayWithTheirTokens() {
    let text = """
      f(a, [1], # one
      [2])# two
      f(a, # one
      x => { x })
      x = [1]+ # one
      [2]
      x|>f(1) # one
      |>g([2]) # two
      if a { [1] } # one
      else { [2] } # two
      total(first_argument, second_argument) # three
      """
    #expect(
      formatted(text, width: 30) == """
        f(
          a,
          [1],  # one
          [2]
        )  # two
        f(
          a,  # one
          x => { x }
        )
        x = [1] +  # one
          [2]
        x
          |> f(1)  # one
          |> g([2])  # two
        if a {
          [1]
        }  # one
        else {
          [2]
        }  # two
        total(
          first_argument,
          second_argument
        )  # three

        """)
    #expect(Self.problem(with: text) == nil)
  }

  @Test func longLinesBreakWhereTheyMay() {
    let text = """
      fit(student, train, method=ltd(teacher, temperature=3, beta=6), attack=pgd(eps=8/255, steps=10), epochs=10, seed=1)
      sweep(T=[1, 2, 3, 5, 10], seed=0..3, (T, seed) => { a = f(T); b = g(seed)
      {acc: a, robust: b} }).plot(x="T", y="robust")
      total = first_summand_with_a_long_name + second_summand_with_a_long_name * third_factor_with_a_long_name - last
      if condition_number_one_is_long and condition_number_two_is_long or condition_number_three_is_long_too and d {
      x }
      table.where(x => x.accuracy > 0.5).sort("accuracy").group("method").describe(columns=["accuracy", "robust"]).save("t.csv")
      evaluate(model, test, {name: "a long value for the name of this run", attacks: [fgsm(), pgd(steps=20)], eps: 8/255})
      """
    #expect(
      formatted(text) == """
        fit(
          student,
          train,
          method=ltd(teacher, temperature=3, beta=6),
          attack=pgd(eps=8/255, steps=10),
          epochs=10,
          seed=1
        )
        sweep(T=[1, 2, 3, 5, 10], seed=0..3, (T, seed) => {
          a = f(T); b = g(seed)
          {acc: a, robust: b}
        }).plot(x="T", y="robust")
        total = first_summand_with_a_long_name +
          second_summand_with_a_long_name * third_factor_with_a_long_name -
          last
        if condition_number_one_is_long and condition_number_two_is_long or
            condition_number_three_is_long_too and d {
          x
        }
        table
          .where(x => x.accuracy > 0.5)
          .sort("accuracy")
          .group("method")
          .describe(columns=["accuracy", "robust"])
          .save("t.csv")
        evaluate(model, test, {
          name: "a long value for the name of this run",
          attacks: [fgsm(), pgd(steps=20)],
          eps: 8/255
        })

        """)
  }

  @Test func textWithErrorsIsLeftAlone() {
    #expect(formatted("x = = 1").hasPrefix("error: `=` sets"))
  }

  @Test func randomProgramsKeepTheirMeaning() {
    for seed in FuzzTests.seeds(400) {
      var generator = ProgramGenerator(seed: seed)
      let text = generator.program()
      if let problem = Self.problem(with: text) {
        Issue.record("seed \(seed): \(problem)\n\(text)")
        return
      }
    }
  }

  static func problem(with text: String) -> String? { layoutProblem(of: parse(Source(name: "test", text: text))) }
}
