import EventJSON
import LinearExpressions

/// What each kind of value is asserted to be.
extension SchemaCompiler {
    mutating func types(_ members: JSONObject, at place: SchemaPlace) -> SchemaTypes? {
        let value = members["type"]
        if value.isMissing { return nil }
        var types: SchemaTypes = []
        for name in value.array ?? [value] {
            guard let type = SchemaTypes.named.first(where: { $0.name == name.string })?.type else {
                let known = SchemaTypes.named.map(\.name).joined(separator: ", ")
                problem(place.path + ["type"], "\"type\" is one or more of \(known)")
                return nil
            }
            types.insert(type)
        }
        return types
    }

    mutating func enumeration(_ members: JSONObject, at place: SchemaPlace) -> Set<ExactValue>? {
        if members["enum"].isMissing { return nil }
        guard let values = members["enum"].array else {
            problem(place.path + ["enum"], "\"enum\" is an array of values")
            return nil
        }
        return Set(values.map(ExactValue.init))
    }

    mutating func numbers(_ members: JSONObject, at place: SchemaPlace) -> NumberAssertions? {
        var assertions = NumberAssertions()
        assertions.minimum = number(members, .minimum, at: place)
        assertions.maximum = number(members, .maximum, at: place)
        assertions.exclusiveMinimum = number(members, .exclusiveMinimum, at: place)
        assertions.exclusiveMaximum = number(members, .exclusiveMaximum, at: place)
        if let divisor = number(members, .multipleOf, at: place) {
            if divisor.isNegative || divisor.digits.isEmpty || divisor.digits.count > 18 {
                problem(place.path + ["multipleOf"], "\"multipleOf\" is a number above 0 of at most 18 digits")
            } else {
                assertions.divisor = divisor
            }
        }
        let isEmpty =
            assertions.minimum == nil && assertions.maximum == nil && assertions.exclusiveMinimum == nil
            && assertions.exclusiveMaximum == nil && assertions.divisor == nil
        return isEmpty ? nil : assertions
    }

    mutating func texts(_ members: JSONObject, at place: SchemaPlace) -> TextAssertions? {
        var assertions = TextAssertions()
        assertions.minimumLength = count(members, .minLength, at: place)
        assertions.maximumLength = count(members, .maxLength, at: place)
        if !members["pattern"].isMissing {
            assertions.pattern = expression(members["pattern"].string, at: place.path + ["pattern"])
        }
        if !members["format"].isMissing {
            if let format = members["format"].string.flatMap(SchemaFormat.init(rawValue:)) {
                assertions.format = format
            } else {
                let known = SchemaFormat.allCases.map(\.rawValue).joined(separator: ", ")
                problem(place.path + ["format"], "this format cannot be checked; known are \(known)")
            }
        }
        let isEmpty =
            assertions.minimumLength == nil && assertions.maximumLength == nil && assertions.pattern == nil
            && assertions.format == nil
        return isEmpty ? nil : assertions
    }

    mutating func objects(_ members: JSONObject, at place: SchemaPlace) -> ObjectAssertions? {
        var assertions = ObjectAssertions()
        assertions.minimumCount = count(members, .minProperties, at: place)
        assertions.maximumCount = count(members, .maxProperties, at: place)
        assertions.required = names(members["required"], at: place.path + ["required"])
        assertions.dependentRequired = dependentRequired(members["dependentRequired"], at: place)
        for property in map(members, .properties, at: place) {
            assertions.properties[ExactString(property.name)] = property.node
        }
        for entry in map(members, .patternProperties, at: place) {
            let path = place.path + ["patternProperties", entry.name]
            guard let pattern = expression(entry.name, at: path) else { continue }
            assertions.patterns.append((pattern.expression, entry.node))
        }
        assertions.additional = node(members, .additionalProperties, at: place)
        assertions.names = node(members, .propertyNames, at: place)
        let isEmpty =
            assertions.minimumCount == nil && assertions.maximumCount == nil && assertions.required.isEmpty
            && assertions.dependentRequired.isEmpty && !assertions.looksAtMembers
        return isEmpty ? nil : assertions
    }

    private mutating func dependentRequired(
        _ value: JSONValue,
        at place: SchemaPlace
    ) -> [(name: String, required: [String])] {
        if value.isMissing { return [] }
        guard let entries = value.object else {
            problem(place.path + ["dependentRequired"], "\"dependentRequired\" is an object: name → array of names")
            return []
        }
        return entries.map { ($0.name, names($0.value, at: place.path + ["dependentRequired", $0.name])) }
    }

    mutating func arrays(_ members: JSONObject, at place: SchemaPlace) -> ArrayAssertions? {
        var assertions = ArrayAssertions()
        assertions.minimumCount = count(members, .minItems, at: place)
        assertions.maximumCount = count(members, .maxItems, at: place)
        if !members["uniqueItems"].isMissing {
            if let isUnique = members["uniqueItems"].bool {
                assertions.isUnique = isUnique
            } else {
                problem(place.path + ["uniqueItems"], "\"uniqueItems\" is true or false")
            }
        }
        assertions.prefix = list(members, .prefixItems, at: place) ?? []
        if members["items"].array != nil {
            problem(place.path + ["items"], "a list of schemas is called \"prefixItems\" in draft 2020-12")
        } else {
            assertions.rest = node(members, .items, at: place)
        }
        let minimum = count(members, .minContains, at: place)
        let maximum = count(members, .maxContains, at: place)
        if let contained = node(members, .contains, at: place) {
            assertions.contains = (contained, minimum ?? 1, maximum)
        }
        let isEmpty =
            assertions.minimumCount == nil && assertions.maximumCount == nil && !assertions.isUnique
            && assertions.prefix.isEmpty && assertions.rest == nil && assertions.contains == nil
        return isEmpty ? nil : assertions
    }

    mutating func applicators(_ members: JSONObject, at place: SchemaPlace) -> [InPlaceApplicator] {
        var applicators: [InPlaceApplicator] = []
        for keyword in [SchemaKeyword.reference, .dynamicReference] {
            if let target = reference(members, keyword, at: place) { applicators.append(.reference(target)) }
        }
        if let nodes = list(members, .allOf, at: place) { applicators.append(.all(nodes)) }
        if let nodes = list(members, .anyOf, at: place) { applicators.append(.any(nodes)) }
        if let nodes = list(members, .oneOf, at: place) { applicators.append(.one(nodes)) }
        if let not = node(members, .not, at: place) { applicators.append(.not(not)) }
        let then = node(members, .then, at: place)
        let otherwise = node(members, .else, at: place)
        if let condition = node(members, .if, at: place) {
            applicators.append(.condition(condition, then: then, otherwise: otherwise))
        }
        let dependent = map(members, .dependentSchemas, at: place)
        if !dependent.isEmpty { applicators.append(.dependent(dependent)) }
        return applicators
    }

    // MARK: Values of keywords

    private mutating func number(
        _ members: JSONObject,
        _ keyword: SchemaKeyword,
        at place: SchemaPlace
    ) -> ExactDecimal? {
        let value = members[keyword.rawValue]
        if value.isMissing { return nil }
        if let number = value.number, number.isFinite { return ExactDecimal(number.text) }
        problem(place.path + [keyword.rawValue], "\"\(keyword.rawValue)\" is a number")
        return nil
    }

    private mutating func count(_ members: JSONObject, _ keyword: SchemaKeyword, at place: SchemaPlace) -> Int? {
        let value = members[keyword.rawValue]
        if value.isMissing { return nil }
        if let count = value.number?.integer, count >= 0 { return count }
        problem(place.path + [keyword.rawValue], "\"\(keyword.rawValue)\" is a whole number of at least 0")
        return nil
    }

    private mutating func names(_ value: JSONValue, at path: [String]) -> [String] {
        if value.isMissing { return [] }
        if let names = value.array?.map(\.string), !names.contains(nil) { return names.compactMap { $0 } }
        problem(path, "is an array of names")
        return []
    }

    private mutating func expression(
        _ pattern: String?,
        at path: [String]
    ) -> (text: String, expression: LinearExpression)? {
        guard let pattern else {
            problem(path, "\"pattern\" is a regular expression in quotes")
            return nil
        }
        do throws(LinearExpression.SyntaxError) {
            return (pattern, try LinearExpression(pattern))
        } catch {
            problem(path, error.description)
            return nil
        }
    }
}
