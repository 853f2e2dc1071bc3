"""Measurements that are run by hand; nothing here is asserted in the test run."""
