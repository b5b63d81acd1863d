"""The live model of a process: how an update reaches it, and how the retrain role publishes one.

Order of reading: `publish` (Postgres → `model-updates`), `feed` (the topic → this process), `swapper` (decides which
update replaces the model), `live` (champion, shadow and the versions of the features, the one mutable reference),
`reading` (how records are read and scored with them), `signing_keys` (the Ed25519 key files).
"""
