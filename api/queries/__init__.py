"""SQL and Redis reads that only the API needs. Reads that agents need too are in agents/stores/.

One module per subject, as in routes/. Paged lists are read with `read_snapshot(…, index_only=True)`.
"""
