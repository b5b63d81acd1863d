"""What commands send, wait for and query.

Order of reading: `environment` (settings), `command` and `outcome` (commands to the retrain role), `producer`,
`messages` and `pacing` (streaming a data set), `query`, `condition` and `lag` (`relearn status`), `time_argument`.
"""
