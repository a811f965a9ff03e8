"""Measures the service (`python -m bench`) and breaks it on purpose (`python -m bench.faults`). See README.md."""
