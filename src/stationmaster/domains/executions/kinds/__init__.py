"""What can be executed: one module, and one executor, for each type of target."""
