"""`relearn bench api`: requests a second and latency of the HTTP API, beside others that do the same."""
