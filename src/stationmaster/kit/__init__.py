"""Pure tools without input or output: usable, and testable, with nothing running."""
