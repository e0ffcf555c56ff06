public import ArgumentParser
public import Bench
public import Console

extension OutputFormat: ExpressibleByArgument {}

extension LoadPlan.Arrivals: ExpressibleByArgument {}
