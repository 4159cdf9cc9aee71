"""Test a partner's source before it is a feed: is it reachable, is it valid, is it complete, and what to mend."""

from pipeline.self_test.lines import Level, TestLine
from pipeline.self_test.testing import self_test

__all__ = ["Level", "TestLine", "self_test"]
