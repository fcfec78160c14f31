def counter(step):
    count = 0

    def advance(x):
        nonlocal count
        count += step
        return x + count

    return advance


def main():
    advance = counter(3)
    twice = lambda f: lambda x: f(f(x))
    both = twice(advance)
    total = 0
    for i in range(500_000):
        total += both(i) % 1000
    print(total)


main()
