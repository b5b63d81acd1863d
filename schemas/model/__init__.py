"""The model as data. Pure.

Order of reading: `linear_svm` (weights, classes, scaling, its bytes), `encoder` (kinds → columns), `signatures`
(Ed25519), `signed_updates` (the messages of the topic `model-updates`; one is decoded only after its signature and
checksum hold), `signed_schema` (the versions of the features, in the same topic).
"""
