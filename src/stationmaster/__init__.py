"""Stationmaster: a self-hosted scheduler and execution service."""

__version__ = "0.1.0"
