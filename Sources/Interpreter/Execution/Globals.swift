/// The top-level variables of a session or a module.
final class Globals {
}
