"""SQL and Redis reads that only the API needs. Reads that agents need too are in agents/stores/.

One module per subject, as in routes/. `index_only` forces index scans for paged lists.
"""
