"""Measures Tearoff beside what people would use instead; `./Benchmarks/compare --help` tells how."""
