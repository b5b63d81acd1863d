"""Values as text for a terminal. No I/O: each module returns lines or tables.

`tables` and `figures` are shared; `status`, `jobs_models`, `lineage` and `progress` render one command's output each.
"""
