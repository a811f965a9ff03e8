"""The doors: HTTP routers, health, the scheduler, the command line."""
