def main():
    parts = []
    for i in range(300_000):
        parts.append(f"item {i}")
    text = ",".join(parts)
    line = ""
    for i in range(300_000):
        line += "x"
    words = text.split(",")
    print(len(text) + len(line) + len(words))


main()
