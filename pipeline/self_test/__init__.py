"""Test a partner's source before it is a feed: is it reachable, is it valid, is it complete, and what to mend."""

from pipeline.self_test.failures import failure_message
from pipeline.self_test.lines import Level, TestLine
from pipeline.self_test.testing import self_test

__all__ = ["Level", "TestLine", "failure_message", "self_test"]
