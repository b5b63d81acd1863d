"""`relearn bench faults`: faults inflicted on a running stream, and the check that each acknowledged record ended once.

Order of reading: `fault` (a fault and its bars), catalogue/ (the faults), `scene` (servers, workers and a stream in a
namespace), `traffic` and `hostile` (what is sent), `ledger` (what was acknowledged), `checker` (what it became),
`watch` (measurements meanwhile), `probe` (questions to Kafka and Postgres), `servers`, `workers`, `proxy` (what is cut
off), `schedule` (which faults run, and in which order), `report`, `command`.
"""
