import EventJSON
import LinearExpressions

/// What is asserted of each kind of value.
extension SchemaEvaluation {
    mutating func check(_ number: JSONNumber, _ assertions: NumberAssertions) -> Bool {
        let value = ExactDecimal(number.text)
        var isValid = true
        if let minimum = assertions.minimum, value < minimum {
            report("is below \"minimum\"")
            isValid = false
        }
        if let maximum = assertions.maximum, value > maximum {
            report("is above \"maximum\"")
            isValid = false
        }
        if let minimum = assertions.exclusiveMinimum, value <= minimum {
            report("is not above \"exclusiveMinimum\"")
            isValid = false
        }
        if let maximum = assertions.exclusiveMaximum, value >= maximum {
            report("is not below \"exclusiveMaximum\"")
            isValid = false
        }
        if let divisor = assertions.divisor, !value.isMultiple(of: divisor) {
            report("is not a multiple of \"multipleOf\"")
            isValid = false
        }
        return isValid
    }

    mutating func check(_ text: String, _ assertions: TextAssertions) -> Bool {
        var isValid = true
        if assertions.minimumLength != nil || assertions.maximumLength != nil {
            let length = text.unicodeScalars.count
            if let minimum = assertions.minimumLength, length < minimum {
                report("is shorter than \(minimum) characters")
                isValid = false
            }
            if let maximum = assertions.maximumLength, length > maximum {
                report("is longer than \(maximum) characters")
                isValid = false
            }
        }
        if let pattern = assertions.pattern, !pattern.expression.matches(text) {
            report("does not match the pattern \(pattern.text)")
            isValid = false
        }
        if let format = assertions.format, !format.matches(text) {
            report("is not of the format \(format.rawValue)")
            isValid = false
        }
        return isValid
    }

    // MARK: Objects

    mutating func check(_ members: JSONObject, _ assertions: ObjectAssertions, _ seen: inout SeenParts?) -> Bool {
        var isValid = true
        func has(_ name: String) -> Bool { !members[name].isMissing }
        for name in assertions.required where !has(name) {
            report("\"\(name)\" is required")
            isValid = false
        }
        for dependent in assertions.dependentRequired where has(dependent.name) {
            for name in dependent.required where !has(name) {
                report("\"\(name)\" is required beside \"\(dependent.name)\"")
                isValid = false
            }
        }
        if assertions.minimumCount != nil || assertions.maximumCount != nil {
            let count = members.count { !$0.value.isMissing }
            if let minimum = assertions.minimumCount, count < minimum {
                report("has fewer than \(minimum) members")
                isValid = false
            }
            if let maximum = assertions.maximumCount, count > maximum {
                report("has more than \(maximum) members")
                isValid = false
            }
        }
        guard assertions.looksAtMembers else { return isValid }
        for (position, member) in members.members.enumerated() where !member.value.isMissing {
            if !isValid, !collectsIssues { return false }
            if !check(member, at: position, assertions, &seen) { isValid = false }
        }
        return isValid
    }

    private mutating func check(
        _ member: JSONObject.Member,
        at position: Int,
        _ assertions: ObjectAssertions,
        _ seen: inout SeenParts?
    ) -> Bool {
        var isValid = true
        var isKnown = false
        if let node = assertions.properties[ExactString(member.name)] {
            isKnown = true
            if !check(member.value, at: .name(member.name), node) { isValid = false }
        }
        for pattern in assertions.patterns where pattern.expression.matches(member.name) {
            isKnown = true
            if !check(member.value, at: .name(member.name), pattern.node) { isValid = false }
        }
        if !isKnown, let additional = assertions.additional {
            isKnown = true
            if !check(member.value, at: .name(member.name), additional) { isValid = false }
        }
        if isKnown { seen?.insert(position) }
        if let names = assertions.names, !check(.string(member.name), at: .name(member.name), names) {
            isValid = false
        }
        return isValid
    }

    // MARK: Arrays

    mutating func check(_ elements: [JSONValue], _ assertions: ArrayAssertions, _ seen: inout SeenParts?) -> Bool {
        var isValid = true
        if let minimum = assertions.minimumCount, elements.count < minimum {
            report("has fewer than \(minimum) elements")
            isValid = false
        }
        if let maximum = assertions.maximumCount, elements.count > maximum {
            report("has more than \(maximum) elements")
            isValid = false
        }
        if assertions.isUnique, elements.count > 1, Set(elements.map(ExactValue.init)).count < elements.count {
            report("has equal elements")
            isValid = false
        }
        for (position, element) in elements.enumerated() {
            if !isValid, !collectsIssues { return false }
            let node = position < assertions.prefix.count ? assertions.prefix[position] : assertions.rest
            guard let node else { break }
            if !check(element, at: .index(position), node) { isValid = false }
            seen?.insert(position)
        }
        if let contains = assertions.contains, !check(elements, containing: contains, &seen) { isValid = false }
        return isValid
    }

    private mutating func check(
        _ elements: [JSONValue],
        containing contains: (node: Int, minimum: Int, maximum: Int?),
        _ seen: inout SeenParts?
    ) -> Bool {
        var count = 0
        var nothing: SeenParts?
        for (position, element) in elements.enumerated() where tries(element, contains.node, &nothing) {
            count += 1
            seen?.insert(position)
        }
        if count < contains.minimum {
            report("has fewer than \(contains.minimum) elements of the kind that \"contains\" asks for")
            return false
        }
        if let maximum = contains.maximum, count > maximum {
            report("has more than \(maximum) elements of the kind that \"contains\" asks for")
            return false
        }
        return true
    }

    // MARK: Schemas for the same value

    mutating func check(_ value: JSONValue, _ applicator: InPlaceApplicator, _ seen: inout SeenParts?) -> Bool {
        switch applicator {
        case .reference(let node): return check(value, node, &seen)
        case .all(let nodes):
            var isValid = true
            for node in nodes where isValid || collectsIssues {
                if !check(value, node, &seen) { isValid = false }
            }
            return isValid
        case .any(let nodes):
            var isValid = false
            // Where somebody asks what was seen, every alternative has its say.
            for node in nodes where !isValid || seen != nil {
                if tries(value, node, &seen) { isValid = true }
            }
            if !isValid { report("is none of the alternatives of \"anyOf\"") }
            return isValid
        case .one(let nodes):
            var count = 0
            for node in nodes where tries(value, node, &seen) { count += 1 }
            if count != 1 { report("is \(count) of the alternatives of \"oneOf\", not exactly one") }
            return count == 1
        case .not(let node):
            var nothing: SeenParts?
            let isValid = !tries(value, node, &nothing)
            if !isValid { report("is what \"not\" forbids") }
            return isValid
        case .condition(let condition, let then, let otherwise):
            guard let node = tries(value, condition, &seen) ? then : otherwise else { return true }
            return check(value, node, &seen)
        case .dependent(let schemas):
            guard case .object(let members) = value else { return true }
            var isValid = true
            for schema in schemas where !members[schema.name].isMissing && (isValid || collectsIssues) {
                if !check(value, schema.node, &seen) { isValid = false }
            }
            return isValid
        }
    }
}
