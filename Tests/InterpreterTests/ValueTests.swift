import Testing

@testable import Interpreter

@Suite struct ValueTests {
  @Test func valueIsSixteenBytes() {
    #expect(MemoryLayout<Value>.size <= 16)
    #expect(MemoryLayout<Value>.stride == 16)
  }

  /// What `UnsafeMutablePointer<Value>.list` and its like rely on.
  @Test func referencesStandAtTheStart() {
    let list = ListValue([1])
    let record = RecordValue.make([("a", 1)])
    let text = StringValue("x")
    for (value, object) in [(Value.list(list), list), (.record(record), record), (.string(text), text)]
      as [(Value, AnyObject)]
    {
      let word = withUnsafeBytes(of: value) { $0.load(as: UnsafeRawPointer.self) }
      #expect(word == UnsafeRawPointer(Unmanaged.passUnretained(object).toOpaque()))
    }
  }

  @Test func literals() {
    let value: Value = ["a": [1, 2.5, true, nil, "x"]]
    #expect(value.text(PrintOptions()) == "{a: [1, 2.5, true, none, \"x\"]}")
  }

  @Test func recordsKeepOrderAndReplace() {
    var record = RecordValue.make([("b", 1), ("a", 2), ("b", 3)])
    #expect(record.keys == ["b", "a"])
    #expect(record["b"]?.asInt == 3)
    for number in 0..<40 { RecordValue.set("k\(number)", .int(number), in: &record) }
    #expect(record.count == 42)
    #expect(record["k39"]?.asInt == 39)
    let other = record
    RecordValue.set("k39", 0, in: &record)
    RecordValue.set("new", 1, in: &record)
    #expect(other["k39"]?.asInt == 39)
    #expect(other["new"] == nil)
    #expect(other.count == 42)
    #expect(record["new"]?.asInt == 1)
  }

  @Test func rangesCountWithoutOverflow() {
    #expect(RangeValue(start: 1, end: 10, step: 3)?.count == 4)
    #expect(RangeValue(start: 1, end: 0)?.count == 0)
    #expect(RangeValue(start: .min, end: .max) == nil)
    #expect(RangeValue(start: 0, end: 5, step: 0) == nil)
    #expect(RangeValue(start: .max - 1, end: .max)?.count == 2)
  }
}
