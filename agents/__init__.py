"""The stream: one package per role, what the roles share, what they decide with and what they write to.

In the order of the data: score/, store/, feedback/, retrain/, dead_letters/. Shared by all roles: worker/ (the process
and its loop), quarantine/ (messages that kill their worker), fetch/ (batches from Kafka, in bounded memory), foreign/
(messages of other shapes), kafka/ (clients), models/ (the live model), stores/ (Postgres, Redis), driver_errors/ (which
error is retried), availability/ (waiting for a server), learning/ (pure decisions).
"""
