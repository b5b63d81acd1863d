"""What all Kafka clients share.

Order of reading: `config` (settings → client options), `producer` (messages with receipts), `dead_letter_sink`,
`send_command`, `topics`
(creates and checks the topics), `generations` (topic id → generation), `admin` (admin calls with a reason on failure).
"""
