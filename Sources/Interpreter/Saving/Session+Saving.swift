import Base

extension Session {
  /// All variables and modules with what they hold, to be written or handed to another session.
  ///
  /// - Parameters:
  ///   - names: the variables; all when left out.
  ///   - extras: further values under names of their own, which `restore` returns.
  ///   - isAtWork: whether the session runs something meanwhile: then only what the moment holds is looked at, and what it
  ///     could not hold is left out.
  ///   - comparing: whether the graph is only to be compared with that of another session: functions are known by their
  ///     texts then, modules by their names, and times are left out.
  ///   - moment: the variables as they were at an earlier moment; as they are now when left out. With it, any thread may
  ///     call this while the session's own is at work.
  public func saved(
    _ names: Set<String>? = nil, extras: [(String, Value)] = [], at moment: SessionMoment? = nil,
    isAtWork: Bool = false, comparing: Bool = false
  ) throws(CoreError) -> SavedGraph {
    let moment = moment ?? self.moment()
    let saver = Saver(table: table, globals: globals, points: moment.points)
    saver.isComparing = comparing
    if !comparing { for module in moment.modules { saver.add(module) } }
    var omitted: [(name: String, reason: String)] = []
    typealias Root = (name: String, isConstant: Bool, bytes: [UInt8])
    func roots(_ variables: [SessionMoment.Variable], _ prefix: String) throws(CoreError) -> [Root] {
      var list: [Root] = []
      for variable in variables {
        do throws(CoreError) {
          let bytes = try saver.save(root: prefix + variable.name, variable.value)
          list.append((variable.name, variable.isConstant, bytes))
        } catch {
          if [.interrupted, .limit, .memory].contains(error.kind) { throw error }
          omitted.append((prefix + variable.name, error.message))
        }
      }
      return list
    }
    var all: [[Root]] = []
    var own = moment.variables
    if let names { own = own.filter { names.contains($0.name) } }
    if isAtWork {
      let lost = Set(moment.omitted.map(\.name))
      own = own.filter { !lost.contains($0.name) }
      omitted += moment.omitted
    }
    own += extras.map {
      SessionMoment.Variable(name: "\(Loader.extraMark)\($0.0)", value: $0.1, isConstant: false)
    }
    all.append(try roots(own, ""))
    var index = 0
    // Functions may bring further modules along.
    while index < saver.modules.count {
      let module = saver.modules[index]
      let variables = moment.variables(of: module.globals)
      all.append(try roots(variables, module.name + "."))
      index += 1
    }
    var graph = saver.graph(all)
    graph.omitted = omitted
    return graph
  }

  /// Takes the variables and modules of a graph instead of its own; when it throws, nothing has changed.
  ///
  /// - Returns: the extras that were saved along.
  @discardableResult
  public func restore(_ graph: SavedGraph) throws(CoreError) -> [String: Value] {
    let loader = try load(graph)
    globals.takeOver(loader.globals.cells)
    return loader.extras
  }

  /// Makes the values of a graph, with its modules in place of this session's; when it throws, these are as before.
  func load(_ graph: SavedGraph) throws(CoreError) -> Loader {
    let before = modules
    let loader = Loader(graph, self)
    let result: Result<Void, CoreError> = enterThread {
      do throws(CoreError) {
        try loader.load { modules in
          let table = Modules(self)
          for (key, module) in modules where !key.isEmpty { table.add(module, key: key) }
          self.modules = table
        }
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    do throws(CoreError) { try result.get() } catch {
      modules = before
      throw error
    }
    return loader
  }

  /// Compiles a program that has run once, for the functions in it.
  ///
  /// - Parameter known: the names that were variables outside of it.
  func compileAgain(
    _ source: Source, _ globals: Globals, known: Set<String>, lines: LineProfile? = nil
  ) throws(CoreError) -> [Span: Code] {
    let program = parse(source)
    func refused(_ diagnostic: Diagnostic) -> CoreError {
      CoreError(
        .io, "the functions of \(source.name) cannot be compiled by this ltd: \(diagnostic.message)",
        hint: "another version has written it")
    }
    if let first = program.diagnostics.first { throw refused(first) }
    let compiler = Compiler(program, session: self, globals: globals, known: known)
    compiler.lines = lines
    _ = compiler.compile(program)
    if let first = compiler.diagnostics.first { throw refused(first) }
    return compiler.codes
  }
}
