"""What all Kafka clients share.

Order of reading: `config` (settings → client options), `producer` (messages with receipts), `limits` (the largest
message of each topic), `dead_letter_sink`, `send_command`, `topics` (creates the topics), `topic_fit` (compares and
changes them), `reading` (topic ids in a consumer's requests), `protocol` (their layouts), `topic_ids` (reads them),
`connections` (what a role opens), `admin` (admin calls with a reason on
failure).
"""
