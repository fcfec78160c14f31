import Platform

/// Natural exponential and logarithm of plain numbers, under names that tensors do not have.
func exponential(_ x: Double) -> Double { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }
