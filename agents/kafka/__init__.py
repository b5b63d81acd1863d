"""What all Kafka clients share.

Order of reading: `config` (settings → client options), `producer` (messages with receipts), `tally` (one receipt
for many), `limits` (the largest
message of each topic), `dead_letter_sink`, `send_command`, `topics` (creates the topics), `topic_fit` (compares and
changes them), `recreated_topics` (topic ids in a consumer's requests; offsets that don't follow on), `id_in_use`
(the group instance in them), `protocol` (layouts that aiokafka lacks), `topic_id_lookup` (topic ids for a writer),
`connections` (what a role opens), `admin` (admin calls with a reason on failure).
"""
