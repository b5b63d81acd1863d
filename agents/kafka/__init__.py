"""What all Kafka clients share.

Order of reading: `config` (settings → client options), `producer` (messages with receipts), `send_command`, `topics`
(creates and checks the topics), `generations` (topic id → generation), `admin` (admin calls with a reason on failure).
"""
