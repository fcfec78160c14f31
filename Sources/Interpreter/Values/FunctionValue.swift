/// A function: a built-in, one written in the language with what it captured, or a host object's method.
public final class FunctionValue: Heap {
  public let name: String

  init(name: String) { self.name = name }
}
