def main():
    numbers = []
    for i in range(1_000_000):
        numbers.append(i * 17 % 1000)
    squares = [x * x for x in numbers if x % 2 == 0]
    total = 0
    for i in range(len(numbers)):
        numbers[i] += 1
        total += numbers[i]
    print(len(squares) + total + sum(squares))


main()
