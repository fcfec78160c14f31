def main():
    state = 1
    numbers = []
    for i in range(300_000):
        state = state * 1103515245 % 2147483648 + 12345
        numbers.append(state)
    ascending = sorted(numbers)
    by_digits = sorted(numbers, key=lambda x: x % 1000)
    words = sorted(str(x) for x in numbers)
    print(ascending[1000], by_digits[150_000], words[2000])


main()
