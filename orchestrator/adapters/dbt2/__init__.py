"""Drives dbt 2.x, which is a program and not a library: its processes, and the telemetry that they write."""
