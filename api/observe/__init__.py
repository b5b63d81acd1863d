"""What the API measures and reports about itself and its servers.

Order of reading: `health` and `probes` (`/readyz`), `metrics` (`/metrics`).
"""
