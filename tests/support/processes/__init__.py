"""Workers, API processes and commands for tests: started, killed, their logs read."""
