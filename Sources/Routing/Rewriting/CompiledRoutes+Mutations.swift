import Bytes
import HTTP

extension CompiledRoutes {
    func mutateRequest(
        _ fields: inout Fields, of route: RouteNumber, destination: Destination
    ) {
        if mutations.isEmpty { return }
        mutate(
            &fields, shared: routes[Int(route.value)].requestMutations,
            own: entries[Int(destination.entry)].requestMutations)
    }

    func mutateResponse(
        _ fields: inout Fields, of route: RouteNumber, destination: Destination?
    ) {
        if mutations.isEmpty { return }
        let own = destination.map { entries[Int($0.entry)].responseMutations } ?? 0..<0
        mutate(&fields, shared: routes[Int(route.value)].responseMutations, own: own)
    }

    /// Makes the changes of a split's entry, `own`, and those of the levels above it.
    private func mutate(_ fields: inout Fields, shared: Range<Int32>, own: Range<Int32>) {
        if !mostSpecificMutationsComeLast {
            for index in own { apply(mutations[Int(index)], to: &fields) }
        }
        for index in shared { apply(mutations[Int(index)], to: &fields) }
        if mostSpecificMutationsComeLast {
            for index in own { apply(mutations[Int(index)], to: &fields) }
        }
    }

    private func apply(_ mutation: MutationRecord, to fields: inout Fields) {
        let name = text[mutation.name]
        switch mutation.kind {
        case .append:
            break
        case .addIfAbsent:
            if fields.firstIndex(named: name) != nil { return }
        case .overwriteIfExists:
            if fields.firstIndex(named: name) == nil { return }
            remove(name, from: &fields)
        case .overwrite:
            remove(name, from: &fields)
        case .remove:
            remove(name, from: &fields)
            return
        }
        fields.append(name: name, value: text[mutation.value])
    }

    private func remove(_ name: Span<UInt8>, from fields: inout Fields) {
        var index = fields.count
        while index > 0 {
            index -= 1
            if fields.name(at: index).equalsIgnoringCase(name) { fields.remove(at: index) }
        }
    }
}
