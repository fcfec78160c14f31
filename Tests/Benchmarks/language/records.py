def main():
    points = [{"x": i, "y": i % 10, "name": "p"} for i in range(200_000)]
    for point in points:
        point["x"] += point["y"]
    counts = {}
    for i in range(500_000):
        key = "k" + str(i % 5000)
        counts[key] = counts.get(key, 0) + 1
    print(sum(point["x"] for point in points) + len(counts) + counts["k7"])


main()
