"""The benchmarks that can be measured, each with its metadata, protocol and known defects."""

from ligature.evaluation.benchmarks.metadata import Benchmark, BenchmarkMetadata
from ligature.evaluation.benchmarks.registry import benchmark_for, benchmark_table, benchmarks

__all__ = ["Benchmark", "BenchmarkMetadata", "benchmark_for", "benchmark_table", "benchmarks"]
