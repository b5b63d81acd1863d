"""The faults, by what they are inflicted on: workers, servers, connections, messages, topics, clocks; and the soak."""
