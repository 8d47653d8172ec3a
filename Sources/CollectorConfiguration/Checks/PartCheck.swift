public import Collector
public import EventJSON

/// Checks a mapping that stands alone: entity → action → rule.
public enum MappingCheck {
    /// What is wrong with the mapping.
    public static func check(_ value: JSONValue, functions: MappingFunctions = .standard) -> CheckReport {
        var report = CheckReport()
        var problems = ConfigurationProblems()
        // Under its member, as in a destination's configuration; the member is no part of the place.
        _ = Mapping(["mapping": value], functions: functions, problems: &problems)
        for problem in problems.list {
            let path = problem.path.dropFirst()
            report.fail(path.isEmpty ? "root" : path.joined(separator: "."), "INVALID_MAPPING", problem.message)
        }
        let entities = (value.object ?? [:]).map { JSONValue.string($0.name) }
        report.details["entities"] = .array(entities)
        return report
    }
}

/// Checks contracts that stand alone: name → contract.
public enum ContractCheck {
    /// What is wrong with the contracts, their `extend` and their schemas.
    public static func check(_ value: JSONValue) -> CheckReport {
        var report = CheckReport()
        guard let contracts = value.object else {
            report.fail("root", "INVALID_CONTRACT", "contracts are an object: name → contract")
            return report
        }
        var problems = ConfigurationProblems()
        var resolver = ContractResolver(contracts)
        do throws(ConfigurationProblem) {
            for contract in try resolver.resolveAll() {
                _ = EventContract(contract.value.object ?? [:], path: ["contract", contract.name], problems: &problems)
            }
        } catch {
            problems.add(error.path, error.message)
        }
        for problem in problems.list {
            report.fail(problem.path.dropFirst().joined(separator: "."), "INVALID_CONTRACT", problem.message)
        }
        report.details["contracts"] = .array(contracts.map { .string($0.name) })
        return report
    }
}
