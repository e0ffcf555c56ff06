/// Runs one operation of the request path many times, so that an instrument can count what it costs.
///
/// `micro-benchmarks` lists the operations with a useful number of runs each;
/// `micro-benchmarks NAME COUNT` runs one. What preparing costs falls out of the difference between
/// two counts.
@main struct Micro {
    static func main() throws {
        let arguments = CommandLine.arguments
        if arguments.count == 3, let count = Int(arguments[2]), count >= 0,
            let operation = operations.first(where: { $0.name == arguments[1] })
        {
            print(try operation.run(count))
        } else {
            for operation in operations { print(operation.name, operation.usualCount) }
        }
    }

    private static var operations: [Operation] {
        codecOperations + routingOperations + otherOperations
    }
}

/// Something to be measured.
struct Operation {
    let name: String
    /// How many runs make what is random in them even out.
    let usualCount: Int
    /// Prepares, runs the operation that often, and returns a number made from all results.
    let run: (Int) throws -> UInt64

    init(_ name: String, usualCount: Int = 2000, run: @escaping (Int) throws -> UInt64) {
        self.name = name
        self.usualCount = usualCount
        self.run = run
    }
}
